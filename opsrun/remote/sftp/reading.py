"""Files of a host as bytes: one, many as an archive, or as checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from opsrun.errors import HostError, TransferFailed
from opsrun.remote.files.words import joined
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused, shown
from opsrun.remote.sftp.listing import entry_of
from opsrun.remote.sftp.packets import Open
from opsrun.remote.sftp.wire import Attributes
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.tarwrite import Member, archive

OnData = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that was read in one go."""

    told: Attributes
    """As it was while it was read."""
    data: bytes


class Changed(TransferFailed):
    """A file that is not the same from its first byte to its last."""


def changed(path: bytes, host: str = "") -> Changed:
    """The error for one."""
    return Changed(f"{shown(path)} changed while it was read", host=host)


def _is_file(told: Attributes | None, path: bytes) -> bool:
    """Whether it may be opened: the server would wait at a fifo for ever, and we for the server."""
    if told is None:
        return False
    if told.kind not in (Kind.FILE, None):
        what = "is a directory" if told.kind is Kind.DIRECTORY else "is neither file nor directory"
        raise TransferFailed(f"{shown(path)} {what}")
    return True


def whole(path: bytes, most: int) -> Operation[Whole | None]:
    """A small file; None where it isn't there, or is no file any more.

    Raises:
        Changed: it is larger than ``most`` bytes, or not of the size that it is said to be.
    """
    told = yield from operations.found(path)
    if told is None or told.kind not in (Kind.FILE, None):
        return None
    try:
        handle = yield from operations.open_file(path, Open.READ)
    except Refused as error:
        if error.absent:
            return None
        raise
    result: Whole = yield from operations.with_handle(path, handle, _whole(handle, path, most))
    return result


def _whole(handle: bytes, path: bytes, most: int) -> Operation[Whole]:
    told = yield from operations.fstat(handle, path)
    size = told.size or 0
    data = yield from operations.read_piece(handle, 0, min(size, most) + 1, path)
    if len(data) != size:
        raise changed(path)
    return Whole(told, data)


def pieces(sftp: SFTP, handle: bytes, path: bytes, size: int, start: int = 0) -> Iterator[bytes]:
    """The bytes of an open file from ``start`` to ``size``, many requests ahead.

    Raises:
        Changed: the file is shorter.
    """
    step = sftp.piece
    asked = (
        operations.read_piece(handle, at, min(step, size - at), path)
        for at in range(start, size, step)
    )
    at = start
    for data in sftp.stream(asked):
        if len(data) != min(step, size - at):
            raise changed(path, sftp.host)
        at += len(data)
        yield data


def contents(sftp: SFTP, path: bytes) -> Iterator[bytes]:
    """A file's bytes; a link is followed. What has no size (``/proc``) is read to its end.

    Raises:
        Changed: it changes while it is read.
        TransferFailed: it is no file, or can't be read.
    """
    told = sftp.run(operations.found(path, follow=True))
    if not _is_file(told, path):
        raise TransferFailed(f"can't read {shown(path)}: No such file or directory", host=sftp.host)
    handle = sftp.run(operations.open_file(path, Open.READ))
    try:
        yield from _all_of(sftp, handle, path)
    finally:
        close_quietly(sftp, handle, path)


def _all_of(sftp: SFTP, handle: bytes, path: bytes) -> Iterator[bytes]:
    before = sftp.run(operations.fstat(handle, path))
    size = before.size or 0
    yield from pieces(sftp, handle, path, size)
    at = size
    while data := sftp.run(operations.read_piece(handle, at, sftp.piece, path)):
        if size:
            raise changed(path, sftp.host)
        at += len(data)
        yield data
    after = sftp.run(operations.fstat(handle, path))
    if (before.size, before.mtime) != (after.size, after.mtime):
        raise changed(path, sftp.host)


def close_quietly(sftp: SFTP, handle: bytes, path: bytes) -> None:
    """Close a handle that may be of no use any more: why says more than that."""
    try:
        sftp.run(operations.attempt(requests.close(handle, path)))
    except HostError:
        pass


def read(sftp: SFTP, path: bytes, on_data: OnData) -> str:
    """Pass a file on as it comes; SHA-256 of it, or nothing if it changes meanwhile."""
    try:
        return _passed_on(contents(sftp, path), on_data)
    except Changed:
        return ""


def read_beginning(sftp: SFTP, path: bytes, size: int, on_data: OnData) -> str:
    """Pass a file's first bytes on; SHA-256 of them, or nothing if there are fewer."""
    _is_file(sftp.run(operations.found(path, follow=True)), path)
    handle = sftp.run(operations.open_file(path, Open.READ))
    try:
        return _passed_on(pieces(sftp, handle, path, size), on_data)
    except Changed:
        return ""
    finally:
        close_quietly(sftp, handle, path)


