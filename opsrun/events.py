"""The one stream that everything downstream reads.

Workers emit events, a collector numbers them, sinks fold them. Every event is a frozen record of
plain values; `to_dict` gives what goes out as JSON. Work that was submitted ends in exactly one
`Result`, whatever happens to it.

Bytes that are not UTF-8 survive: a field ``stdout`` holds the text with U+FFFD for what could not
be decoded, and only then a second field, ``stdout_base64``, holds the exact bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes away; new fields alone don't count."""

StreamName = Literal["stdout", "stderr"]
_DIVIDERS = re.compile(r"[%/@#\[\]]")


class Outcome(StrEnum):
    """How a piece of work ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    """Nothing was sent to a shell."""
    LOST = "lost"
    """The connection broke while the command was under way: what it did is not known."""
    CANCELLED = "cancelled"

    @property
    def is_good(self) -> bool:
        """True for ok, changed and skipped."""
        return self in (Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED)


@dataclass(frozen=True, slots=True)
class WorkId:
    """Names one piece of work so that it is found again after a crash.

    ``path`` leads to the task (``("exec",)``, later play, task and include chain), ``digest`` is of
    what is to be done, so that another command is other work.
    """

    host: str
    path: tuple[str, ...]
    digest: str
    item: str | None = None
    attempt: int = 1

    def __str__(self) -> str:
        path = "/".join(map(_quoted, self.path))
        item = f"[{_quoted(self.item)}]" if self.item is not None else ""
        return f"{path}{item}@{_quoted(self.host)}#{self.digest}.{self.attempt}"


def _quoted(part: str) -> str:
    """``part`` without the characters that divide a `WorkId`, as ``%XX`` (RFC 3986)."""
    return _DIVIDERS.sub(lambda match: f"%{ord(match[0]):02X}", part)


def digest(*parts: str | bytes) -> str:
    """A short stable fingerprint of ``parts``: 12 hexadecimal digits of SHA-256."""
    mix = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        mix.update(len(raw).to_bytes(8, "big") + raw)
    return mix.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Why a host did not end well: the phase it got to, what happened, what to do next."""

    phase: str
    message: str
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """``{"phase", "message", "hint"}``."""
        return {"phase": self.phase, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has its hosts and is about to reach the first one."""

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
    """Work on a host begins: it holds a place among the concurrent ones."""

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
    """Bytes as they came from the host, cut anywhere; emitted only if a sink wants them."""

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
    """An attempt failed before anything was sent to a shell; another one follows."""

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
    """Somebody waits for a gate; said at intervals, not at every attempt."""

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
    """How far a host's files have got; said at intervals, not with every packet."""

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
    """A word to the operator: a sink was dropped, a limit lowered, an attempt to be explained."""

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
class Result:
    """The one terminal event of a piece of work."""

    type: ClassVar[str] = "result"
    host: str
    work: WorkId
    outcome: Outcome
    rc: int | None = None
    """Exit status, 0 to 255; None where there was none."""
    signal: str | None = None
    """Name of the signal that ended the command, without ``SIG``."""
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False
    """Some output is missing: past the cap, or the connection broke."""
    started: float = 0.0
    """Seconds since the epoch; 0 if it never started."""
    duration: float = 0.0
    """Seconds from the start of work on this host, login included, to its end."""
    error: ErrorInfo | None = None
    attempts: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)
    """Further values by name, JSON-able (``ping``'s round trip …)."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        head: dict[str, Any] = {
            "type": self.type,
            "host": self.host,
            "work": str(self.work),
            "outcome": str(self.outcome),
            "rc": self.rc,
            "signal": self.signal,
        }
        tail = {
            "truncated": self.truncated,
            "started": timestamp(self.started) if self.started else None,
            "duration": round(self.duration, 6),
            "attempts": self.attempts,
            "error": self.error.to_dict() if self.error else None,
        }
        data = {"data": dict(self.data)} if self.data else {}
        return (
            head
            | text_fields("stdout", self.stdout)
            | text_fields("stderr", self.stderr)
            | tail
            | data
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The last event of a run."""

    type: ClassVar[str] = "summary"
    run: str
    counts: Mapping[Outcome, int]
    duration: float
    interrupted: bool = False
    exit_status: int = 0

    def to_dict(self) -> dict[str, Any]:
        """``{"type", "run", "ok", "failed", …, "duration", "interrupted", "exit_status"}``."""
        head: dict[str, Any] = {"type": self.type, "run": self.run}
        counts = {str(outcome): self.counts.get(outcome, 0) for outcome in Outcome}
        tail = {
            "duration": round(self.duration, 6),
            "interrupted": self.interrupted,
            "exit_status": self.exit_status,
        }
        return head | counts | tail


Event = RunStarted | HostStarted | Output | Retry | Waiting | Progress | Notice | Result | Summary


class Sink(Protocol):
    """Reads the stream. Called by the collector only, from one place at a time."""

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
    """The one call beside the stream."""

    def intent(self, work: WorkId) -> None:
        """Make durable that ``work`` is about to be sent to its host; returns once it is.

        Called before anything goes out that may change the host, so that after a crash "unknown"
        is known to be unknown.
        """


class NoJournal:
    """Writes nothing down: what a run uses until there is a journal."""

    def intent(self, work: WorkId) -> None:
        """See `Journal.intent`."""


def text_fields(name: str, data: bytes) -> dict[str, str]:
    """``{name: text}``, and ``{name}_base64`` beside it where ``data`` is not UTF-8."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {
            name: data.decode(errors="replace"),
            f"{name}_base64": base64.b64encode(data).decode(),
        }


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-31T12:00:00.250Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
