"""What stands for a frame that was sent to a persistent shell, until its result is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsrun.errors import HostError
from opsrun.remote.command import CommandResult
from opsrun.remote.deadline import Clock
from opsrun.remote.framing import FramingError, Part
from opsrun.remote.limits import Limits
from opsrun.remote.loop import NOT_RUN

if TYPE_CHECKING:
    from opsrun.remote.shell import Shell


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a frame may take and give."""

    cap: int
    """Bytes to keep of each stream."""
    total: float | None = None
    """Seconds in all."""
    idle: float | None = None
    """Seconds without output, or input taken."""


class Ticket:
    """A frame that was sent; `result` waits for its end."""

    def __init__(self, shell: Shell, mark: str, allowed: Allowed, clock: Clock) -> None:
        self._shell = shell
        self._allowed = allowed
        self._clock = clock
        self._limits: Limits | None = None
        self._parts: dict[str, Part] = {}
        self._result: CommandResult | None = None
        self._error: HostError | None = None
        self.mark = mark
        self.tag = ""
        """What the processes of its script carry in their environment, see `Manner.tag`."""
        self.takes = False
        """Its script takes a stream, and cleans up when it is asked to end."""
        self.idle = False
        """Its script changes nothing, and nobody need wait for it."""

    @property
    def done(self) -> bool:
        """Whether `result` would not wait."""
        return self._result is not None or self._error is not None

    @property
    def begun(self) -> bool:
        """Whether all frames before it have ended, so that its own turn has come."""
        return self._limits is not None

    @property
    def orphaned(self) -> bool:
        """Whether the shell that it was sent to is known to have ended."""
        return self._shell.dead

    def result(self) -> CommandResult:
        """Wait for the frame's end.

        Raises:
            CommandTimeout: it took too long, and the session was ended for it.
            ConnectionLost: the session ended first: what the script did is not known.
            ConnectionFailed: the session never came up: it did not run.
            Cancelled: the run was ended.
        """
        while not self.done:
            self._shell.step()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    # -- told by the shell

    def begin(self) -> Limits:
        """All frames before it have ended: its own time runs from here."""
        if self._limits is None:
            self._limits = Limits(self._allowed.total, self._allowed.idle, self._clock)
        return self._limits

    def add(self, stream: str, part: Part, host: str) -> None:
        """One stream's share is complete."""
        self._parts[stream] = part
        if len(self._parts) == 2:
            self._settle(host)

    def _settle(self, host: str) -> None:
        out, err = self._parts["stdout"], self._parts["stderr"]
        if self._shell.is_greeting(self):
            self._result = CommandResult(rc=0)
            return
        if out.status == NOT_RUN:
            reason = err.output.decode(errors="replace").strip().partition("\n")[0]
            self._error = HostError(
                f"nowhere to put the script's output: {reason}",
                host=host,
                hint="is there room in TMPDIR, or /tmp? The script did not run",
            )
            return
        self._result = CommandResult(
            rc=_status(out.status),
            stdout=out.output,
            stderr=err.output,
            truncated=out.truncated or err.truncated,
            duration=self.begin().elapsed(),
        )

    def fail(self, error: HostError) -> None:
        """It has no result and won't have one."""
        if not self.done:
            self._error = error


def _status(text: str) -> int:
    if not text.isdecimal():
        raise FramingError(f"a frame's end carries no status but {text!r}")
    return int(text)
