"""The blocks that stand before a tar member's data: what they say, held to what can be true.

Formats: POSIX.1-2017 pax ("pax Interchange Format"), and "Storing Sparse Files" and "The Basic Tar
Format" in the manual of GNU tar. `tarfile` reads the plain header; what it would believe without
asking (lengths, numbers, extended records) is read here.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsrun.trees.failures import ArchiveError, shown

BLOCK = 512
LARGEST = 2**63 - 1
"""Of any size or offset that a system can have."""
_FARTHEST = 2**62
"""Of times, in nanoseconds either side of 1970; what is beyond is as far as that."""


class Type(StrEnum):
    """What a member is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    HARD_LINK = "hard link"
    DEVICE = "device"
    FIFO = "fifo"
    UNKNOWN = "entry of an unknown type"


_TYPES = {
    tarfile.REGTYPE: Type.FILE,
    tarfile.AREGTYPE: Type.FILE,
    tarfile.CONTTYPE: Type.FILE,
    tarfile.GNUTYPE_SPARSE: Type.FILE,
    tarfile.DIRTYPE: Type.DIRECTORY,
    tarfile.SYMTYPE: Type.LINK,
    tarfile.LNKTYPE: Type.HARD_LINK,
    tarfile.CHRTYPE: Type.DEVICE,
    tarfile.BLKTYPE: Type.DEVICE,
    tarfile.FIFOTYPE: Type.FIFO,
}


@dataclass(frozen=True, slots=True)
class Header:
    """A member, as the archive has it; nothing in it is to be believed."""

    path: bytes
    type: Type
    mode: int
    """0o7777."""
    size: int
    """Of the file that it becomes, in bytes."""
    mtime: int
    """In nanoseconds since the epoch."""
    target: bytes = b""
    """Of links, hard ones too."""
    sparse: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """One header block by itself."""

    name: bytes
    code: bytes
    mode: int
    size: int
    mtime: int
    linkname: bytes

    @property
    def type(self) -> Type:
        """What the code stands for."""
        return _TYPES.get(self.code, Type.UNKNOWN)

    @property
    def stored(self) -> int:
        """Bytes that follow in the archive."""
        return self.size if self.type in (Type.FILE, Type.UNKNOWN) else 0


@dataclass(slots=True)
class Extension:
    """What longer headers say of the member that they stand before."""

    path: bytes | None = None
    target: bytes | None = None
    size: int | None = None
    mtime: int | None = None
    sparse: PaxSparse | None = None


@dataclass(slots=True)
class PaxSparse:
    """Records ``GNU.sparse.*``: which version, and what it has already said of the map."""

    in_data: bool
    """Version 1.0: the map stands before the data."""
    size: int
    path: bytes | None
    numbers: Sequence[int]
    """Offset, length, offset, length … of versions 0.0 and 0.1."""


def parse_plain(block: bytes) -> Plain:
    """A header block.

    Raises:
        ArchiveError: it is none, or has a number in it that can't be.
    """
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArchiveError("what the host sent is no tar archive, or is damaged") from error
    name = info.name.encode("utf-8", "surrogateescape")
    _check_size(info.size, name)
    linkname = info.linkname.encode("utf-8", "surrogateescape")
    mtime = _time(int(info.mtime) * 1_000_000_000)
    return Plain(name, info.type, info.mode & 0o7777, info.size, mtime, linkname)


def parse_long(data: bytes) -> bytes:
    """The name of a GNU long name or long link."""
    return data.split(b"\0", 1)[0]


def parse_pax(data: bytes) -> Extension:
    """The records of an extended header.

    Raises:
        ArchiveError: they are malformed.
    """
    extension = Extension()
    records = _records(data)
    known = dict(records)
    extension.path = known.get(b"path")
    extension.target = known.get(b"linkpath")
    if b"size" in known:
        extension.size = number(known[b"size"])
    if b"mtime" in known:
        extension.mtime = _pax_time(known[b"mtime"])
    extension.sparse = _pax_sparse(records, known)
    return extension


