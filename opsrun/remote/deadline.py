"""One deadline a phase; no wait without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]

LONGEST = 86_400.0
"""Seconds that one call to the system waits at most: poll(2) counts milliseconds in 31 bits."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that each phase of a connection may take."""

    dns: float = 5.0
    tcp: float = 10.0
    banner: float = 15.0
    kex: float = 15.0
    auth: float = 30.0
    open: float = 15.0
    exec: float = 15.0
    keepalive: float = 15.0
    """Seconds of silence before the peer is asked for a sign of life; 0 asks never."""
    keepalive_count: int = 3
    """So many questions without an answer, and the connection is lost."""


class Deadline:
    """A moment on the monotonic clock, with the phase that has to be over by then.

    Args:
        phase: one of `opsrun.errors.PHASES`.
        seconds: from now; None never expires.
        clock: gives monotonic seconds.
    """

    __slots__ = ("_clock", "_end", "phase", "seconds", "started")

    def __init__(self, phase: str, seconds: float | None, clock: Clock) -> None:
        self.phase = phase
        self.seconds = seconds
        self._clock = clock
        self.started = clock()
        self._end = None if seconds is None else self.started + seconds

    def remaining(self) -> float | None:
        """Seconds left, never below 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    def elapsed(self) -> float:
        """Seconds since the phase began."""
        return self._clock() - self.started

    def after(self) -> str:
        """``after 1.2 s``: the end of a sentence about what ended the phase."""
        return f"after {self.elapsed():.1f} s"

    @property
    def expired(self) -> bool:
        """True once the moment has passed."""
        return self._end is not None and self._clock() >= self._end

    def postpone(self, seconds: float) -> None:
        """Move the moment: time in which nobody but ourselves was slow doesn't count."""
        if self._end is not None:
            self._end += seconds
