"""The bytes of local files, read once for all hosts where they fit into memory.

What is sent of a file must be what was promised of it: as many bytes, of the same version, for each
host and for the whole run. So every read is held against the entry that was made of the file before
the first connection, and against what the system says of the file before and after.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from opsrun.trees.entry import Entry
from opsrun.trees.reading import Identity, changed, identity, opened, pieces
from opsrun.trees.segments import Segment, data_segments
from opsrun.trees.stdin import Held

BUDGET = 256 * 1024 * 1024
"""Bytes kept in memory, of all files."""
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest file that is kept."""

_Version = tuple[bytes, int, int]
"""Path, size and mtime: what was promised."""


class Contents:
    """A run's local files.

    Files are kept as they come, and stay: hosts read the same files in the same order, so that
    throwing out the oldest would throw out what the next host needs first.

    Args:
        lock: held while a file is read that is going to be kept, and around the tables; of the kind
            that fits to the threads that call, ``threading.Lock()`` for instance.
        budget: see `BUDGET`.
        largest: see `LARGEST`.
        follow: links are read as what they lead to; without it, a link in a file's place is a
            change of the source.
    """

    def __init__(
        self,
        lock: AbstractContextManager[object],
        *,
        budget: int = BUDGET,
        largest: int = LARGEST,
        follow: bool = False,
    ) -> None:
        self._lock = lock
        self._left = budget
        self._largest = largest
        self._opened = partial(opened, follow=follow)
        self._kept: dict[_Version, tuple[bytes, str]] = {}
        self._digests: dict[Identity, str] = {}
        self._held: dict[bytes, Held] = {}

    def hold(self, path: bytes, held: Held) -> None:
        """From now on ``path`` stands for what was read from standard input."""
        self._held[path] = held

    def digest(self, path: bytes, entry: Entry) -> str:
        """SHA-256 of a file, in hexadecimal digits; computed once.

        Raises:
            SourceChanged: the file is not, or no longer, what ``entry`` says, or can't be read.
        """
        if path not in self._held and (known := self._known(path, entry)):
            return known
        reader = self.read(path, entry)
        for _ in reader:
            pass
        return reader.digest

    def read(self, path: bytes, entry: Entry, segments: Sequence[Segment] | None = None) -> Reader:
        """A file's bytes; it is not opened before they are asked for.

        Args:
            path: where the file is.
            entry: what was promised of it: ``size`` and ``mtime``.
            segments: give only what is in these; in their order, none overlapping.
        """
        if segments is None:
            segments = (Segment(0, entry.size),)
        size = sum(segment.length for segment in segments)
        return Reader(path, size, self._bytes(path, entry, segments))

    def segments(self, path: bytes, entry: Entry) -> tuple[Segment, ...]:
        """Where a file has data, see `data_segments`.

        Raises:
            SourceChanged: as `digest`.
        """
        if path in self._held:
            return (Segment(0, entry.size),)
        with self._opened(path, entry) as descriptor:
            return data_segments(descriptor, entry.size)

    def _bytes(
        self, path: bytes, entry: Entry, segments: Sequence[Segment]
    ) -> Generator[bytes, None, str]:
        """The chunks; what it returns at the end is the digest."""
        held = self._held.get(path)
        if held is not None:
            yield from pieces(held.read, segments, path, None, entry.size)
            return held.digest
        kept = self._keep(path, entry)
        if kept is not None:
            data, digest = kept
            yield from pieces(partial(_slice, data), segments, path, None, entry.size)
            return digest
        return (yield from self._stream(path, entry, segments))

    def _stream(
        self, path: bytes, entry: Entry, segments: Sequence[Segment]
    ) -> Generator[bytes, None, str]:
        with self._opened(path, entry) as descriptor:
            version = identity(descriptor)
            known = self._digests.get(version)
            hashed = None if known else hashlib.sha256()
            yield from pieces(partial(_pread, descriptor), segments, path, hashed, entry.size)
        if hashed is None:
            return known or ""
        with self._lock:
            self._digests[version] = hashed.hexdigest()
        return hashed.hexdigest()

    def _known(self, path: bytes, entry: Entry) -> str | None:
        """The digest, where it doesn't take reading a large file."""
        kept = self._keep(path, entry)
        if kept is not None:
            return kept[1]
        with self._opened(path, entry) as descriptor:
            return self._digests.get(identity(descriptor))

    def _keep(self, path: bytes, entry: Entry) -> tuple[bytes, str] | None:
        """A small file's bytes and digest, read now or earlier; None where there is no room."""
        version = (path, entry.size, entry.mtime)
        # A look without the lock: files that are there don't wait for one that is being read.
        kept = self._kept.get(version)
        if kept is not None or entry.size > min(self._largest, self._left):
            return kept
        with self._lock:
            kept = self._kept.get(version)
            if kept is None and entry.size <= self._left:
                kept = self._kept[version] = self._load(path, entry)
                self._left -= entry.size
        return kept

    def _load(self, path: bytes, entry: Entry) -> tuple[bytes, str]:
        whole = (Segment(0, entry.size),)
        with self._opened(path, entry) as descriptor:
            read = partial(_pread, descriptor)
            data = b"".join(pieces(read, whole, path, None, entry.size))
        return data, hashlib.sha256(data).hexdigest()


class Reader:
    """One reading of a file: an iterator of its bytes, in chunks of 1 MiB at most.

    It gives exactly `size` bytes, or raises `SourceChanged`. Whoever stops early has to `close` it.
    """

    def __init__(self, path: bytes, size: int, chunks: Generator[bytes, None, str]) -> None:
        self._path = path
        self._chunks = self._watched(chunks)
        self._digest = ""
        self.size = size
        """Bytes that will come."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    @property
    def digest(self) -> str:
        """SHA-256 of the whole file, holes and all, in hexadecimal digits.

        Raises:
            ValueError: it isn't known before the iterator has ended.
        """
        if not self._digest:
            raise ValueError("the digest is known when everything was read")
        return self._digest

    def close(self) -> None:
        """Close the file; more than once is harmless."""
        self._chunks.close()

    def _watched(self, chunks: Generator[bytes, None, str]) -> Generator[bytes, None, None]:
        try:
            self._digest = yield from chunks
        except OSError as error:
            raise changed(self._path, f"can't be read: {error.strerror or error}") from error


def _slice(data: bytes, size: int, offset: int) -> bytes:
    return data[offset : offset + size]


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    return os.pread(descriptor, size, offset)
