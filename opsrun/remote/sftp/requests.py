"""The requests of SFTP version 3, each with what it stands for in an error. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.remote.sftp.packets import (
    Contents,
    Extended,
    Handle,
    Kind,
    Names,
    Open,
    Reply,
    Status,
    Told,
    framed,
)
from opsrun.remote.sftp.wire import Attributes, string, uint32, uint64

POSIX_RENAME = b"posix-rename@openssh.com"
HARDLINK = b"hardlink@openssh.com"
FSYNC = b"fsync@openssh.com"
STATVFS = b"statvfs@openssh.com"
LIMITS = b"limits@openssh.com"
LSETSTAT = b"lsetstat@openssh.com"
EXPAND_PATH = b"expand-path@openssh.com"
CHECK_FILE = b"check-file"
"""draft-ietf-secsh-filexfer-extensions-00, section 3: the host itself makes a checksum."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its number."""

    kind: Kind
    body: bytes
    expects: type[Reply]
    """Of the answer, if it is no failure."""
    doing: str
    """What it is to do, for ``can't DOING PATH``."""
    path: bytes
    gives: int = 256
    """Bytes that the answer may have, roughly; what `weight` needs to know."""

    @property
    def weight(self) -> int:
        """Bytes that are under way for its sake, there or back."""
        return len(self.body) + self.gives

    def encode(self, number: int) -> bytes:
        """The packet, length and all."""
        return framed(bytes([self.kind]) + uint32(number) + self.body)


def open_file(path: bytes, flags: Open, mode: int | None = None) -> Request:
    """Open a file; ``mode`` is that of one that it makes."""
    body = string(path) + uint32(flags) + Attributes(mode=mode).encode()
    doing = "write" if flags & Open.WRITE else "read"
    return Request(Kind.OPEN, body, Handle, doing, path)


def close(handle: bytes, path: bytes) -> Request:
    """Close a file or directory."""
    return Request(Kind.CLOSE, string(handle), Status, "close", path)


def read(handle: bytes, offset: int, size: int, path: bytes) -> Request:
    """Read at most ``size`` bytes."""
    body = string(handle) + uint64(offset) + uint32(size)
    return Request(Kind.READ, body, Contents, "read", path, gives=size)


def write(handle: bytes, offset: int, data: bytes, path: bytes) -> Request:
    """Write all of ``data``."""
    body = b"".join((string(handle), uint64(offset), uint32(len(data)), data))
    return Request(Kind.WRITE, body, Status, "write", path)


def lstat(path: bytes) -> Request:
    """What is known of a name; a link is not followed."""
    return Request(Kind.LSTAT, string(path), Told, "look at", path)


def stat(path: bytes) -> Request:
    """What is known of a name; links are followed."""
    return Request(Kind.STAT, string(path), Told, "look at", path)


def fstat(handle: bytes, path: bytes) -> Request:
    """What is known of an open file."""
    return Request(Kind.FSTAT, string(handle), Told, "look at", path)


def setstat(path: bytes, attributes: Attributes) -> Request:
    """Set attributes; links are followed."""
    body = string(path) + attributes.encode()
    return Request(Kind.SETSTAT, body, Status, "set mode, owner or time of", path)


def fsetstat(handle: bytes, attributes: Attributes, path: bytes) -> Request:
    """Set attributes of an open file."""
    body = string(handle) + attributes.encode()
    return Request(Kind.FSETSTAT, body, Status, "set size, mode, owner or time of", path)


def lsetstat(path: bytes, attributes: Attributes) -> Request:
    """Set attributes; a link is not followed."""
    body = string(LSETSTAT) + string(path) + attributes.encode()
    return Request(Kind.EXTENDED, body, Status, "set owner or time of", path)


def opendir(path: bytes) -> Request:
    """Open a directory."""
    return Request(Kind.OPENDIR, string(path), Handle, "list", path)


def readdir(handle: bytes, path: bytes) -> Request:
    """Some of a directory's names."""
    return Request(Kind.READDIR, string(handle), Names, "list", path, gives=32 * 1024)


def remove(path: bytes) -> Request:
    """Remove a file or a link."""
    return Request(Kind.REMOVE, string(path), Status, "remove", path)


def mkdir(path: bytes, mode: int) -> Request:
    """Make a directory."""
    body = string(path) + Attributes(mode=mode).encode()
    return Request(Kind.MKDIR, body, Status, "make directory", path)


def rmdir(path: bytes) -> Request:
    """Remove a directory that is empty."""
    return Request(Kind.RMDIR, string(path), Status, "remove directory", path)


def realpath(path: bytes) -> Request:
    """The absolute path, links resolved as far as the server does that."""
    return Request(Kind.REALPATH, string(path), Names, "find", path)


def rename(old: bytes, new: bytes) -> Request:
    """Rename; fails where there is something of the new name."""
    return Request(Kind.RENAME, string(old) + string(new), Status, "rename to", new)


def posix_rename(old: bytes, new: bytes) -> Request:
    """Rename as rename(2) does: what has the new name is replaced, at once."""
    body = string(POSIX_RENAME) + string(old) + string(new)
    return Request(Kind.EXTENDED, body, Status, "rename to", new)


def hardlink(old: bytes, new: bytes) -> Request:
    """Give a file another name."""
    body = string(HARDLINK) + string(old) + string(new)
    return Request(Kind.EXTENDED, body, Status, "make", new)


def readlink(path: bytes) -> Request:
    """What a link says."""
    return Request(Kind.READLINK, string(path), Names, "read link", path)


def symlink(path: bytes, target: bytes) -> Request:
    """Make a link. The order is OpenSSH's (PROTOCOL, section 4.1), which others have taken over;
    the draft has it the other way round."""
    return Request(Kind.SYMLINK, string(target) + string(path), Status, "make link", path)


def fsync(handle: bytes, path: bytes) -> Request:
    """Have what was written reach the disk."""
    return Request(Kind.EXTENDED, string(FSYNC) + string(handle), Status, "write", path)


def statvfs(path: bytes) -> Request:
    """What is known of the file system that a path is on."""
    body = string(STATVFS) + string(path)
    return Request(Kind.EXTENDED, body, Extended, "look at the file system of", path)


def limits() -> Request:
    """How much a request may hold."""
    return Request(Kind.EXTENDED, string(LIMITS), Extended, "ask for limits", b"")


def expand_path(path: bytes) -> Request:
    """The absolute path of ``~`` and ``~USER``."""
    return Request(Kind.EXTENDED, string(EXPAND_PATH) + string(path), Names, "find", path)


def check_file(path: bytes) -> Request:
    """The host's own SHA-256 of a whole file."""
    wanted = string(path) + string(b"sha256") + uint64(0) + uint64(0) + uint32(0)
    return Request(Kind.EXTENDED, string(b"check-file-name") + wanted, Extended, "read", path)
