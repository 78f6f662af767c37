"""What is done to one path, as a generator of requests; see `opsrun.remote.sftp.client`."""

from __future__ import annotations

from typing import Any

from opsrun.errors import TransferFailed
from opsrun.remote.sftp import requests
from opsrun.remote.sftp.client import Operation
from opsrun.remote.sftp.failures import Refused, shown
from opsrun.remote.sftp.packets import (
    Code,
    Contents,
    Extended,
    Handle,
    Name,
    Names,
    Open,
    Told,
)
from opsrun.remote.sftp.requests import Request
from opsrun.remote.sftp.wire import Attributes, Fields, PacketError

MOST_NAMES = 1_000_000
"""Names of one directory. More are no directory but a server that never ends."""


def do(request: Request) -> Operation[None]:
    """A request that gives nothing."""
    yield request


def attempt(request: Request) -> Operation[Refused | None]:
    """A request that may be refused; gives the refusal."""
    try:
        yield request
    except Refused as error:
        return error
    return None


def lstat(path: bytes) -> Operation[Attributes]:
    """What a name is; a link is not followed."""
    reply: Told = yield requests.lstat(path)
    return reply.attributes


def found(path: bytes, *, follow: bool = False) -> Operation[Attributes | None]:
    """What a name is; None where there is nothing of that name."""
    try:
        reply: Told = yield (requests.stat if follow else requests.lstat)(path)
    except Refused as error:
        if error.absent:
            return None
        raise
    return reply.attributes


def realpath(path: bytes) -> Operation[bytes]:
    """The absolute path."""
    return (yield from _one_name(requests.realpath(path)))


def expand_path(path: bytes) -> Operation[bytes]:
    """The absolute path of one that begins with ``~``."""
    return (yield from _one_name(requests.expand_path(path)))


def readlink(path: bytes) -> Operation[bytes]:
    """What a link says."""
    return (yield from _one_name(requests.readlink(path)))


def _one_name(request: Request) -> Operation[bytes]:
    reply: Names = yield request
    if len(reply.names) != 1 or b"\0" in reply.names[0].name:
        raise PacketError(f"{len(reply.names)} names where one was asked for")
    return reply.names[0].name


def open_file(path: bytes, flags: Open, mode: int | None = None) -> Operation[bytes]:
    """A handle; who has it closes it."""
    reply: Handle = yield requests.open_file(path, flags, mode)
    return reply.handle


def fstat(handle: bytes, path: bytes) -> Operation[Attributes]:
    """What an open file is."""
    reply: Told = yield requests.fstat(handle, path)
    return reply.attributes


def listdir(path: bytes) -> Operation[list[Name]]:
    """The names of a directory, without ``.`` and ``..``, in the server's order.

    Raises:
        TransferFailed: a name that can't be one, or too many of them.
    """
    opened: Handle = yield requests.opendir(path)
    names: list[Name] = []
    try:
        while True:
            reply: Names = yield requests.readdir(opened.handle, path)
            if not reply.names:
                raise PacketError("a listing that goes on without a name")
            names += (each for each in reply.names if _is_entry(each.name, path))
            if len(names) > MOST_NAMES:
                raise TransferFailed(f"can't list {shown(path)}: over {MOST_NAMES:,} names")
    except TransferFailed as error:
        yield from attempt(requests.close(opened.handle, path))
        if not isinstance(error, Refused) or error.code != Code.EOF:
            raise
    return names


def _is_entry(name: bytes, directory: bytes) -> bool:
    """Whether it is one, other than the directory itself and the one above.

    What a host says is data: a name that leads elsewhere must never become a path.
    """
    if name in (b".", b".."):
        return False
    if not name or b"/" in name or b"\0" in name:
        words = f"the host lists {shown(name)!r}, which can't be a name"
        raise TransferFailed(f"can't list {shown(directory)}: {words}")
    return True


def read_piece(handle: bytes, offset: int, size: int, path: bytes) -> Operation[bytes]:
    """So many bytes of a file; fewer only where it ends."""
    data = b""
    while len(data) < size:
        wanted = size - len(data)
        try:
            reply: Contents = yield requests.read(handle, offset + len(data), wanted, path)
        except Refused as error:
            if error.code == Code.EOF:
                break
            raise
        if not 0 < len(reply.data) <= wanted:
            raise PacketError(f"{len(reply.data)} bytes where {wanted} were asked for")
        data = data + reply.data if data else reply.data
    return data


def write_piece(handle: bytes, offset: int, data: bytes, path: bytes) -> Operation[None]:
    """Write all of it."""
    return do(requests.write(handle, offset, data, path))


def with_handle(path: bytes, opened: bytes, work: Operation[Any]) -> Operation[Any]:
    """Do something with a handle, then close it, whatever comes of it."""
    try:
        result = yield from work
    except TransferFailed:
        yield from attempt(requests.close(opened, path))
        raise
    yield requests.close(opened, path)
    return result


def space(path: bytes) -> Operation[tuple[int, bool]]:
    """Bytes that are free for us on a path's file system, and whether it is read-only.

    OpenSSH's PROTOCOL, section 4.5.
    """
    reply: Extended = yield requests.statvfs(path)
    fields = Fields(reply.data)
    told = [fields.uint64() for _ in range(11)]
    return told[1] * told[4], bool(told[9] & 1)


def checked(path: bytes) -> Operation[str | None]:
    """The host's own SHA-256, in hexadecimal digits; None where it has none after all."""
    try:
        reply: Extended = yield requests.check_file(path)
    except Refused:
        return None
    fields = Fields(reply.data)
    name = fields.string()
    if name == requests.CHECK_FILE:
        name = fields.string()
    digest = fields.rest()
    return digest.hex() if name == b"sha256" and len(digest) == 32 else None
