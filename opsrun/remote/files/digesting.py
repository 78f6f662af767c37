"""Checksums of a host's files, by the quickest of its programs.

Output: the tool's own lines, ``DIGEST NAME``. Names that the tools write in ways of their own are
read from standard input instead, each between a line ``@ NUMBER`` and a line ``@``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsrun.remote.files.scripts import CKSUM, LARGE, LARGE_FILE, SUMS, at_top
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import below, is_odd, portions
from opsrun.trees.entry import Entry

# A fifo would be waited for until the end of time.
_FUNCTIONS = """\
[ -n "$sum" ] || die nosum 0
plain() { [ -f "$1" ] && [ ! -h "$1" ]; }
some() {
  n=0
  for f; do plain "$f" || n=1; done
  if [ $n = 0 ]; then $how "$@"
  else for f; do if plain "$f"; then $how "$f"; fi; done
  fi
}
odd() {
  echo "@ $1"
  if plain "$2"; then $how <"$2"; fi
  echo "@"
}
how=$sum
"""

_SHA256 = re.compile(rb"([0-9a-f]{64})(?: [ *]?(.*))?\Z", re.DOTALL)
_CKSUM = re.compile(rb"([0-9]+ [0-9]+)(?: (.*))?\Z", re.DOTALL)


def digest_script(top: bytes, files: Sequence[Entry], check: Check) -> str:
    """Prints the checksums of the files that are there."""
    lines = [at_top(top)]
    lines.append(SUMS + LARGE if check is Check.SHA256 else CKSUM)
    lines.append(_FUNCTIONS)
    large = [each.path for each in files if each.size >= LARGE_FILE]
    lines += _lines([each.path for each in files if each.size < LARGE_FILE], files)
    if large:
        lines.append("how=$big\n")
        lines += _lines(large, files)
    return "".join(lines)


def _lines(names: Sequence[bytes], files: Sequence[Entry]) -> list[str]:
    numbers = {each.path: number for number, each in enumerate(files)}
    usual = [name for name in names if not is_odd(name)]
    lines = [f"some {' '.join(map(below, each))}\n" for each in portions(usual)]
    lines += [f"odd {numbers[name]} {below(name)}\n" for name in names if is_odd(name)]
    return lines


def parse_digests(output: bytes, files: Sequence[Entry], check: Check) -> dict[bytes, str]:
    """The checksum of each file that has one. Lines that are none are passed over."""
    pattern = _SHA256 if check is Check.SHA256 else _CKSUM
    digests: dict[bytes, str] = {}
    wanted = {each.path for each in files}
    odd: bytes | None = None
    for line in output.split(b"\n"):
        if line.startswith(b"@ ") and line[2:].isdigit() and int(line[2:]) < len(files):
            odd = files[int(line[2:])].path
            continue
        found = pattern.match(line)
        if found is None:
            odd = None
            continue
        name = odd if odd is not None else (found[2] or b"").removeprefix(b"./")
        odd = None
        if name in wanted:
            digests[name] = found[1].decode()
    return digests