def _passed_on(chunks: Iterable[bytes], on_data: OnData) -> str:
    hashed = hashlib.sha256()
    for data in chunks:
        hashed.update(data)
        on_data(data)
    return hashed.hexdigest()


def pack(sftp: SFTP, top: bytes, entries: Sequence[Entry], on_data: OnData) -> dict[bytes, str]:
    """Files and links as one tar archive, made here; SHA-256 of each file in it.

    A file that changes meanwhile has none, and may be in the archive as anything, or not at all.
    """
    digests: dict[bytes, str] = {}
    for chunk in archive(_members(sftp, top, entries, digests)):
        on_data(chunk)
    return digests


def _members(
    sftp: SFTP, top: bytes, entries: Sequence[Entry], digests: dict[bytes, str]
) -> Iterator[Member]:
    def is_small(entry: Entry) -> bool:
        return entry.kind is Kind.FILE and entry.size <= sftp.piece

    for small, group in groupby(entries, is_small):
        if small:
            yield from _small(sftp, top, list(group), digests)
            continue
        for each in group:
            if each.kind is Kind.LINK:
                yield Member(each.path, Kind.LINK, 0o777, each.mtime, target=each.target)
            elif each.kind is Kind.FILE and (large := _large(sftp, top, each, digests)):
                yield large


def _small(
    sftp: SFTP, top: bytes, entries: Sequence[Entry], digests: dict[bytes, str]
) -> Iterator[Member]:
    came = sftp.stream(_unchanged(joined(top, each.path), sftp.piece) for each in entries)
    for each, file in zip(entries, came, strict=True):
        if file is not None:
            digests[each.path] = hashlib.sha256(file.data).hexdigest()
            yield _member(each.path, file.told, lambda data=file.data: iter((data,)))  # type: ignore[misc]


def _large(sftp: SFTP, top: bytes, entry: Entry, digests: dict[bytes, str]) -> Member | None:
    path = joined(top, entry.path)
    told = sftp.run(operations.found(path))
    if told is None or told.kind is not Kind.FILE:
        return None

    size = told.size or 0

    def data() -> Iterator[bytes]:
        hashed, came = hashlib.sha256(), 0
        try:
            for chunk in contents(sftp, path):
                hashed.update(chunk)
                yield chunk[: max(0, size - came)]
                came += len(chunk)
            if came == size:
                digests[entry.path] = hashed.hexdigest()
        except Changed:
            pass
        # The archive was promised so many bytes; that they are not the file's shows in the digest.
        for at in range(came, size, sftp.piece):
            yield bytes(min(sftp.piece, size - at))

    return _member(entry.path, told, data)


def _member(path: bytes, told: Attributes, read: Callable[[], Iterator[bytes]]) -> Member:
    entry = entry_of(path, told, Kind.FILE)
    return Member(path, Kind.FILE, entry.mode, entry.mtime, entry.size, read=read)


def digests(sftp: SFTP, top: bytes, files: Sequence[Entry]) -> dict[bytes, str]:
    """SHA-256 of files: the host's own where it makes one, else of what is read back.

    What vanished or can't be read has none.
    """
    found: dict[bytes, str] = {}
    if sftp.has(requests.CHECK_FILE):
        told = sftp.stream(operations.checked(joined(top, each.path)) for each in files)
        found = {each.path: sum_ for each, sum_ in zip(files, told, strict=True) if sum_}
    rest = [each for each in files if each.path not in found]
    small = [each for each in rest if each.size <= sftp.piece]
    came = sftp.stream(_tolerant(joined(top, each.path), sftp.piece) for each in small)
    for each, file in zip(small, came, strict=True):
        if file is not None:
            found[each.path] = hashlib.sha256(file.data).hexdigest()
    for each in rest:
        if each.size > sftp.piece and (digest := _digest(sftp, joined(top, each.path))):
            found[each.path] = digest
    return found


def _unchanged(path: bytes, most: int) -> Operation[Whole | None]:
    try:
        return (yield from whole(path, most))
    except Changed:
        return None


def _tolerant(path: bytes, most: int) -> Operation[Whole | None]:
    try:
        return (yield from whole(path, most))
    except TransferFailed:
        return None


def _digest(sftp: SFTP, path: bytes) -> str:
    try:
        told = sftp.run(operations.found(path))
        if told is None or told.kind is not Kind.FILE:
            return ""
        return hash_of(contents(sftp, path))
    except TransferFailed:
        return ""


def hash_of(chunks: Iterable[bytes]) -> str:
    """SHA-256 of bytes in pieces, in hexadecimal digits."""
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()
