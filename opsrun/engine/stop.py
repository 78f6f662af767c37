"""Ending a run early: no new work, or no work at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opsrun.engine.base import Engine


class Stop:
    """Shared by everything that works for one run.

    Draining lets what is under way finish and starts nothing more; cancelling wakes every waiter
    and calls what was registered by `closing`, each once.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = engine.lock()
        self._event = engine.event()
        self._callbacks: dict[object, Callable[[], None]] = {}
        self.reason = ""
        """Why, in words for the operator; of the first call that gave any."""
        self.draining = False
        """No new work is to be started."""
        self.cancelled = False
        """Work under way is to end, too."""

    def drain(self, reason: str) -> None:
        """Start nothing more."""
        self.reason = self.reason or reason
        self.draining = True

    def cancel(self, reason: str) -> None:
        """End everything; a second call changes nothing."""
        with self._lock:
            if self.cancelled:
                return
            self.drain(reason)
            self.cancelled = True
            callbacks = list(self._callbacks.values())
        self._event.set()
        for callback in callbacks:
            try:
                callback()
            except Exception:
                # All the others must still be told; this one's task is left to its deadlines.
                pass

    @contextmanager
    def closing(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `cancel` call ``callback`` while the block runs; at once if it has been called.

        The callback runs in whatever task cancels. It must not wait, raise, or mind a second call.
        """
        key = object()
        with self._lock:
            self._callbacks[key] = callback
            late = self.cancelled
        try:
            if late:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)

    def wait(self, seconds: float) -> bool:
        """Sleep for ``seconds``, or until `cancel`; whether it was cancelled."""
        return self._event.wait(seconds)
