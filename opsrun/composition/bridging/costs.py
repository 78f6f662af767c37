"""What the bridge cost: calls, modules, and the time in which at least one call was under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opsrun.events import BridgeCost


class Costs:
    """Counts the calls of a run.

    Args:
        lock: held for a few lines.
        now: monotonic seconds.
    """

    def __init__(self, lock: AbstractContextManager[Any], now: Callable[[], float]) -> None:
        self._lock = lock
        self._now = now
        self._calls = 0
        self._modules: set[str] = set()
        self._under_way = 0
        self._since = 0.0
        self._seconds = 0.0

    @contextmanager
    def counting(self, module: str) -> Iterator[None]:
        """One call, from its beginning to its end."""
        with self._lock:
            self._calls += 1
            self._modules.add(module)
            if not self._under_way:
                self._since = self._now()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self._seconds += self._now() - self._since

    @property
    def total(self) -> BridgeCost | None:
        """All of it; None where there was no call."""
        with self._lock:
            if not self._calls:
                return None
            late = self._now() - self._since if self._under_way else 0.0
            return BridgeCost(self._calls, len(self._modules), self._seconds + late)
