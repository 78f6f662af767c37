"""So many bytes a second, however many tasks send them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from opsrun.remote.deadline import Clock

SHARE = 0.25
"""Seconds for which one piece may fill the line: bigger ones would make it stutter."""


class Pace:
    """A line of limited width that many may share; each waits its turn.

    Args:
        rate: bytes a second.
        clock: monotonic seconds.
        lock: guards the line's end where its users live on several threads.
    """

    def __init__(self, rate: float, clock: Clock, lock: AbstractContextManager[Any]) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = lock
        self._free_at = 0.0

    @property
    def piece(self) -> int:
        """Bytes to send at once; at least 1."""
        return max(1, int(self._rate * SHARE))

    def reserve(self, size: int) -> float:
        """Take a place in the line for ``size`` bytes; how many seconds to wait before it."""
        with self._lock:
            now = self._clock()
            begins = max(now, self._free_at)
            self._free_at = begins + size / self._rate
        return begins - now
