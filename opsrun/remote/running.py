"""Runs one command to its end, over any connection: streams, limits, the exact status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from opsrun.errors import Cancelled, CommandTimeout, ConnectionLost
from opsrun.events import StreamName
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import (
    Closed,
    Connection,
    Data,
    EndOfOutput,
    Exited,
    Packet,
    Process,
    Writable,
)
from opsrun.remote.deadline import Clock, Deadline

DRAIN = 2.0
"""Seconds of silence after the exit status before output that is still open is given up: something
that the command left behind holds it."""

GRACE = 1.0
"""Seconds between asking a command to end and killing it."""

_STDIN_CHUNK = 256 * 1024

OnOutput = Callable[[StreamName, bytes], None]


class Stopping(Protocol):
    """What `Running` has to know of a run that may be ended from outside."""

    cancelled: bool
    reason: str


class Running:
    """One command on one host. The captures hold what came, also after an error.

    Args:
        command: what to run.
        stdout, stderr: where output is kept.
        clock: monotonic seconds.
        on_output: called with every piece as it comes; the time it takes doesn't count against
            the command's limit, for then it's the operator's terminal that is slow.
    """

    def __init__(
        self,
        command: Command,
        stdout: Capture,
        stderr: Capture,
        clock: Clock,
        on_output: OnOutput | None = None,
    ) -> None:
        self._command = command
        self._captures = {"stdout": stdout, "stderr": stderr}
        self._clock = clock
        self._on_output = on_output
        self._stdin = memoryview(command.stdin or b"")
        self._exited: Exited | None = None
        self._ended = False
        self._process: Process | None = None
        self.sent = False
        """The host was asked to run the command: from here on it may have."""
        self.may_still_run = False
        """Asked to end, the command did not say that it has."""

    def run(self, connection: Connection, stop: Stopping, host: str) -> CommandResult:
        """Run the command to its end.

        Raises:
            ConnectionFailed: it was never started.
            CommandTimeout: it ran past its limit and was asked, then told, to end.
            ConnectionLost: the connection broke before its end was known.
            Cancelled: ``stop`` ended the run.
        """
        deadline = Deadline("run", self._command.timeout, self._clock)
        process = self._process = connection.start(self._command.rendered())
        self.sent = True
        try:
            self._feed(process)
            self._drain(process, deadline, stop, host)
        finally:
            process.close()
        if self._exited is None:
            raise ConnectionLost(
                "the command's channel was closed without an exit status",
                host=host,
                hint="what it did is not known",
            )
        return self._result(deadline.elapsed())

    def interrupt(self) -> None:
        """Have `run` look at ``stop`` now; safe from any other task."""
        if self._process is not None:
            self._process.wake()

    def _drain(self, process: Process, deadline: Deadline, stop: Stopping, host: str) -> None:
        while not self._ended:
            if stop.cancelled and self._exited is None:
                self._end(process)
                raise Cancelled(stop.reason, host=host)
            if deadline.expired and self._exited is None:
                self._end(process)
                raise self._timed_out(deadline, host)
            packet = process.receive(DRAIN if self._exited else deadline.remaining())
            if packet is not None:
                self._take(packet, process, deadline)
            elif self._exited is not None:
                return

    def _take(self, packet: Packet, process: Process, deadline: Deadline) -> None:
        if isinstance(packet, Data):
            self._captures[packet.stream].add(packet.data)
            if self._on_output is not None:
                before = self._clock()
                self._on_output(packet.stream, packet.data)
                deadline.postpone(self._clock() - before)
        elif isinstance(packet, Writable):
            self._feed(process)
        elif isinstance(packet, Exited):
            self._exited = packet
        elif isinstance(packet, (EndOfOutput, Closed)):
            # The status may come after the end of output; after the end of all nothing can.
            self._ended = isinstance(packet, Closed) or self._ended

    def _feed(self, process: Process) -> None:
        while self._stdin:
            sent = process.write(bytes(self._stdin[:_STDIN_CHUNK]))
            if not sent:
                return
            self._stdin = self._stdin[sent:]
        process.close_stdin()

    def _end(self, process: Process) -> None:
        """TERM, a grace, KILL; remembers whether the end was seen."""
        for name in ("TERM", "KILL"):
            process.signal(name)
            patience = Deadline("run", GRACE, self._clock)
            while not patience.expired:
                packet = process.receive(patience.remaining())
                if isinstance(packet, (Exited, Closed)):
                    return
                if isinstance(packet, Data):
                    self._captures[packet.stream].add(packet.data)
        self.may_still_run = True

    def _timed_out(self, deadline: Deadline, host: str) -> CommandTimeout:
        fate = (
            "told to end, it did not answer: it may still be running"
            if self.may_still_run
            else "it was ended"
        )
        return CommandTimeout(
            f"still running after {deadline.seconds:g} s; {fate}",
            host=host,
            hint="raise --command-timeout",
        )

    @property
    def truncated(self) -> bool:
        """Whether output was not kept."""
        return any(capture.truncated for capture in self._captures.values())

    def _result(self, duration: float) -> CommandResult:
        exited = self._exited
        assert exited is not None
        return CommandResult(
            rc=exited.rc,
            signal=exited.signal,
            stdout=self._captures["stdout"].bytes(),
            stderr=self._captures["stderr"].bytes(),
            truncated=self.truncated,
            left_child=not self._ended,
            duration=duration,
        )
