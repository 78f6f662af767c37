"""Reading a local file and holding it to what was promised of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from opsrun.trees.entry import Entry
from opsrun.trees.failures import SourceChanged, shown
from opsrun.trees.segments import Segment
from opsrun.trees.walk import entry_of

CHUNK = 1024 * 1024
"""Most bytes that come at once."""

_ZEROS = bytes(CHUNK)


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take further bytes."""


Identity = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime of a file: the same for as long as nobody writes to it."""


def changed(path: bytes, how: str) -> SourceChanged:
    """The error for a file that isn't what it was."""
    return SourceChanged(
        f"{shown(path)} {how}", hint="nothing of it was put in place; copy it again"
    )


def identity(descriptor: int) -> Identity:
    """What tells one version of an open file from another."""
    status = os.fstat(descriptor)
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return status.st_dev, status.st_ino, status.st_size, *times


@contextmanager
def opened(path: bytes, entry: Entry, *, follow: bool) -> Iterator[int]:
    """A descriptor of a file that is as promised, and at the end still is.

    Args:
        path: where the file is.
        entry: kind, size and mtime are held to.
        follow: a link is what it leads to; without it, a link in the file's place is a change.

    Raises:
        SourceChanged: it is not what ``entry`` says, changed meanwhile, or can't be read.
    """
    # O_NONBLOCK: opening a fifo that took the file's place must not wait for its writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise changed(path, f"can't be read any more: {error.strerror or error}") from error
    try:
        before = identity(descriptor)
        _check_promise(descriptor, path, entry)
        yield descriptor
        if identity(descriptor) != before:
            raise changed(path, "changed while it was read")
    except OSError as error:
        raise changed(path, f"can't be read: {error.strerror or error}") from error
    finally:
        os.close(descriptor)


def _check_promise(descriptor: int, path: bytes, entry: Entry) -> None:
    now = entry_of(entry.path, os.fstat(descriptor))
    if now.kind is not entry.kind:
        raise changed(path, f"was a {entry.kind} and is one no more")
    if now.size != entry.size:
        raise changed(path, f"had {entry.size} bytes and has {now.size} now")
    if now.mtime != entry.mtime:
        raise changed(path, "was written to since the copy began")


def pieces(
    read: Callable[[int, int], bytes],
    segments: Sequence[Segment],
    path: bytes,
    hashed: Hash | None,
    size: int,
) -> Iterator[bytes]:
    """The bytes of the segments, as many as promised.

    Args:
        read: takes a length and an offset, returns at most so many bytes, none at the end.
        segments: in their order, none overlapping.
        path: for messages.
        hashed: is fed with the whole file; between the segments there are zeros.
        size: of the whole file.

    Raises:
        SourceChanged: the file ends too early.
    """
    done = 0
    for offset, length in segments:
        _skip(hashed, offset - done)
        done = offset
        while done < offset + length:
            chunk = read(min(CHUNK, offset + length - done), done)
            if not chunk:
                raise changed(path, f"shrank to {done} bytes while it was read")
            if hashed is not None:
                hashed.update(chunk)
            done += len(chunk)
            yield chunk
    _skip(hashed, size - done)


def _skip(hashed: Hash | None, length: int) -> None:
    if hashed is not None:
        hash_zeros(hashed, length)


def hash_zeros(hashed: Hash, length: int) -> None:
    """Feed so many zeros, as they are read from a hole."""
    while length > 0:
        hashed.update(_ZEROS[:length] if length < CHUNK else _ZEROS)
        length -= CHUNK
