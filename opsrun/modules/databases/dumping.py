"""Scripts that dump a database of PostgreSQL's to a file, and restore it from one.

The file's name tells the format. A dump is written beside its place and moved there when it is
whole, so that one which fails leaves the former one as it was.
"""

from __future__ import annotations

import shlex

from opsrun.modules.base import ModuleError
from opsrun.modules.wording import path_word, word

_FORMATS = {".tar": "t", ".pgc": "c", ".dir": "d"}
_PACKERS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}


def _kind(target: str) -> tuple[str, str]:
    """The format's letter, ``p`` for SQL, and the program that packs it, if any."""
    plain, packer = target.rstrip("/"), ""
    for suffix, program in _PACKERS.items():
        if plain.endswith(suffix):
            plain, packer = plain.removesuffix(suffix), program
    letter = next((each for suffix, each in _FORMATS.items() if plain.endswith(suffix)), "p")
    if packer and letter == "d":
        raise ModuleError(f"{target}: a directory can't be packed with {packer}")
    return letter, packer


def _options(text: str) -> str:
    try:
        return "".join(f" {word(each)}" for each in shlex.split(text))
    except ValueError as error:
        raise ModuleError(f"options: {text!r}: {error}") from error


def dump(database: str, target: str, options: str) -> str:
    """pg_dump(1) into a file, or a directory."""
    letter, packer = _kind(target)
    call = f"pg_dump -w -F {letter}{_options(options)} -d {_connection(database)}"
    head = f"has pg_dump || lack pg_dump\nt={path_word(target)}\n"
    if letter == "d":
        return f'{head}{call} -f "$t" </dev/null\n'
    head += "n=$t.$$.part\ntrap 'rm -f \"$n\"' EXIT\n"
    if not packer:
        return f'{head}{call} -f "$n" </dev/null || exit\nmv -f "$n" "$t"\n'
    return (
        f"{head}has {packer} || lack {packer}\n"
        f's=$({{ {{ {call} </dev/null; echo "$?" >&4; }} | {packer} -c >"$n"; }} 4>&1) || exit\n'
        '[ "$s" = 0 ] || exit "${s:-1}"\nmv -f "$n" "$t"\n'
    )


def restore(database: str, target: str, options: str) -> str:
    """psql(1) or pg_restore(1) from one."""
    letter, packer = _kind(target)
    head = f"t={path_word(target)}\n"
    head += '[ -e "$t" ] || { echo "there is no $t" >&2; exit 1; }\n'
    more = _options(options)
    if letter == "p":
        call = f"psql -X -q -w{more} -d {_connection(database)}"
        plain = f'{call} -f "$t" </dev/null >/dev/null\n'
    else:
        head += "has pg_restore || lack pg_restore\n"
        call = f"pg_restore -w -F {letter}{more} -d {_connection(database)}"
        plain = f'{call} "$t" </dev/null >/dev/null\n'
    if not packer:
        return head + plain
    return (
        f"{head}has {packer} || lack {packer}\n"
        f's=$({{ {{ {packer} -dc "$t"; echo "$?" >&4; }} | {call} >/dev/null; }} 4>&1) || exit\n'
        '[ "$s" = 0 ] || exit "${s:-1}"\n'
    )


def _connection(database: str) -> str:
    """A name alone: what looks like a connection string would be taken for one."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return word(f"dbname='{escaped}'")
