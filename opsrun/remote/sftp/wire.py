"""The pieces that SFTP packets are made of: numbers, strings, a file's attributes.

draft-ietf-secsh-filexfer-02, sections 3 to 5. All of it is pure: bytes in, values out.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass

from opsrun.errors import OpsrunError
from opsrun.trees.entry import Kind

_SIZE, _OWNER, _MODE, _TIMES, _EXTENDED = 1, 2, 4, 8, 1 << 31

_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}


class PacketError(OpsrunError):
    """What came is no SFTP packet; nothing behind it can be believed."""


class Fields:
    """Reads a packet from its front.

    Every call raises `PacketError` where the packet ends before the value does.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """Eight bits."""
        return self._number(1)

    def uint32(self) -> int:
        """Thirty-two bits."""
        return self._number(4)

    def uint64(self) -> int:
        """Sixty-four bits."""
        return self._number(8)

    def string(self) -> bytes:
        """A length, and as many bytes."""
        return self._take(self._number(4))

    def rest(self) -> bytes:
        """All that was not read yet."""
        return self._take(len(self._data) - self._at)

    @property
    def over(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._data)

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise PacketError("a packet is shorter than what it is said to hold")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def uint32(number: int) -> bytes:
    """The encoding of thirty-two bits."""
    return struct.pack(">I", number)


def uint64(number: int) -> bytes:
    """The encoding of sixty-four bits."""
    return struct.pack(">Q", number)


def string(data: bytes) -> bytes:
    """The encoding of a string."""
    return struct.pack(">I", len(data)) + data


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server tells of a file, or is to set; None for what isn't told, or is left alone."""

    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    """As in stat(2)'s ``st_mode``: servers tell the kind of file along with the permissions."""
    atime: int | None = None
    """Seconds since the epoch, as `mtime`."""
    mtime: int | None = None
    extended: tuple[tuple[bytes, bytes], ...] = ()

    def encode(self) -> bytes:
        """The bytes of section 5. Owner and group go together, and so do the two times."""
        flags, parts = 0, [b""]
        if self.size is not None:
            flags |= _SIZE
            parts.append(uint64(self.size))
        if self.uid is not None and self.gid is not None:
            flags |= _OWNER
            parts += [uint32(self.uid), uint32(self.gid)]
        if self.mode is not None:
            flags |= _MODE
            parts.append(uint32(self.mode))
        if self.atime is not None and self.mtime is not None:
            flags |= _TIMES
            parts += [uint32(self.atime), uint32(self.mtime)]
        if self.extended:
            flags |= _EXTENDED
            parts.append(uint32(len(self.extended)))
            parts += [string(name) + string(value) for name, value in self.extended]
        return uint32(flags) + b"".join(parts)

    @classmethod
    def read(cls, fields: Fields) -> Attributes:
        """Read them from a packet.

        Raises:
            PacketError: it ends before they do.
        """
        flags = fields.uint32()
        size = fields.uint64() if flags & _SIZE else None
        uid, gid = _pair(fields, flags & _OWNER)
        mode = fields.uint32() if flags & _MODE else None
        atime, mtime = _pair(fields, flags & _TIMES)
        count = fields.uint32() if flags & _EXTENDED else 0
        extended = tuple((fields.string(), fields.string()) for _ in range(count))
        return cls(size, uid, gid, mode, atime, mtime, extended)

    @property
    def kind(self) -> Kind | None:
        """What it is; None where the server doesn't tell."""
        if self.mode is None or not stat.S_IFMT(self.mode):
            return None
        return _KINDS.get(stat.S_IFMT(self.mode), Kind.OTHER)


def _pair(fields: Fields, told: int) -> tuple[int, int] | tuple[None, None]:
    return (fields.uint32(), fields.uint32()) if told else (None, None)
