"""This machine's files for the workers of a run: read off the tasks, hashed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opsrun.engine.base import Engine, Event
from opsrun.trees.contents import LARGEST, Contents, Reader
from opsrun.trees.segments import Segment
from opsrun.trees.sources import Found


class LocalFiles:
    """What all hosts are sent.

    Everything that can wait for a disk runs where it holds up no other task.

    Args:
        engine: runs it.
        contents: the files' bytes.
        shared: whether more than one host gets them: then a digest is made once before the first
            byte goes out, and not by each host's stream for itself.
    """

    def __init__(self, engine: Engine, contents: Contents, *, shared: bool) -> None:
        self._engine = engine
        self._contents = contents
        self._shared = shared
        self._lock = engine.lock()
        self._hashing: dict[bytes, Event] = {}

    def digests(self, found: Sequence[Found]) -> dict[bytes, str]:
        """SHA-256 of files, by their paths below the destination.

        Raises:
            SourceChanged: one is no longer what it was.
        """
        for one in found:
            if one.entry.size > LARGEST:
                self._hash_once(one)
        return self._engine.offload(self._all_digests, found)

    def prepare(self, found: Sequence[Found]) -> None:
        """Hash what each of many hosts would otherwise hash for itself.

        Raises:
            SourceChanged: one is no longer what it was.
        """
        if self._shared:
            for one in found:
                if one.entry.size > LARGEST:
                    self._hash_once(one)

    def segments(self, one: Found) -> tuple[Segment, ...]:
        """Where a sparse file has data.

        Raises:
            SourceChanged: it is no longer what it was.
        """
        return self._engine.offload(self._contents.segments, one.local, one.entry)

    def read(self, one: Found, segments: Sequence[Segment] | None = None) -> Reader:
        """A file's bytes; to be iterated inside of `pulled`."""
        return self._contents.read(one.local, one.entry, segments)

    def pulled(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, each made where it holds up nobody."""
        while chunk := self._engine.offload(next, chunks, b""):
            yield chunk

    def _all_digests(self, found: Sequence[Found]) -> dict[bytes, str]:
        return {one.entry.path: self._contents.digest(one.local, one.entry) for one in found}

    def _hash_once(self, one: Found) -> None:
        """Hash a large file, or wait while another host's task does."""
        with self._lock:
            event = self._hashing.get(one.local)
            mine = event is None
            if event is None:
                event = self._hashing[one.local] = self._engine.event()
        if not mine:
            # Bounded: whoever hashes sets it, also when the file can't be read.
            event.wait()
            return
        try:
            self._engine.offload(self._contents.digest, one.local, one.entry)
        finally:
            event.set()