def check_global(data: bytes) -> None:
    """Records for all members that follow: harmless ones, such as comments, are passed over.

    Raises:
        ArchiveError: they are malformed, or would change what members are.
    """
    for key, _ in _records(data):
        if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
            raise ArchiveError(f"the archive sets {shown(key)} for all its members at once")


def number(text: bytes) -> int:
    """A decimal number.

    Raises:
        ArchiveError: it is none, or larger than anything on a disk.
    """
    if not re.fullmatch(rb"[0-9]{1,19}", text) or int(text) > LARGEST:
        raise ArchiveError(f"the archive has {shown(text[:40])!r} where a size should be")
    return int(text)


def old_sparse(block: bytes) -> tuple[list[int], bool, int]:
    """The map in an old GNU header: numbers, whether it goes on, and the file's size.

    Raises:
        ArchiveError: it has a number that can't be.
    """
    numbers = _pairs(block[386:482])
    return numbers, block[482] != 0, _octal(block[483:495])


def more_sparse(block: bytes) -> tuple[list[int], bool]:
    """A further block of an old GNU map: numbers, and whether it goes on."""
    return _pairs(block[:504]), block[504] != 0


def _pairs(field: bytes) -> list[int]:
    numbers: list[int] = []
    for at in range(0, len(field), 24):
        pair = field[at : at + 24]
        if not pair.strip(b"\0 "):
            break
        numbers += (_octal(pair[:12]), _octal(pair[12:]))
    return numbers


def _octal(field: bytes) -> int:
    """A number of 12 bytes, in octal digits or, with the first bit set, binary."""
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    else:
        digits = field.split(b"\0", 1)[0].strip()
        value = int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else -1 if digits else 0
    _check_size(value, b"a sparse file")
    return value


def _check_size(size: int, name: bytes) -> None:
    if not 0 <= size <= LARGEST:
        raise ArchiveError(f"the archive says that {shown(name)} has {size} bytes")


def _time(nanoseconds: int) -> int:
    return max(-_FARTHEST, min(_FARTHEST, nanoseconds))


def _records(data: bytes) -> list[tuple[bytes, bytes]]:
    """Key and value of each record ``LENGTH KEY=VALUE\\n``, where LENGTH is that of all of it."""
    records = []
    at = 0
    while at < len(data):
        head = re.compile(rb"([0-9]{1,9}) ([^=\0]+)=").match(data, at)
        end = at + int(head[1]) if head else 0
        if head is None or end <= head.end() or end > len(data) or data[end - 1 : end] != b"\n":
            raise ArchiveError("an extended header of the archive is damaged")
        records.append((head[2], data[head.end() : end - 1]))
        at = end
    return records


def _pax_time(text: bytes) -> int:
    match = re.fullmatch(rb"(-?)([0-9]{1,20})(?:\.([0-9]{0,40}))?", text)
    if match is None:
        raise ArchiveError(f"the archive has {shown(text[:40])!r} where a time should be")
    fraction = (match[3] or b"")[:9].ljust(9, b"0")
    value = int(match[2]) * 1_000_000_000 + int(fraction)
    return _time(-value if match[1] else value)


def _pax_sparse(
    records: Sequence[tuple[bytes, bytes]], known: dict[bytes, bytes]
) -> PaxSparse | None:
    path = known.get(b"GNU.sparse.name")
    if b"GNU.sparse.major" in known:
        version = known[b"GNU.sparse.major"], known.get(b"GNU.sparse.minor")
        if version != (b"1", b"0"):
            raise ArchiveError("the archive has sparse files of an unknown version")
        return PaxSparse(True, number(known.get(b"GNU.sparse.realsize", b"")), path, ())
    if b"GNU.sparse.size" not in known:
        return None
    if b"GNU.sparse.map" in known:
        texts = known[b"GNU.sparse.map"].split(b",") if known[b"GNU.sparse.map"] else []
    else:
        keys = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
        texts = [value for key, value in records if key in keys]
    numbers = [number(text) for text in texts]
    return PaxSparse(False, number(known[b"GNU.sparse.size"]), path, numbers)
