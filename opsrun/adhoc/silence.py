"""Who has said nothing for long: so that nobody wonders what a run is waiting for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opsrun.events import Notice

AFTER = 60.0
"""Seconds of silence that are long."""

LONGEST = 960.0
"""Seconds between two words about the same hosts, once it has been said often enough."""

NAMED = 3
"""So many hosts are named; the others are counted."""


class Silence:
    """Watches the commands of a run; says at growing intervals which of them are silent.

    Args:
        emit: takes the notices.
        now: monotonic seconds.
        lock: guards the list where commands run on several threads.
    """

    def __init__(
        self,
        emit: Callable[[Notice], None],
        now: Callable[[], float],
        lock: AbstractContextManager[Any],
    ) -> None:
        self._emit = emit
        self._now = now
        self._lock = lock
        self._watched: dict[object, tuple[str, Callable[[], float]]] = {}
        self._told: set[str] = set()
        self._last = float("-inf")
        self._gap = AFTER

    @contextmanager
    def watching(self, host: str, silence: Callable[[], float]) -> Iterator[None]:
        """Watch a host's command while the block runs; ``silence`` gives its seconds so far."""
        # Not by name: a list of hosts may name one twice.
        key = object()
        with self._lock:
            self._watched[key] = host, silence
        try:
            yield
        finally:
            with self._lock:
                del self._watched[key]
                self._told.discard(host)

    def tell(self) -> None:
        """Say whom the run waits for, unless that was said not long ago."""
        with self._lock:
            words = self._words()
        if words:
            self._emit(Notice("warning", words))

    def _words(self) -> str:
        known = ((silence(), host) for host, silence in self._watched.values())
        silent = sorted(((s, host) for s, host in known if s >= AFTER), key=lambda each: -each[0])
        hosts = [host for _, host in silent]
        self._told &= set(hosts)
        if not self._told:
            self._gap = AFTER
        anybody_new = any(host not in self._told for host in hosts)
        if not hosts or self._now() - self._last < (AFTER if anybody_new else self._gap):
            return ""
        self._gap = AFTER if anybody_new else min(LONGEST, 2 * self._gap)
        self._last = self._now()
        self._told = set(hosts)
        more = f", +{len(hosts) - NAMED} more" if len(hosts) > NAMED else ""
        return f"no output for {_in_words(silent[0][0])} from {', '.join(hosts[:NAMED])}{more}"


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60:.0f} min"
