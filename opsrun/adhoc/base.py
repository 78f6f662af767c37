"""What all work on one host has in common: one start, one result, whatever happens between."""

from __future__ import annotations

import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from opsrun.adhoc.silence import Silence
from opsrun.engine.base import Engine
from opsrun.engine.crowds import OPEN, Door
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import (
    QUEUED,
    WAITING,
    Cancelled,
    ConnectionFailed,
    ConnectionLost,
    GateTimeout,
    HostError,
    OpsrunError,
    public_name,
)
from opsrun.events import (
    ErrorInfo,
    Event,
    HostStarted,
    Journal,
    NoJournal,
    Notice,
    Outcome,
    Result,
    Retry,
    WorkId,
)
from opsrun.remote.capture import KEEP_PER_STREAM, MemoryBudget
from opsrun.remote.connection import Connection, Transport
from opsrun.remote.perseverance import Perseverance
from opsrun.remote.spill import SpillFolder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """One host's share of a run."""

    work: WorkId
    transport: Callable[[], Transport]
    """Makes the way to the host anew for each attempt."""
    door: Door = OPEN
    """What it has to get through with others."""
    afresh: Callable[[], Transport] | None = None
    """Makes a way that logs in anew and becomes nobody, where ``transport`` may do otherwise."""
    let_go: Callable[[], None] = lambda: None
    """Closes what was kept open for this host between two steps of its work; again is harmless."""

    @property
    def host(self) -> str:
        """Inventory name."""
        return self.work.host


@dataclass(frozen=True, slots=True)
class Setting:
    """What the workers of one run share."""

    engine: Engine
    stop: Stop
    emit: Callable[[Event], None]
    budget: MemoryBudget
    journal: Journal = field(default_factory=NoJournal)
    stream: bool = False
    """Whether output is wanted as it comes."""
    forgets: bool = False
    """Output is shown as it comes, and nobody reads the results': its end is enough of it."""
    keep: int = KEEP_PER_STREAM
    spill: SpillFolder | None = None
    """Where output past ``keep`` goes, unless it is shown as it comes."""
    retries: int = 0
    """Further attempts for what never reached a shell, beside those that nobody has to ask for."""
    hosts: int = 1
    """How many the run has."""
    silence: Silence | None = None
    """Says which hosts' commands have been silent for long; None says nothing."""


@dataclass(slots=True)
class Trail:
    """How far work on a host has got; read when it ends with an error."""

    sent: bool = False
    """Something may have reached a shell."""
    attempts: int = 1
    rc: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False
    data: dict[str, Any] = field(default_factory=dict)


