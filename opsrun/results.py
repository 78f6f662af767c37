"""What a piece of work came to on a host: its one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from opsrun import errors
from opsrun.errors import Cancelled, CommandFailed, ConnectionFailed, ConnectionLost, HostError
from opsrun.views.fields import text_fields, timestamp
from opsrun.views.result import ending, glimpse, result_table
from opsrun.views.table import for_rich, html
from opsrun.work import WorkId


class Outcome(StrEnum):
    """How a piece of work ended on a host.

    >>> from opsrun import Outcome
    >>> [str(outcome) for outcome in Outcome if outcome.is_good]
    ['ok', 'changed', 'skipped']
    """

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
class ErrorInfo:
    """Why a host did not end well: the phase it got to, what happened, what to do next.

    >>> from opsrun import ErrorInfo
    >>> ErrorInfo("tcp", "connection refused", "is sshd running there?").phase
    'tcp'
    """

    phase: str
    message: str
    hint: str = ""
    kind: str = field(default="", compare=False)
    """Name of the error's class, where there was one; see `Result.exception`."""

    def to_dict(self) -> dict[str, Any]:
        """``{"phase", "message", "hint"}``."""
        return {"phase": self.phase, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The one terminal event of a piece of work.

    ``stdout`` and ``stderr`` hold bytes, `out` and `err` the same as text. A notebook shows it as
    a table, and so does ``rich.print``.

    >>> from opsrun import Outcome, Result, WorkId
    >>> work = WorkId("web01", ("exec",), "a1b2c3d4e5f6")
    >>> result = Result("web01", work, Outcome.OK, rc=0, stdout=b"Linux\\n", duration=0.25)
    >>> result
    <Result web01: ok, rc 0, 0.25 s, out 'Linux\\n'>
    >>> result.ok, result.out.strip()
    (True, 'Linux')
    """

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

    @property
    def ok(self) -> bool:
        """Whether it ended well: ok, changed or skipped."""
        return self.outcome.is_good

    @property
    def out(self) -> str:
        """Standard output as text, with U+FFFD for what is not UTF-8; ``stdout`` has the bytes."""
        return self.stdout.decode(errors="replace")

    @property
    def err(self) -> str:
        """Standard error as text, with U+FFFD for what is not UTF-8; ``stderr`` has the bytes."""
        return self.stderr.decode(errors="replace")

    def exception(self) -> HostError | None:
        """What `raise_for_failure` raises: of the class, with the host, phase and hint, that the
        failure had, and with this as its ``result``; None if it ended well."""
        if self.ok:
            return None
        why = self.error
        if why is None:
            error: HostError = CommandFailed(ending(self), host=self.host, phase="run")
        else:
            kind = _class_of(why.kind, self.outcome)
            error = kind(why.message, host=self.host, phase=why.phase, hint=why.hint)
        error.result = self
        return error

    def raise_for_failure(self) -> Self:
        """This result, if it ended well.

        Raises:
            HostError: it did not; `CommandFailed` where the command itself ended badly.
        """
        error = self.exception()
        if error is not None:
            raise error
        return self

    def __repr__(self) -> str:
        return glimpse(self)

    def _repr_html_(self) -> str:
        return html(result_table(self.host, [self]))

    def __rich__(self) -> object:
        return for_rich(result_table(self.host, [self]))

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


_LEAST: Mapping[Outcome, type[HostError]] = {
    Outcome.UNREACHABLE: ConnectionFailed,
    Outcome.LOST: ConnectionLost,
    Outcome.CANCELLED: Cancelled,
}
"""What an outcome is an error of, at least: the class that struck may tell less, or otherwise."""


def _class_of(name: str, outcome: Outcome) -> type[HostError]:
    least = _LEAST.get(outcome, HostError)
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, least) else least
