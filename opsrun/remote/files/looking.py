"""The first look at a host: its tools, who one is there, and what a destination is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from opsrun.errors import HostError
from opsrun.remote.files import tools
from opsrun.remote.files.globbing import home
from opsrun.remote.files.listing import LISTING, asked, calls, inside, parse_listing
from opsrun.remote.files.scripts import PRELUDE
from opsrun.remote.files.tools import Tools, parse_tools
from opsrun.trees.entry import Entry


class Place(StrEnum):
    """What there is under a name."""

    ABSENT = "absent"
    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"
    """A device, a fifo or a socket."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One path of a host."""

    path: bytes
    """Absolute; over no link up to its last part, and over none at all in `Look.real`. As it was
    asked for where its parent can't be reached."""
    place: Place
    writable: bool
    """As far as the host's ``[ -w ]`` tells: modes, and whether the file system is read-only."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a host said."""

    tools: Tools
    umask: int
    uid: int
    gid: int
    groups: tuple[int, ...]
    """All of the user's, the first one included."""
    dest: Spot
    """The destination itself, a link not followed."""
    real: Spot
    """What it leads to; the same as ``dest`` if it is no link."""
    parent: Spot
    """The directory that ``real`` is in; where that is absent, the nearest one above that is not
    tells whether it could be made."""
    entry: Entry | None
    """More of ``real``, if it exists; its path is ``b""``."""
    entries: tuple[Entry, ...]
    """Those of the expected names that exist below ``real``."""
    doubtful: tuple[bytes, ...] = ()
    """Names to be asked for once more."""


_SCRIPT = """\
umask=$(umask)
place() {
  if [ "$2" != y ] && [ -h "$1" ]; then k='link'
  elif [ -f "$1" ]; then k='file'
  elif [ -d "$1" ]; then k=directory
  elif [ -e "$1" ] || [ -h "$1" ]; then k=other
  else k=absent
  fi
  w=n
  [ ! -w "$1" ] || w=y
}
tell() { printf '%s\\0' "$1 $k $w" "$2"; }
physical() {
  b=${1##*/}
  u=${1%/*}
  if cd -P -- "${u:-/}" 2>/dev/null; then
    r=${PWD%/}/$b
    back
  else r=$1
  fi
}
back() { cd -P -- "$here" || die top 0 "$here can't be gone back to"; }
here=$PWD
case $d in /*) ;; *) d=${here%/}/${d#./} ;; esac
place "$d"
if [ "$d" = / ]; then r=/; else physical "$d"; fi
tell dest "$r"
n=0
while [ -h "$r" ] && [ $n -lt 40 ]; do
  n=$((n + 1))
  l=$(readlink "$r"; echo .)
  l=${l%"$nl".}
  while case $l in ?*/) ;; *) false ;; esac; do l=${l%/}; done
  case $l in /*) ;; *) l=${r%/*}/$l ;; esac
  if [ -d "$l" ] && cd -P -- "$l" 2>/dev/null; then
    r=$PWD
    back
  else
    physical "$l"
  fi
done
if [ -d "$r" ] && cd -P -- "$r" 2>/dev/null; then
  r=$PWD
  back
fi
place "$r"
tell real "$r"
kind=$k
u=${r%/*}
u=${u:-/}
place "$u" y
a=$k
v=$u
while [ $k = absent ] && [ "$v" != / ]; do
  v=${v%/*}
  v=${v:-/}
  place "$v" y
done
if [ $k != directory ]; then
  a=other
  w=n
fi
[ -x "$v" ] || w=n
k=$a
tell parent "$u"
printf '%s\\0' "ids $umask $(id -u) $(id -g) $(id -G)"
"""

_LIST = """\
[ $how != n ] || exit 0
case $kind in
  absent) exit 0 ;;
  directory)
    root "$r"
    start
    some .
    ;;
  *)
    root "${r%/*}/"
    start
    some "./${r##*/}"
    exit 0
    ;;
esac
"""


def look_script(dest: bytes, names: Sequence[bytes]) -> str:
    """Says all that a `Look` has in one go."""
    head = f"{PRELUDE}{tools.SCRIPT}d={home(dest)}\n"
    return head + _SCRIPT + LISTING + _LIST + calls("those", asked(names))


def parse_look(output: bytes, names: Sequence[bytes]) -> Look:
    """Read what the script prints.

    Raises:
        HostError: it is something else.
    """
    first, _, rest = output.partition(b"\n")
    fields = rest.split(b"\0", 7)
    try:
        spots = [_spot(fields[at : at + 2]) for at in (0, 2, 4)]
        _, umask, uid, gid, *groups = fields[6].decode("ascii").split()
        return _with_entries(
            Look(
                tools=parse_tools(first.decode("ascii").split()[1:]),
                umask=int(umask, 8),
                uid=int(uid),
                gid=int(gid),
                groups=tuple(map(int, groups)),
                dest=spots[0],
                real=spots[1],
                parent=spots[2],
                entry=None,
                entries=(),
            ),
            fields[7],
            names,
        )
    except (ValueError, IndexError) as error:
        raise HostError("what it says of itself makes no sense") from error


def _spot(fields: Sequence[bytes]) -> Spot:
    _, place, writable = fields[0].decode("ascii").split(" ")
    return Spot(fields[1], Place(place), writable == "y")


def _with_entries(look: Look, output: bytes, names: Sequence[bytes]) -> Look:
    if not output:
        return look
    listing = parse_listing(output)
    if look.real.place is not Place.DIRECTORY:
        itself = [replace(each, path=b"") for each in listing.entries]
        return replace(look, entry=itself[0] if itself else None)
    top = [each for each in listing.entries if not each.path]
    return replace(
        look,
        entry=top[0] if top else None,
        entries=tuple(inside(listing.entries, names)),
        doubtful=tuple(listing.doubtful),
    )
