"""What is below a directory of a host, as entries: whole trees, or some names of them.

With GNU find(1) a tree takes one process, and every field ends in a NUL. Elsewhere find(1) hands
names on in portions, and stat(1) says one line for each, without its name: so names may be
anything. Where a file vanished between the two, the lines don't match the names, and these are
asked for once more, one by one.

Output: ``g`` or ``p``, then fields that end in NULs. For ``g``, three for each entry: its name,
what is known of it, what it points to. For ``p``, portions: the names, an empty field, stat's
lines, then for each link its name and what it points to (with a newline and a dot behind it), an
empty field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from opsrun.errors import HostError
from opsrun.remote.files.scripts import at_top
from opsrun.remote.files.words import FILTERED, ancestors, below, portions
from opsrun.trees.entry import Entry, Kind

_GNU = "-printf '%p\\0%y %m %s %T@ %U %G %b\\0%l\\0'"

# The inner script is one word in single quotes, so it has none itself.
_PORTION = """\
inner='
printf "%s\\0" "$@"
printf "\\0"
case $how in
  c) stat -c "%f %s %Y %u %g %b %B" -- "$@" ;;
  f) stat -f "%Xp %z %m %u %g %b 512" -- "$@" ;;
esac
printf "\\0"
for f; do
  if [ -h "$f" ]; then printf "%s\\0%s\\0" "$f" "$(readlink "$f"; echo .)"; fi
