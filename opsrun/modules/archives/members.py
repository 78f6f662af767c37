"""What an archive holds, compared with what it is to hold."""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opsrun.trees.entry import Entry, Kind


@dataclass(frozen=True, slots=True)
class Member:
    """Something that goes into an archive."""

    name: bytes
    """In the archive, below the directory that it is packed from."""
    path: str
    """On the host."""
    entry: Entry

    @property
    def is_dir(self) -> bool:
        """A directory, of which nothing but itself goes with it."""
        return self.entry.kind is Kind.DIRECTORY


_LINE = re.compile(
    r"(?P<type>.)(?P<mode>[-rwxsStT]{9})[.+@]? (?P<uid>\d+)/(?P<gid>\d+) +(?P<size>\S+)"
    r" (?P<at>-?\d+-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?P<name> .*)\Z"
)
_ESCAPES = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 92: r"\\"}
_LETTERS = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK}


def escaped(name: bytes) -> str:
    """A name as GNU tar's ``--quoting-style=escape`` writes it in the C locale."""
    return "".join(_letter(each) for each in name)


def _letter(byte: int) -> str:
    known = _ESCAPES.get(byte)
    if known is not None:
        return known
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def listed_alike(listing: str, members: Sequence[Member], passing: Collection[bytes]) -> bool:
    """Whether an archive holds these members, with these owners, modes, sizes and times.

    Times are compared in seconds: not every format has more.

    Args:
        listing: GNU tar's ``-tv --full-time --utc --numeric-owner --quoting-style=escape``.
        members: what it is to hold.
        passing: names whose times do not count.
    """
    left = {_shown(each): each for each in members}
    for line in listing.split("\n") if listing else ():
        found = _LINE.match(line)
        if found is None:
            return False
        name = next((each for each in _names(found) if each in left), None)
        if name is None or not _alike(found, left.pop(name), passing):
            return False
    return not left


def _shown(member: Member) -> str:
    name = escaped(member.name)
    if member.entry.kind is Kind.LINK:
        return f"{name} -> {escaped(member.entry.target)}"
    return f"{name}/" if member.is_dir else name


def _names(found: re.Match[str]) -> Iterator[str]:
    # Spaces make up for shorter times: all but the first may be part of the name.
    spaces = len(found["name"]) - len(found["name"].lstrip(" "))
    for start in range(1, spaces + 1):
        yield from _firsts(found["name"][start:], hard=found["type"] == "h")


def _firsts(name: str, *, hard: bool) -> Iterator[str]:
    if not hard:
        yield name
        return
    # A second name of a file; the words between may be part of either.
    at = name.find(" link to ")
    while at >= 0:
        yield name[:at]
        at = name.find(" link to ", at + 1)


def _alike(found: re.Match[str], member: Member, passing: Collection[bytes]) -> bool:
    entry = member.entry
    mode = stat.filemode(_LETTERS[entry.kind] | entry.mode)
    hard = found["type"] == "h"
    if mode[1:] != found["mode"] or (not hard and mode[0] != found["type"]):
        return False
    if (int(found["uid"]), int(found["gid"])) != (entry.uid, entry.gid):
        return False
    if not hard and found["size"] != str(entry.size):
        return False
    return member.name in passing or found["at"] == _at(entry)


def _at(entry: Entry) -> str:
    try:
        return datetime.fromtimestamp(entry.mtime // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


# -- zip (APPNOTE.TXT 6.3.10): the directory stands at the end, and its place behind it.

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_FILE = struct.Struct("<4s4B4HL2L5H2L")
_UNKNOWN = 0xFFFFFFFF


def zip_room(names: Sequence[bytes]) -> int:
    """Bytes that the directory of a zip archive with these names takes at most."""
    return 256 + sum(len(each) + 128 for each in names)


def zip_directory(tail: bytes) -> Mapping[bytes, tuple[int, int]] | None:
    """CRC-32 and size of each member, by name; None for what is no zip archive, or has more.

    Args:
        tail: its last bytes.
    """
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        return None
    size = _END.unpack_from(tail, at)[5]
    before = tail.rfind(b"PK\6\6", 0, at)
    if size == _UNKNOWN and before >= 0:
        at = before
        size = _END_64.unpack_from(tail, at)[8]
    if size > at:
        return None
    return _read(tail[at - size : at])


def _read(directory: bytes) -> Mapping[bytes, tuple[int, int]] | None:
    found = {}
    at = 0
    while at < len(directory):
        if directory[at : at + 4] != b"PK\1\2" or at + _FILE.size > len(directory):
            return None
        fields = _FILE.unpack_from(directory, at)
        checksum, size, name, extra, comment = fields[9], fields[11], *fields[12:15]
        start = at + _FILE.size
        found[directory[start : start + name]] = (checksum, size)
        at = start + name + extra + comment
    return found
