"""Keeps what came, up to a cap."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from opsrun.remote.spill import Spill, SpillFile

KEEP_PER_STREAM = 10 * 1024 * 1024
"""Bytes kept of one stream of one host."""

KEEP_PER_RUN = 512 * 1024 * 1024
"""Bytes kept of all streams of all hosts: a thousand chatty hosts must not mean 20 GB."""


class MemoryBudget:
    """Bytes that all captures of a run share.

    Args:
        size: bytes in all.
        lock: guards the count where captures live on several threads.
    """

    def __init__(self, size: int, lock: AbstractContextManager[Any]) -> None:
        self._left = size
        self._lock = lock

    def take(self, wanted: int) -> int:
        """Reserve up to ``wanted`` bytes; how many were granted."""
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
        return granted


KEEP_RECENT = 16 * 1024
"""Bytes kept of a stream that was shown as it came: enough for the last words of a failure."""


class Capture:
    """The head of one stream in memory, and all of it in a file once that is too little.

    Args:
        cap: bytes to keep in memory at most.
        budget: shared with the other captures of the run.
        spill: makes the file; without it, what is past the cap is lost.
    """

    __slots__ = ("_budget", "_file", "_head", "_room", "_spill", "path", "problem", "total")

    def __init__(self, cap: int, budget: MemoryBudget, spill: Spill | None = None) -> None:
        # One array: a list of what came would cost forty times its bytes where they come singly.
        self._head = bytearray()
        self._room = cap
        self._budget = budget
        self._spill = spill
        self._file: SpillFile | None = None
        self.total = 0
        """Bytes that came, kept or not."""
        self.path: str | None = None
        """The file with all of the stream, if there is one."""
        self.problem = ""
        """Why the file lacks the stream's end."""

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        kept = self.total == len(self._head)
        self.total += len(data)
        granted = self._budget.take(min(len(data), self._room)) if kept else 0
        self._room -= granted
        if self._file is not None:
            self._write(data)
        elif kept and granted < len(data) and self._spill is not None:
            self._start_spilling(data)
        self._head += data[:granted]

    def _start_spilling(self, data: bytes) -> None:
        assert self._spill is not None
        try:
            self._file = self._spill()
        except OSError as error:
            self.problem = str(error)
            return
        self.path = self._file.path
        self._write(self._head + data)

    def _write(self, data: bytes | bytearray) -> None:
        assert self._file is not None
        if self.problem:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self.problem = error.strerror or str(error)

    @property
    def truncated(self) -> bool:
        """Memory holds only the head of the stream."""
        return self.total > len(self._head)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def bytes(self) -> bytes:
        """What memory holds."""
        return bytes(self._head)


class Recent(Capture):
    """The end of a stream that was handed on as it came; what is not kept is not missed.

    Args:
        cap: bytes to keep.
        budget: see `Capture`; the little that is kept counts, too.
    """

    __slots__ = ("_cap",)

    def __init__(self, cap: int, budget: MemoryBudget) -> None:
        super().__init__(cap, budget)
        self._cap = cap

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total += len(data)
        self._head += data[-self._cap :]
        if len(self._head) > 2 * self._cap:
            del self._head[: -self._cap]

    @property
    def truncated(self) -> bool:
        """Never: all of it was shown."""
        return False

    def bytes(self) -> bytes:
        """The last bytes that came."""
        return bytes(self._head[-self._cap :])
