"""The two limits of a command that has begun: on all of its time, and on its silence."""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.errors import CommandTimeout
from opsrun.remote.deadline import Clock, Deadline


@dataclass(frozen=True, slots=True)
class Expiry:
    """Which limit was reached, in words."""

    what: str
    beside: str
    """How it stood with the other one."""
    hint: str

    def error(self, fate: str, host: str) -> CommandTimeout:
        """The error, once it is known what became of the command."""
        return CommandTimeout(f"{self.what}; {fate} ({self.beside})", host=host, hint=self.hint)


class Limits:
    """Watches both limits. A sign of life is output that comes, or input that is taken.

    Args:
        total: seconds from now; None for no limit.
        idle: seconds without a sign of life; None for no limit.
        clock: monotonic seconds.
    """

    __slots__ = ("_clock", "_heard", "_idle", "_total")

    def __init__(self, total: float | None, idle: float | None, clock: Clock) -> None:
        self._clock = clock
        self._total = Deadline("run", total, clock)
        self._idle = idle
        self._heard = self._total.started

    def heard(self) -> None:
        """There was a sign of life just now."""
        self._heard = self._clock()

    def pardon(self, seconds: float) -> None:
        """So much time has passed in which nobody but ourselves was slow; it doesn't count."""
        self._total.postpone(seconds)
        self._heard += seconds

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life."""
        return self._clock() - self._heard

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._total.elapsed()

    def remaining(self) -> float | None:
        """Seconds until the first of both is reached, never below 0; None for no limit."""
        total = self._total.remaining()
        if self._idle is None:
            return total
        idle = max(0.0, self._idle - self.silence)
        return idle if total is None else min(total, idle)

    @property
    def past_total(self) -> bool:
        """It has run for longer than it may, whatever it says."""
        return self._total.expired

    @property
    def past_idle(self) -> bool:
        """It was silent for too long, unless something waits to be read."""
        return self._idle is not None and self.silence >= self._idle

    @property
    def expired(self) -> bool:
        """Either is past."""
        return self.past_total or self.past_idle

    def expiry(self) -> Expiry:
        """What is to be said of the limit that is past; the figures are those of now."""
        if self.past_total:
            return Expiry(
                f"still running after {self._total.seconds:g} s",
                f"silent for {self.silence:.1f} s",
                "raise --command-timeout",
            )
        return Expiry(
            f"no output for {self._idle:g} s",
            f"running for {self.elapsed():.1f} s",
            "raise --idle-timeout",
        )
