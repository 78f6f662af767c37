"""Scripts that dump databases of MySQL's to a file, and import one.

A dump is written beside its place and moved there when it is whole, so that one which fails leaves
the former one as it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from opsrun.modules.base import ModuleError
from opsrun.modules.wording import path_word, word

_PACKERS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

_DUMPER = """\
dumper=
for each in mariadb-dump mysqldump; do
  if has "$each"; then dumper=$each; break; fi
done
[ -n "$dumper" ] || lack mysqldump
dump() {
  "$dumper" --defaults-file=/dev/fd/3 "$@" 3<<X
$settings
X
}
"""
_LOAD = """\
load() {
  "$client" --defaults-file=/dev/fd/3 --batch "$@" 3<<X
$settings
X
}
"""


def files(restricted: bool) -> str:
    """Has the programs read files of options first: the user's, and the machine's."""
    others = "" if restricted else "/etc/my.cnf /etc/mysql/my.cnf "
    return (
        f'for each in {others}"$config"; do\n'
        '  [ ! -f "$each" ] || [ ! -r "$each" ] || included="${included-}!include $each\n"\n'
        'done\nsettings="${included-}$settings"\n'
    )


def split(text: str) -> list[str]:
    """Words of a task's own. ModuleError: a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ModuleError(f"dump_extra_args: {text!r}: {error}") from error


def shown(words: Sequence[str]) -> str:
    """As results have them."""
    return shlex.join(each for each in words if each != "--")


def _packer(target: str) -> str:
    return next((tool for suffix, tool in _PACKERS.items() if target.endswith(suffix)), "")


def dump(words: Sequence[str], target: str) -> str:
    """mysqldump(1) into a file."""
    packer = _packer(target)
    call = f"dump {' '.join(map(word, words))} </dev/null"
    head = f"{_DUMPER}t={path_word(target)}\nn=$t.$$.part\ntrap 'rm -f \"$n\"' EXIT\n"
    if not packer:
        return f'{head}{call} >"$n" || exit\nmv -f "$n" "$t"\n'
    return (
        f"{head}has {packer} || lack {packer}\n"
        f's=$({{ {{ {call}; echo "$?" >&4; }} | {packer} -c >"$n"; }} 4>&1) || exit\n'
        '[ "$s" = 0 ] || exit "${s:-1}"\nmv -f "$n" "$t"\n'
    )


def restore(
    words: Sequence[str], target: str, folder: str | None, log_bin: bool, makes: bool
) -> str:
    """mysql(1) from one; what makes the database comes on standard input."""
    packer = _packer(target)
    silent = "" if log_bin else "--init-command='SET SESSION sql_log_bin = 0' "
    call = f"load {silent}{' '.join(map(word, words))}"
    head = _LOAD + (f"cd {path_word(folder)} || exit\n" if folder else "")
    head += f"t={path_word(target)}\n" + ("my || exit\n" if makes else "")
    if not packer:
        return f'{head}{call} <"$t" >/dev/null\n'
    return (
        f"{head}has {packer} || lack {packer}\n"
        f's=$({{ {{ {packer} -dc "$t"; echo "$?" >&4; }} | {call} >/dev/null; }} 4>&1) || exit\n'
        '[ "$s" = 0 ] || exit "${s:-1}"\n'
    )