done
printf "\\0"
'
"""

LISTING = f"""\
how=n
if [ "$(find / -prune -printf x 2>/dev/null)" = x ]; then how=g
elif stat -c %f / >/dev/null 2>&1; then how=c
elif stat -f %Xp / >/dev/null 2>&1; then how=f
fi
export how
{_PORTION}start() {{
  case $how in
    g) printf 'g\\0' ;;
    n) die nostat 0 ;;
    *) printf 'p\\0' ;;
  esac
}}
tree() {{
  if [ $how = g ]; then find . {_GNU}
  else find . -exec sh -c "$inner" sh {{}} +
  fi
}}
some() {{
  if [ $how = g ]; then find "$@" -maxdepth 0 {_GNU}
  else sh -c "$inner" sh "$@"
  fi
}}
each() {{ for f; do some "$f"; done; }}
reach() {{
  d=${{1%/*}}
  while [ ! -d "$d" ]; do
    if [ -e "$d" ] || [ -h "$d" ]; then return 0; fi
    d=${{d%/*}}
  done
  [ -x "$d" ] || die top 0 "$d: Permission denied"
}}
those() {{
  n=0
  for f; do
    if [ -e "$f" ] || [ -h "$f" ]; then n=$((n + 1)); else reach "$f"; fi
  done
  [ $n != 0 ] || return 0
  if [ $n != $# ]; then
    for f; do
      shift
      if [ -e "$f" ] || [ -h "$f" ]; then set -- "$@" "$f"; fi
    done
  fi
  [ $# = 0 ] || some "$@"
}}
"""
"""``start``; then ``tree`` for all below the working directory, ``those NAME ...`` for those of the
names that exist, ``each NAME ...`` for the same, a process for each."""

_KINDS = {0o10: Kind.FILE, 0o4: Kind.DIRECTORY, 0o12: Kind.LINK}
_FARTHEST = 2**70
"""Nanoseconds from the epoch: 37,000 years, which every system call and archive takes."""

_LETTERS = {"f": Kind.FILE, "d": Kind.DIRECTORY, "l": Kind.LINK}


def tree_script(top: bytes) -> str:
    """Lists all that is below ``top``, and ``top`` itself."""
    return f"{at_top(top)}{LISTING}start\ntree\n"


def names_script(top: bytes, names: Iterable[bytes], *, singly: bool = False) -> str:
    """Lists those names that exist; see `asked`."""
    call = "each" if singly else "those"
    return f"{at_top(top)}{LISTING}start\n{calls(call, names)}"


def calls(call: str, names: Iterable[bytes], most: int = FILTERED) -> str:
    """A shell function called with the names, in portions."""
    lines = [" ".join([call, *map(below, each)]) for each in portions(names, most)]
    return "".join(f"{line}\n" for line in lines)


def asked(names: Iterable[bytes]) -> list[bytes]:
    """The names with all directories above them: through a link, a name leads out of the tree."""
    wanted = set(names)
    for name in list(wanted):
        wanted.update(ancestors(name))
    return sorted(wanted)


def inside(entries: Iterable[Entry], names: Iterable[bytes]) -> list[Entry]:
    """Those of ``names`` that are reached over directories alone."""
    found = {entry.path: entry for entry in entries}
    directories = {path for path, entry in found.items() if entry.kind is Kind.DIRECTORY}
    return [
        found[name]
        for name in names
        if name in found and all(above in directories for above in ancestors(name))
    ]


@dataclass(slots=True)
class Listing:
    """What a listing's output says."""

    entries: list[Entry] = field(default_factory=list)
    doubtful: list[bytes] = field(default_factory=list)
    """Names of which it is not known which of the lines is theirs."""


def parse_listing(output: bytes) -> Listing:
    """Read what the scripts of this module print.

    Raises:
        HostError: it is something else.
    """
    fields = output.split(b"\0")
    listing = Listing()
    try:
        if fields.pop() != b"":
            raise ValueError
        if fields[0] == b"g":
            listing.entries = list(_gnu(fields[1:]))
        elif fields[0] == b"p":
            _portable(iter(fields[1:]), listing)
        else:
            raise ValueError
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise HostError("its listing of files makes no sense, or is cut off") from error
    return listing


def _gnu(fields: Sequence[bytes]) -> Iterator[Entry]:
    for name, facts, target in zip(*[iter(fields)] * 3, strict=True):
        letter, mode, size, mtime, uid, gid, blocks = facts.decode("ascii").split(" ")
        kind = _LETTERS.get(letter, Kind.OTHER)
        yield Entry(
            path=_path(name),
            kind=kind,
            mode=int(mode, 8) & 0o7777,
            size=int(size) if kind is Kind.FILE else 0,
            mtime=nanoseconds(mtime),
            uid=int(uid),
            gid=int(gid),
            target=target,
            allocated=int(blocks) * 512 if kind is Kind.FILE else None,
        )


def _path(name: bytes) -> bytes:
    if name == b".":
        return b""
    path = name[2:]
    # As absolute as "/etc": what a host says must lead nowhere but below.
    if not name.startswith(b"./") or not {b"", b".", b".."}.isdisjoint(path.split(b"/")):
        raise ValueError(name)
    return path


def nanoseconds(seconds: str) -> int:
    """find's ``%T@``: seconds with a fraction of any number of digits, or none.

    Before the epoch both parts count backwards.
    """
    whole, _, fraction = seconds.partition(".")
    rest = int(fraction[:9].ljust(9, "0"))
    return _time(int(whole) * 10**9 + (-rest if whole.startswith("-") else rest))


def _time(nanoseconds: int) -> int:
    """The nearest time that every system of ours can set."""
    return max(-_FARTHEST, min(_FARTHEST, nanoseconds))


def _portable(fields: Iterator[bytes], listing: Listing) -> None:
    for first in fields:
        names = [first, *_until_empty(fields)]
        lines = next(fields).decode("ascii").split("\n")[:-1]
        rest = _until_empty(fields)
        links = dict(zip(rest[::2], rest[1::2], strict=True))
        if len(lines) != len(names):
            listing.doubtful += [_path(name) for name in names]
            continue
        for name, line in zip(names, lines, strict=True):
            entry = _stated(name, line, links)
            if entry is None:
                listing.doubtful.append(_path(name))
            else:
                listing.entries.append(entry)


def _until_empty(fields: Iterator[bytes]) -> list[bytes]:
    some: list[bytes] = []
    for each in fields:
        if not each:
            return some
        some.append(each)
    raise ValueError("cut off")


def _stated(name: bytes, line: str, links: dict[bytes, bytes]) -> Entry | None:
    mode, size, mtime, uid, gid, blocks, unit = line.split(" ")
    bits = int(mode, 16)
    kind = _KINDS.get(bits >> 12, Kind.OTHER)
    if kind is Kind.LINK and name not in links:
        return None
    return Entry(
        path=_path(name),
        kind=kind,
        mode=bits & 0o7777,
        size=int(size) if kind is Kind.FILE else 0,
        mtime=_time(int(mtime) * 10**9),
        uid=int(uid),
        gid=int(gid),
        # readlink's own newline, and the dot that keeps those of the target.
        target=links[name][:-2] if kind is Kind.LINK else b"",
        allocated=int(blocks) * int(unit) if kind is Kind.FILE else None,
    )