class Worker(ABC):
    """Base of all kinds of work; a subclass says in `act` what is done."""

    looks_back = False
    """Whether work that went well is looked back at; its result comes only then."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @abstractmethod
    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """Do the work; a result without times, or an error."""

    def __call__(self, job: Job, slot: Slot) -> bool:
        """Do the work and emit its start and its one result; whether it ended well."""
        trail = Trail()
        result = self.started(job, trail, lambda: self.act(job, slot, trail))
        return self.over(job, result)

    def look_back(self, job: Job, slot: Slot) -> bool:
        """Emit the one result of work that ``looks_back``; whether it ended well.

        Called when all of its batch has ended, for each job whose work went well, with the slot
        that this was done in, and which has a place again.
        """
        raise TypeError(f"{type(self).__name__} has nothing to look back at")

    def started(self, job: Job, trail: Trail, act: Callable[[], Result]) -> Result:
        """Emit the start of the work, and do it; its result, which is not emitted yet."""
        now = time.time()
        self.setting.emit(HostStarted(job.host, job.work, now))
        return replace(self.timed(job, trail, act), started=now)

    def timed(self, job: Job, trail: Trail, act: Callable[[], Result]) -> Result:
        """What a part of the work comes to, an error as well, with the seconds that it took."""
        before = self.setting.engine.now()
        try:
            result = act()
        except OpsrunError as error:
            result = self._ended(job, trail, error)
        except BaseException as error:
            result = self._crashed(job, trail, error)
        return replace(result, duration=self.setting.engine.now() - before)

    def over(self, job: Job, result: Result) -> bool:
        """Emit the result; whether it is a good one."""
        job.let_go()
        self.setting.emit(result)
        return result.outcome.is_good

    def skip(self, job: Job) -> None:
        """Emit the result of a host that the end of the run came before."""
        why = self.setting.stop.reason or "the run was ended"
        reason = ErrorInfo(QUEUED, why, "never started")
        self.setting.emit(Result(job.host, job.work, Outcome.CANCELLED, error=reason))

    def _ended(self, job: Job, trail: Trail, error: OpsrunError) -> Result:
        phase = error.phase if isinstance(error, HostError) else _phase_of(error)
        hint = error.hint if isinstance(error, HostError) else ""
        message = error.message if isinstance(error, HostError) else str(error)
        return self._result(
            job,
            trail,
            self._outcome(trail, error),
            ErrorInfo(phase, message, hint, kind=public_name(error)),
        )

    def _outcome(self, trail: Trail, error: OpsrunError) -> Outcome:
        if isinstance(error, Cancelled):
            return Outcome.CANCELLED
        if self.setting.stop.cancelled and not trail.sent:
            return Outcome.CANCELLED
        if isinstance(error, ConnectionFailed):
            return Outcome.UNREACHABLE
        if isinstance(error, ConnectionLost):
            return Outcome.LOST if trail.sent else Outcome.UNREACHABLE
        return Outcome.FAILED

    def _crashed(self, job: Job, trail: Trail, error: BaseException) -> Result:
        detail = "".join(traceback.format_exception(error)).rstrip()
        self.setting.emit(Notice("error", f"a bug in opsrun ended this host:\n{detail}", job.host))
        # Not unreachable: a bug of ours must not read as the host's fault.
        outcome = Outcome.LOST if trail.sent else Outcome.FAILED
        return self._result(job, trail, outcome, ErrorInfo("run", f"internal error: {error!r}"))

    def _result(self, job: Job, trail: Trail, outcome: Outcome, error: ErrorInfo) -> Result:
        return Result(
            job.host,
            job.work,
            outcome,
            rc=trail.rc,
            stdout=trail.stdout,
            stderr=trail.stderr,
            truncated=trail.truncated or outcome is Outcome.LOST,
            error=error,
            attempts=trail.attempts,
            data=trail.data,
        )

    def persevere(
        self, job: Job, slot: Slot, trail: Trail, attempt: Callable[[], Result]
    ) -> Result:
        """See `persevere`."""
        return persevere(self.setting, job, slot, trail, attempt)


def persevere(setting: Setting, job: Job, slot: Slot, trail: Trail, attempt: Callable[[], T]) -> T:
    """Make attempts until one reaches a shell, or patience ends; see `Perseverance`.

    The pause between them doesn't hold a place.
    """
    patience = Perseverance(setting.retries)
    while True:
        try:
            return attempt()
        except ConnectionFailed as error:
            delay = None if trail.sent else patience.pause(error)
            if delay is None:
                raise
            _pause(setting, job, slot, trail.attempts, delay, error)
            trail.attempts += 1


def _pause(
    setting: Setting, job: Job, slot: Slot, attempt: int, delay: float, error: ConnectionFailed
) -> None:
    info = ErrorInfo(error.phase, error.message, error.hint)
    setting.emit(Retry(job.host, attempt, delay, info))
    with slot.given_back():
        if setting.stop.wait(delay):
            raise Cancelled(setting.stop.reason, host=job.host, phase=error.phase)


@contextmanager
def connected(setting: Setting, job: Job, slot: Slot) -> Iterator[Connection]:
    """A connection to the host, closed when the block is left; cancelling aborts the login.

    With it the host's door is passed.

    Raises:
        ConnectionFailed: see `Transport.connect`.
        Cancelled: the run ended meanwhile.
    """
    transport = job.transport()
    try:
        with setting.stop.closing(transport.close):
            connection = _connect(setting.stop, job, transport)
        # Behind the block: whoever cancels from here on no longer closes this connection.
        if setting.stop.cancelled:
            raise Cancelled(setting.stop.reason, host=job.host, phase="open")
        slot.through()
        yield connection
    finally:
        transport.close()


def _connect(stop: Stop, job: Job, transport: Transport) -> Connection:
    try:
        return transport.connect()
    except HostError as error:
        if stop.cancelled:
            raise Cancelled(stop.reason, host=job.host, phase=error.phase) from error
        raise


def _phase_of(error: OpsrunError) -> str:
    return WAITING if isinstance(error, GateTimeout) else "run"
