"""The one stream that everything downstream reads.

Workers emit events, a collector numbers them, sinks fold them. Every event is a frozen record of
plain values; `to_dict` gives what goes out as JSON. Work that was submitted ends in exactly one
`Result`, whatever happens to it.

Bytes that are not UTF-8 survive: a field ``stdout`` holds the text with U+FFFD for what could not
be decoded, and only then a second field, ``stdout_base64``, holds the exact bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from opsrun.plays import BridgeCost as BridgeCost
from opsrun.plays import CustomStats as CustomStats
from opsrun.plays import HandlersPending as HandlersPending
from opsrun.plays import PlaybookStarted as PlaybookStarted
from opsrun.plays import PlayStarted as PlayStarted
from opsrun.plays import TaskResult as TaskResult
from opsrun.plays import TaskStarted as TaskStarted
from opsrun.results import ErrorInfo as ErrorInfo
from opsrun.results import Outcome as Outcome
from opsrun.results import Result as Result
from opsrun.views.fields import text_fields, timestamp
from opsrun.work import WorkId as WorkId
from opsrun.work import digest as digest

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes away; new fields alone don't count."""

StreamName = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has its hosts and is about to reach the first one.

    >>> from opsrun import RunStarted
    >>> RunStarted("3f2a", "exec", "uptime", ("web01", "web02"), 1700000000.0).to_dict()["started"]
    '2023-11-14T22:13:20.000Z'
    """

    type: ClassVar[str] = "run"
    run: str
    """Id of the run."""
    action: str
    """``exec``, ``ping``, ``wait`` …"""
    command: str
    """What is done, as the operator would recognise it; no secret is ever in it."""
    hosts: tuple[str, ...]
    started: float
    """Seconds since the epoch."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, with the schema's version."""
        return {
            "type": self.type,
            "schema": SCHEMA_VERSION,
            "run": self.run,
            "action": self.action,
            "command": self.command,
            "hosts": list(self.hosts),
            "started": timestamp(self.started),
        }


@dataclass(frozen=True, slots=True)
class HostStarted:
    """Work on a host begins: it holds a place among the concurrent ones.

    >>> from opsrun import HostStarted, WorkId
    >>> HostStarted("web01", WorkId("web01", ("exec",), "a1b2c3d4e5f6"), 0.0).to_dict()["type"]
    'start'
    """

    type: ClassVar[str] = "start"
    host: str
    work: WorkId
    started: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "host": self.host,
            "work": str(self.work),
            "started": timestamp(self.started),
        }


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes as they came from the host, cut anywhere; emitted only if somebody wants them.

    >>> from opsrun import Output, WorkId
    >>> Output("web01", WorkId("web01", ("exec",), "a1b2c3d4e5f6"), "stdout", b"up 3 days").data
    b'up 3 days'
    """

    type: ClassVar[str] = "output"
    host: str
    work: WorkId
    stream: StreamName
    data: bytes

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; exact bytes in ``data_base64`` where they are not UTF-8."""
        head = {"type": self.type, "host": self.host, "stream": self.stream}
        return head | text_fields("data", self.data)


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt failed before anything was sent to a shell; another one follows.

    >>> from opsrun import ErrorInfo, Retry
    >>> Retry("web01", 1, 0.5, ErrorInfo("tcp", "connection refused")).to_dict()["delay"]
    0.5
    """

    type: ClassVar[str] = "retry"
    host: str
    attempt: int
    """The attempt that failed, from 1."""
    delay: float
    """Seconds until the next one."""
    error: ErrorInfo

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "host": self.host,
            "attempt": self.attempt,
            "delay": round(self.delay, 3),
            "error": self.error.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody waits for a gate; said at intervals, not at every attempt.

    >>> from opsrun import Waiting
    >>> Waiting("db01", "tcp:5432", 7, 12.5, 60.0, "connection refused").to_dict()["attempt"]
    7
    """

    type: ClassVar[str] = "waiting"
    host: str
    gate: str
    attempt: int
    elapsed: float
    timeout: float | None
    last_error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "host": self.host,
            "gate": self.gate,
            "attempt": self.attempt,
            "elapsed": round(self.elapsed, 3),
            "timeout": self.timeout,
            "last_error": self.last_error,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a host's files have got; said at intervals, not with every packet.

    >>> from opsrun import Progress, WorkId
    >>> Progress("web01", WorkId("web01", ("put",), "a1b2c3d4e5f6"), 512, 2048).to_dict()["done"]
    512
    """

    type: ClassVar[str] = "progress"
    host: str
    work: WorkId
    done: int
    """Bytes that have travelled."""
    total: int | None
    """Bytes there are; None while that is not known."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": self.type, "host": self.host, "done": self.done, "total": self.total}


