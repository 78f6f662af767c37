"""Readiness is an Event: a prober sets it, or whoever did the work; who needs it waits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from opsrun.engine.base import Engine
from opsrun.engine.prober import Check, Pace, Prober, is_final
from opsrun.engine.stop import Stop
from opsrun.errors import GateTimeout, HostError, OpsrunError, UsageError

__all__ = ["REPORT_EVERY", "Check", "Gate", "Pace", "Progress", "State"]

REPORT_EVERY = 5.0
"""Seconds between two words about one wait."""


class State(Enum):
    """What a gate is."""

    PROBING = "probing"
    """Shut, and it may open: its check is tried, or somebody works on it."""
    OPEN = "open"
    FAILED = "failed"
    """Shut, and nothing is under way that would open it."""


Subscriber = Callable[[State], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a waiter can say while it waits."""

    attempt: int
    elapsed: float
    last_error: str


class Gate:
    """A named event that opens when a check passes, or when somebody opens it.

    Any number of tasks may wait for it, and all of them share one prober.

    Args:
        name: what is waited for, as the operator would say it: ``tcp:5432``.
        check: tried at once and then at the pace given, each attempt within its own deadlines;
            None for a gate that is opened by somebody's work.
        engine: what the prober and the waiters run on.
        stop: ends the prober, and with it every wait.
        pace: the intervals.
        attempts: so many, and the gate stays shut for good; None for no limit.
    """

    def __init__(
        self,
        name: str,
        check: Check | None,
        engine: Engine,
        stop: Stop,
        *,
        pace: Pace | None = None,
        attempts: int | None = None,
    ) -> None:
        self.name = name
        self._engine = engine
        self._stop = stop
        self._prober = None if check is None else Prober(check, stop, pace or Pace(), attempts)
        """Of the present try; another one takes its place when the gate is cleared."""
        self._lock = engine.lock()
        self._settled = engine.event()
        self._state = State.PROBING
        self._why = ""
        self._openings = 0
        self._failings = 0
        self._is_probed = False
        self._subscribers: dict[object, Subscriber] = {}

    # -- for whoever looks

    @property
    def state(self) -> State:
        """What it is just now."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether whoever comes now may pass."""
        return self._state is State.OPEN

    @property
    def failure(self) -> OpsrunError | None:
        """What the latest attempt that failed ended with."""
        return self._prober.failure if self._prober else None

    @property
    def attempt(self) -> int:
        """How often the check was tried, since the gate was made or cleared."""
        return self._prober.attempt if self._prober else 0

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Have each new state told; the one that is, at once, unless it is still probing.

        Args:
            callback: called in whichever task makes the change. It must not wait.

        Returns:
            Ends the subscription.
        """
        key = object()
        with self._lock:
            self._subscribers[key] = callback
            state = self._state
        if state is not State.PROBING:
            _tell([callback], state)

        def end() -> None:
            with self._lock:
                self._subscribers.pop(key, None)

        return end

    # -- for whoever opens

    def open(self) -> None:
        """Let everybody pass, now and later."""
        self._become(State.OPEN)

    def abandon(self, reason: str) -> None:
        """Whoever was to open it has ended without: all waiters fail at once, unless it is open."""
        self._become(State.FAILED, reason)

    def clear(self) -> None:
        """Shut it again. Who passed has passed; its check is tried again, if it was before."""
        with self._lock:
            if self._state is State.PROBING:
                return
            if self._prober is not None:
                self._prober = self._prober.anew()
        self._become(State.PROBING)
        if self._is_probed:
            self._spawn()

    def _become(self, state: State, why: str = "") -> None:
        with self._lock:
            if self._state is state or (self._state is State.OPEN and state is State.FAILED):
                return
            self._state, self._why = state, why
            self._openings += state is State.OPEN
            self._failings += state is State.FAILED
            if state is State.PROBING:
                self._settled.clear()
            else:
                self._settled.set()
            subscribers = list(self._subscribers.values())
        _tell(subscribers, state)

    # -- the prober

    def start(self) -> None:
        """Have the check tried from here on; more than once is harmless."""
        with self._lock:
            first, self._is_probed = not self._is_probed, True
        if first:
            self._spawn()

    def _spawn(self) -> None:
        if self._prober is None:
            return
        try:
            self._engine.spawn(self._probe, self._prober)
        except RuntimeError as error:
            self.abandon(f"it can't be looked at: {error}")

    def probe(self) -> None:
        """Try until the check passes or never will, or the run ends: the prober's body.

        A check that raises anything but `OpsrunError` breaks the gate, and every waiter is told.
        """
        assert self._prober is not None
        self._probe(self._prober)

    def _probe(self, prober: Prober) -> None:
        passed = prober.run(lambda: self._state is State.PROBING and prober is self._prober)
        if prober is not self._prober:
            # Cleared meanwhile: what was true before says nothing.
            return
        if passed:
            self.open()
        elif self._stop.cancelled:
            self._become(State.FAILED, self._stop.reason)
        elif prober.is_hopeless:
            self._become(State.FAILED)

    # -- for whoever waits

    def wait_open(
        self, timeout: float | None, report: Callable[[Progress], None] = lambda progress: None
    ) -> Progress:
        """Wait for the gate; ``report`` is called every few seconds meanwhile.

        Raises:
            UsageError: ``timeout`` is not a number, which no clock ever reaches.
            GateTimeout: it stayed shut for ``timeout`` seconds, the prober failed, what is waited
                for can't be looked at however long, who was to open it ended, or the run did.
        """
        if timeout is not None and math.isnan(timeout):
            raise UsageError(f"{self.name}: expected seconds to wait, found nan")
        started = self._engine.now()
        with self._lock:
            state, seen = self._state, (self._openings, self._failings)
        with self._stop.closing(self._settled.set):
            while state is State.PROBING and not self._stop.cancelled:
                self._wait(started, timeout, report)
                state = self._since(seen)
        progress = self._progress(started)
        if state is State.OPEN:
            return progress
        raise GateTimeout(self._shut(progress))

    def _wait(
        self, started: float, timeout: float | None, report: Callable[[Progress], None]
    ) -> None:
        left = math.inf if timeout is None else timeout - (self._engine.now() - started)
        if self._settled.wait(max(0.0, min(REPORT_EVERY, left))):
            return
        progress = self._progress(started)
        # Not by the clock: a wait may end a little early, and that is no news to report.
        if left <= REPORT_EVERY:
            raise GateTimeout(self._shut(progress))
        report(progress)

    def _since(self, seen: tuple[int, int]) -> State:
        """What became of it since then; that it was shut again behind our back is no matter."""
        with self._lock:
            if self._openings > seen[0]:
                return State.OPEN
            return State.FAILED if self._failings > seen[1] else State.PROBING

    def _progress(self, started: float) -> Progress:
        return Progress(self.attempt, self._engine.now() - started, self.last_words)

    @property
    def last_words(self) -> str:
        """What the latest attempt that failed ended with, in words; empty if none has."""
        if self._prober is not None and self._prober.bug is not None:
            return f"the check itself failed: {self._prober.bug!r}"
        if isinstance(self.failure, HostError):
            # Whose gate it is, the waiter knows; and a hint for a login is none for a gate.
            return self.failure.message
        return str(self.failure or "")

    def _shut(self, progress: Progress) -> str:
        if self._why:
            return f"{self.name}: {self._why}"
        if self._prober is not None and self._prober.bug is not None:
            return f"{self.name}: {self.last_words}"
        if self.failure is not None and is_final(self.failure):
            return f"{self.name}: {self.failure}"
        attempts = f"{progress.attempt} attempt{'s' if progress.attempt != 1 else ''}"
        last = f"; last: {progress.last_error}" if progress.last_error else self._silence()
        return f"{self.name} was not ready after {progress.elapsed:.1f} s and {attempts}{last}"

    def _silence(self) -> str:
        """Why no attempt has said anything yet."""
        is_trying = self._prober is not None and self._prober.is_trying
        return ", which has not ended yet" if is_trying else ""


def _tell(subscribers: list[Subscriber], state: State) -> None:
    for callback in subscribers:
        try:
            callback(state)
        except Exception:
            # All the others must still be told; this one has its own bug to find.
            pass
