"""Readiness is an Event: a prober sets it, whoever needs it waits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.errors import GateTimeout, HostError, OpsrunError, UsageError

REPORT_EVERY = 5.0
"""Seconds between two words about one wait."""

Check = Callable[[], None]
"""Returns when what is waited for is there; raises `OpsrunError` when it is not yet, `UsageError`
when it never will be."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a waiter can say while it waits."""

    attempt: int
    elapsed: float
    last_error: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a prober tries: the interval grows by half each time, with jitter."""

    first: float = 0.5
    longest: float = 5.0

    def delay(self, attempt: int, luck: Callable[[], float] = random.random) -> float:
        """Seconds after the ``attempt``-th failure, from 1."""
        steady: float = min(self.longest, self.first * 1.5 ** min(attempt - 1, 50))
        return steady * (0.75 + luck() / 2)


class Gate:
    """A named event that opens when a check passes. Any number of tasks may wait for it.

    Args:
        name: what is waited for, as the operator would say it: ``tcp:5432``.
        check: tried at once and then at the pace given, each attempt within its own deadlines.
        engine: what the prober and the waiters run on.
        stop: ends the prober, and with it every wait.
        attempts: so many, and the gate stays shut for good; None for no limit.
    """

    def __init__(
        self,
        name: str,
        check: Check,
        engine: Engine,
        stop: Stop,
        *,
        pace: Pace | None = None,
        attempts: int | None = None,
    ) -> None:
        self.name = name
        self._check = check
        self._engine = engine
        self._stop = stop
        self._pace = pace or Pace()
        self._open = engine.event()
        self._settled = engine.event()
        self._attempt = 0
        self._attempts = attempts
        self.failure: OpsrunError | None = None
        """What the latest attempt ended with."""
        self._broken: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether the check has passed."""
        return self._open.is_set()

    def probe(self) -> None:
        """Try until the check passes or ``stop`` is cancelled.

        The prober's body: spawn it once. A check that raises anything but `OpsrunError` breaks the
        gate, and every waiter is told.
        """
        try:
            while not self._stop.cancelled and not self._try() and not self._is_hopeless:
                self._stop.wait(self._pace.delay(self._attempt))
        except BaseException as error:
            self._broken = error
        finally:
            self._settled.set()

    @property
    def _is_hopeless(self) -> bool:
        return self._attempt == self._attempts or isinstance(self.failure, UsageError)

    def _try(self) -> bool:
        self._attempt += 1
        try:
            self._check()
        except OpsrunError as error:
            self.failure = error
            return False
        self._open.set()
        return True

    def wait_open(
        self, timeout: float | None, report: Callable[[Progress], None] = lambda progress: None
    ) -> Progress:
        """Wait for the gate; ``report`` is called every few seconds meanwhile.

        Raises:
            GateTimeout: it stayed shut for ``timeout`` seconds, the prober failed, what is waited
                for can't be looked at however long, or the run was cancelled.
        """
        started = self._engine.now()
        while True:
            left = math.inf if timeout is None else timeout - (self._engine.now() - started)
            if self._settled.wait(max(0.0, min(REPORT_EVERY, left))):
                break
            progress = self._progress(started)
            # Not by the clock: a wait may end a little early, and that is no news to report.
            if left <= REPORT_EVERY:
                raise GateTimeout(self._shut(progress))
            report(progress)
        if self.is_open:
            return self._progress(started)
        raise GateTimeout(self._shut(self._progress(started)))

    def _progress(self, started: float) -> Progress:
        return Progress(self._attempt, self._engine.now() - started, self._last_words())

    def _last_words(self) -> str:
        if isinstance(self.failure, HostError):
            # Whose gate it is, the waiter knows; and a hint for a login is none for a gate.
            return self.failure.message
        return str(self.failure or "")

    def _shut(self, progress: Progress) -> str:
        if self._broken is not None:
            return f"{self.name}: the check itself failed: {self._broken!r}"
        if isinstance(self.failure, UsageError):
            return f"{self.name}: {self.failure}"
        attempts = f"{progress.attempt} attempt{'s' if progress.attempt != 1 else ''}"
        last = f"; last: {progress.last_error}" if progress.last_error else ""
        return f"{self.name} was not ready after {progress.elapsed:.1f} s and {attempts}{last}"