@dataclass(frozen=True, slots=True)
class Notice:
    """A word to the operator: a sink was dropped, a limit lowered, an attempt to be explained.

    >>> from opsrun import Notice
    >>> Notice("warning", "stdout was not kept whole", "web01").host
    'web01'
    """

    type: ClassVar[str] = "notice"
    level: Literal["debug", "info", "warning", "error"]
    message: str
    host: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "level": self.level,
            "host": self.host or None,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The last event of a run.

    >>> from opsrun import Outcome, Summary
    >>> summary = Summary("3f2a", {Outcome.OK: 2, Outcome.LOST: 1}, 1.5, exit_status=4)
    >>> summary.to_dict()["lost"]
    1
    """

    type: ClassVar[str] = "summary"
    run: str
    counts: Mapping[Outcome, int]
    duration: float
    interrupted: bool = False
    exit_status: int = 0
    bridge: BridgeCost | None = None
    """Of a run in which ansible-core did tasks."""

    def to_dict(self) -> dict[str, Any]:
        """``{"type", "run", "ok", "failed", …, "duration", "interrupted", "exit_status"}``, and
        ``bridge`` where there was one."""
        head: dict[str, Any] = {"type": self.type, "run": self.run}
        counts = {str(outcome): self.counts.get(outcome, 0) for outcome in Outcome}
        tail = {
            "duration": round(self.duration, 6),
            "interrupted": self.interrupted,
            "exit_status": self.exit_status,
        }
        bridge = {} if self.bridge is None else {"bridge": self.bridge.to_dict()}
        return head | counts | tail | bridge


Event = (
    RunStarted
    | HostStarted
    | Output
    | Retry
    | Waiting
    | Progress
    | Notice
    | PlaybookStarted
    | PlayStarted
    | TaskStarted
    | TaskResult
    | HandlersPending
    | CustomStats
    | Result
    | Summary
)


class Sink(Protocol):
    """Reads the stream. Called by the collector only, from one place at a time.

    >>> from opsrun import Event, Result
    >>> class Failures:
    ...     wants_output = False
    ...     def handle(self, seq: int, event: Event) -> None:
    ...         if isinstance(event, Result) and not event.ok:
    ...             print(event.host, event.outcome)
    ...     def flush(self) -> None: ...
    ...     def tick(self, now: float) -> None: ...
    ...     def close(self) -> None: ...
    """

    wants_output: bool
    """Whether `Output` events are to be emitted for this sink's sake. One that also has
    ``reads_results = False`` needs of a `Result`'s output no more than its end."""

    def handle(self, seq: int, event: Event) -> None:
        """Take one event; ``seq`` counts from 1 without a gap. Raises `SinkClosed` at the end of
        its reader; any other error drops the sink, and the run is told."""

    def flush(self) -> None:
        """Nothing more waits in the queue just now: what was rendered may be written."""

    def tick(self, now: float) -> None:
        """Called a few times a second while nothing happens; ``now`` is monotonic seconds."""

    def close(self) -> None:
        """The stream is over. Called once, also after an error."""


class Journal(Protocol):
    """Writes a run down beside the stream; its failure stops new work."""

    keeps: bool
    """Whether it writes anything: an event is shown once `commit` has returned."""

    def begin(
        self,
        engine: Any,
        event: RunStarted,
        pause: Callable[[], bool] = ...,
        ends: Callable[[], bool] = ...,
    ) -> None:
        """The run is about to begin: open what is written to, and make that durable.

        Args:
            engine: an `opsrun.engine.base.Engine`, the run's.
            pause: see `commit`.
            ends: tells, in any task, whether the run is to end.

        Raises:
            JournalError: it can't be; no host is reached then.
        """

    def intent(self, work: WorkId) -> None:
        """Make durable that ``work`` is about to be sent to its host; returns once it is.

        Called before anything goes out that may change the host, so that after a crash "unknown"
        is known to be unknown.

        Raises:
            Cancelled: it can't be made durable; nothing may be sent.
        """

    def ended(self, host: str, task: str, kept: str, message: str) -> None:
        """Keep what a task's end brings about; see `opsrun.journal.recorder.Recorder.ended`."""

    def record(self, seq: int, event: Event) -> None:
        """Take one event, before the sinks have it."""

    def commit(self, pause: Callable[[], bool] = ...) -> None:
        """Make durable what was taken; returns once it is. JournalError: it can't be.

        Args:
            pause: called several times a second while this waits; whether the run is to end, and
                nothing is to be waited for any longer. What it raises ends the wait.
        """

    def close(self) -> None:
        """The run is over; called once."""


class NoJournal:
    """Writes nothing down: what a run uses that is to leave no trace."""

    keeps = False

    def begin(
        self,
        engine: Any,
        event: RunStarted,
        pause: Callable[[], bool] = bool,
        ends: Callable[[], bool] = bool,
    ) -> None:
        """See `Journal.begin`."""

    def intent(self, work: WorkId) -> None:
        """See `Journal.intent`."""

    def ended(self, host: str, task: str, kept: str, message: str) -> None:
        """See `Journal.ended`."""

    def record(self, seq: int, event: Event) -> None:
        """See `Journal.record`."""

    def commit(self, pause: Callable[[], bool] = bool) -> None:
        """See `Journal.commit`."""

    def close(self) -> None:
        """See `Journal.close`."""
