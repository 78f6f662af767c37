"""SFTP version 3 (draft-ietf-secsh-filexfer-02): requests out, replies in. Pure.

Extensions are those of OpenSSH's PROTOCOL, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from opsrun.remote.sftp.wire import Attributes, Fields, PacketError, string, uint32

VERSION = 3

LARGEST = 256 * 1024
"""Bytes of the largest packet that is taken; OpenSSH's SFTP_MAX_MSG_LENGTH."""

_LONGEST_HANDLE = 256
"""Bytes; section 6.3."""


class Kind(IntEnum):
    """Types of packets; section 3."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """What a status says; section 7."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8


class Open(IntFlag):
    """How a file is opened; section 6.3."""

    READ = 1
    WRITE = 2
    APPEND = 4
    CREATE = 8
    TRUNCATE = 16
    EXCLUSIVE = 32


# -- replies


@dataclass(frozen=True, slots=True)
class Status:
    """How a request ended that gives nothing, or failed."""

    code: int
    message: str = ""
    """The server's words."""


@dataclass(frozen=True, slots=True)
class Handle:
    """Stands for an open file or directory."""

    handle: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """Bytes of a file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a directory."""

    name: bytes
    long: bytes
    """A line as of ``ls -l``."""
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Names:
    """Names of a directory; or one path."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A file's attributes."""

    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Extended:
    """What an extension's request gives."""

    data: bytes


Reply = Status | Handle | Contents | Names | Told | Extended


def parse_reply(packet: bytes) -> tuple[int, Reply]:
    """The id of the request that it answers, and the answer.

    Raises:
        PacketError: it is no reply, or is cut off.
    """
    fields = Fields(packet)
    kind, number = fields.byte(), fields.uint32()
    if kind == Kind.STATUS:
        return number, _status(fields)
    if kind == Kind.HANDLE:
        return number, _handle(fields)
    if kind == Kind.DATA:
        return number, Contents(fields.string())
    if kind == Kind.NAME:
        return number, _names(fields)
    if kind == Kind.ATTRS:
        return number, Told(Attributes.read(fields))
    if kind == Kind.EXTENDED_REPLY:
        return number, Extended(fields.rest())
    raise PacketError(f"a packet of type {kind} is no reply")


def _status(fields: Fields) -> Status:
    code = fields.uint32()
    # Some servers leave out the words, or the tag of their language.
    words = b"" if fields.over else fields.string()
    return Status(code, words.decode("utf-8", "replace"))


def _handle(fields: Fields) -> Handle:
    handle = fields.string()
    if len(handle) > _LONGEST_HANDLE:
        raise PacketError(f"a handle has {len(handle)} bytes")
    return Handle(handle)


def _names(fields: Fields) -> Names:
    count = fields.uint32()
    # Not all at once: the count may be any number, the packet is short.
    return Names(
        tuple(Name(fields.string(), fields.string(), Attributes.read(fields)) for _ in range(count))
    )


# -- the beginning


def hello() -> bytes:
    """The first packet of a client; section 4."""
    return framed(bytes([Kind.INIT]) + uint32(VERSION))


def parse_version(packet: bytes) -> dict[bytes, bytes]:
    """The extensions that a server names in its first packet.

    Raises:
        PacketError: it is another packet, or of another version.
    """
    fields = Fields(packet)
    kind = fields.byte()
    if kind != Kind.VERSION:
        raise PacketError(f"the first packet is of type {kind}")
    version = fields.uint32()
    if version != VERSION:
        raise PacketError(f"it speaks version {version}; version {VERSION} was asked for")
    extensions = {}
    while not fields.over:
        name = fields.string()
        extensions[name] = fields.string()
    return extensions


# -- packets in a stream


def framed(packet: bytes) -> bytes:
    """A packet with its length before it; section 3."""
    return string(packet)


class Decoder:
    """Cuts a stream into packets, however the stream itself is cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes; gives the packets that are complete now, without their lengths.

        Raises:
            PacketError: a packet is empty, or larger than `LARGEST`.
        """
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= 4:
                size = int.from_bytes(self._buffer[at : at + 4], "big")
                if not 0 < size <= LARGEST:
                    raise PacketError(f"a packet of {size} bytes")
                if len(self._buffer) - at < 4 + size:
                    break
                packet = bytes(memoryview(self._buffer)[at + 4 : at + 4 + size])
                at += 4 + size
                yield packet
        finally:
            del self._buffer[:at]

    def peek(self) -> bytes:
        """What came of a packet that is not complete."""
        return bytes(self._buffer)
