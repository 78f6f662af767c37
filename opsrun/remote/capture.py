"""Keeps what came, up to a cap."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

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


class Capture:
    """The head of one stream.

    Args:
        cap: bytes to keep at most.
        budget: shared with the other captures of the run.
    """

    __slots__ = ("_budget", "_chunks", "_room", "total", "truncated")

    def __init__(self, cap: int, budget: MemoryBudget) -> None:
        self._chunks: list[bytes] = []
        self._room = cap
        self._budget = budget
        self.total = 0
        """Bytes that came, kept or not."""
        self.truncated = False
        """Some were not kept."""

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total += len(data)
        granted = self._budget.take(min(len(data), self._room))
        self._room -= granted
        if granted < len(data):
            # What follows a gap would read as if it followed what was kept.
            self._room = 0
            self.truncated = True
        if granted:
            self._chunks.append(data[:granted])

    def bytes(self) -> bytes:
        """What was kept."""
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""
