"""Scripts that give files away: one as it is, or many as archives one behind the other."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.remote.files.scripts import CKSUM, LARGE, LARGE_FILE, PRELUDE, SUMS, at_top
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import absolute, below, portions, word


def read_script(path: bytes) -> str:
    """Prints a file. What is no file (a fifo would be waited for) is refused."""
    name = word(absolute(path))
    return f"""\
{PRELUDE}d={name}
if [ -d "$d" ]; then die isdir 0; fi
if [ -e "$d" ] && [ ! -f "$d" ]; then die other 0; fi
exec 4>&1
e=$(cat -- "$d" 2>&1 >&4) || die read 0 "$e"
"""


def beginning_script(path: bytes, size: int) -> str:
    """Prints the first bytes of a file, as many as are said or as there are."""
    return f'{PRELUDE}d={word(absolute(path))}\n_otake {size} <"$d" || die read 0\n'


def beginning_digest_script(path: bytes, size: int, check: Check) -> str:
    """Prints the checksum of those bytes."""
    sums = SUMS + LARGE if check is Check.SHA256 else CKSUM
    name = "big" if size >= LARGE_FILE else "sum"
    return f"{sums}_otake {size} <{word(absolute(path))} | ${name}\n"


# What busybox's lacks is tried out on nothing, where GNU's makes an empty archive.
_PACK = """\
more=
if tar -cf /dev/null --hard-dereference -T /dev/null 2>/dev/null; then
  # Else a name with a backslash means another one.
  more='--hard-dereference -S --no-unquote'
fi
failed=
pack() {
  # shellcheck disable=SC2086 # options, or none
  e=$(tar -cf - $more -- "$@" 2>&1 >&4) && return
  [ $? != 1 ] || [ -z "$more" ] || return
  failed="$failed$e$nl"
}
"""


def pack_script(top: bytes, names: Iterable[bytes]) -> str:
    """Prints archives of the names, which are files and links: directories would be gone into.

    All that can be read is printed before a failure is told. GNU tar's status 1 is none: a file
    changed meanwhile, which its checksum shows.
    """
    lines = [at_top(top), "exec 4>&1\n", _PACK]
    lines += [f"pack {' '.join(map(below, each))}\n" for each in portions(names)]
    lines.append('[ -z "$failed" ] || die pack 0 "$failed"\n')
    return "".join(lines)
