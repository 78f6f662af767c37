"""Runs one command to its end, over any connection: streams, limits, the exact status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from opsrun.errors import Cancelled, ConnectionLost, HostError
from opsrun.events import StreamName
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import (
    Connection,
    Data,
    EndOfOutput,
    Exited,
    Packet,
    Process,
    Writable,
)
from opsrun.remote.deadline import Clock, Deadline
from opsrun.remote.framing import new_mark
from opsrun.remote.killing import GRACE, Quarry, Toll, end_all, fate
from opsrun.remote.limits import Limits

DRAIN = 2.0
"""Seconds of silence after the exit status before output that is still open is given up: something
that the command left behind holds it."""

SIGNAL_ANSWER = 0.3
"""Seconds that the news of an end may take, once nothing of the command goes on."""

SILENCE = 60.0
"""Seconds without a sign of life after which somebody may want to know; and again after as many."""

_STDIN_CHUNK = 256 * 1024

OnOutput = Callable[[StreamName, bytes], None]


def at(process: Process) -> str:
    """Where it runs, as the beginning of a sentence about it."""
    return f"{process.place}: " if process.place else ""


class Stopping(Protocol):
    """What `Running` has to know of a run that may be ended from outside."""

    @property
    def cancelled(self) -> bool:
        """Whether work under way is to end."""

    @property
    def reason(self) -> str:
        """Why, in words for the operator."""


class Running:
    """One command on one host. The captures hold what came, also after an error.

    Args:
        command: what to run.
        stdout, stderr: where output is kept.
        clock: monotonic seconds.
        on_output: called with every piece as it comes; the time it takes doesn't count against
            the command's limits, for then it's the operator's terminal that is slow.
        on_silence: called after each `SILENCE` seconds without a sign of life.
    """

    def __init__(
        self,
        command: Command,
        stdout: Capture,
        stderr: Capture,
        clock: Clock,
        on_output: OnOutput | None = None,
        on_silence: Callable[[], None] | None = None,
    ) -> None:
        self._command = command
        self._captures = {"stdout": stdout, "stderr": stderr}
        self._clock = clock
        self._on_output = on_output
        self._on_silence = on_silence
        self._silent_until = SILENCE
        self._limits = Limits(None, None, clock)
        self._stdin = memoryview(command.stdin or b"")
        self._connection: Connection | None = None
        self._process: Process | None = None
        self._exited: Exited | None = None
        self._exited_at = 0.0
        self._output_over = False
        self._closed = False
        self._cut_short = False
        self._tag = "" if command.manner.raw else new_mark()
        self._started = 0.0
        self._toll: Toll | None = None
        self.sent = False
        """The host was asked to run the command: from here on it may have."""
        self.may_still_run = False
        """Told to end, the command was not seen to, or something that it started was not."""

    def run(self, connection: Connection, stop: Stopping, host: str) -> CommandResult:
        """Run the command to its end.

        Raises:
            ConnectionFailed: it was never started.
            CommandTimeout: it ran past a limit and was asked, then told, to end.
            ConnectionLost: the connection broke before its end was known.
            Cancelled: ``stop`` ended the run.
        """
        before = self._started = self._clock()
        process = self._process = self._start(connection, stop, host)
        self.sent = True
        self._limits = Limits(self._command.timeout, self._command.idle_timeout, self._clock)
        try:
            self._feed(process)
            self._drain(process, stop, host)
        except ConnectionLost:
            if self._exited is None:
                raise
            # How it ended is known; what it still had to say is not.
            self._cut_short = True
        finally:
            process.close()
        if self._exited is not None:
            return self._result(self._exited, self._exited_at - before)
        if self._command.manner.raw and self._closed and self._output_over:
            return self._result(Exited(), self._clock() - before)
        raise ConnectionLost(
            f"{at(process)}the command's channel was closed without an exit status after "
            f"{self._clock() - before:.1f} s",
            host=host,
            hint="what it did is not known",
        )

    def interrupt(self) -> None:
        """Have `run` look at ``stop`` now; safe from any other task."""
        if self._process is not None:
            self._process.wake()
        elif self._connection is not None:
            # Nothing was started yet, and nothing shall be.
            self._connection.close()

    def _start(self, connection: Connection, stop: Stopping, host: str) -> Process:
        self._connection = connection
        script, manner = self._command.rendered(), replace(self._command.manner, tag=self._tag)
        try:
            if not stop.cancelled:
                # What is typed at a shell may have its effect before the start is over.
                self.sent = manner.raw
                return connection.start(script, manner)
        except HostError as error:
            if stop.cancelled:
                raise Cancelled(stop.reason, host=host, phase=error.phase) from error
            raise
        raise Cancelled(stop.reason, host=host, phase="open")

    @property
    def _over(self) -> bool:
        return self._closed or (self._exited is not None and self._output_over)

    @property
    def _ended(self) -> bool:
        return self._exited is not None or self._closed

    @property
    def left(self) -> tuple[str, ...]:
        """Process id and name of what goes on though it was told to end, as far as it was seen."""
        return self._toll.left if self._toll is not None else ()

    @property
    def silence(self) -> float:
        """Seconds without a sign of life."""
        return self._limits.silence

    def _drain(self, process: Process, stop: Stopping, host: str) -> None:
        while not self._over:
            if stop.cancelled or self._limits.past_total:
                self._give_up(process, stop, host)
                return
            packet = process.receive(DRAIN if self._exited else self._patience())
            if packet is not None:
                self._take(packet, process)
            elif self._exited is not None and not stop.cancelled:
                return
            elif self._limits.past_idle:
                # Behind the look at what waits: it may have been us who did not listen.
                self._give_up(process, stop, host)
                return

    def _patience(self) -> float | None:
        """Seconds until something is due: a limit, or a word about the silence."""
        limit = self._limits.remaining()
        if self._on_silence is None:
            return limit
        if self.silence >= self._silent_until:
            self._silent_until += SILENCE
            self._on_silence()
        word = max(0.0, self._silent_until - self.silence)
        return word if limit is None else min(word, limit)

    def _give_up(self, process: Process, stop: Stopping, host: str) -> None:
        if self._exited is not None:
            # The command has ended by itself; only its output's end is not waited for any more.
            self._cut_short = True
            return
        expiry = None if stop.cancelled else self._limits.expiry()
        self._end(process)
        if expiry is None:
            raise Cancelled(stop.reason, host=host)
        raise expiry.error(fate(self._toll, seen=self._ended), host)

    def _take(self, packet: Packet, process: Process) -> None:
        if isinstance(packet, Data):
            self._heard()
            self._captures[packet.stream].add(packet.data)
            if self._on_output is not None:
                before = self._clock()
                self._on_output(packet.stream, packet.data)
                self._limits.pardon(self._clock() - before)
        elif isinstance(packet, Writable):
            self._feed(process)
        elif isinstance(packet, Exited):
            # A process ends once; what a server says after that is about something else.
            if self._exited is None:
                self._exited = packet
                self._exited_at = self._clock()
        elif isinstance(packet, EndOfOutput):
            self._output_over = True
        else:
            self._closed = True

    def _heard(self) -> None:
        self._limits.heard()
        self._silent_until = SILENCE

    def _feed(self, process: Process) -> None:
        while self._stdin:
            chunk = bytes(self._stdin[:_STDIN_CHUNK])
            sent = process.write(chunk)
            self._stdin = self._stdin[sent:]
            if sent:
                self._heard()
            if sent < len(chunk):
                # `Writable` will come; output has its turn until then.
                return
        process.close_stdin()

    def _end(self, process: Process) -> None:
        """Have it end with all that it started; remembers what was not seen to."""
        self.may_still_run = True
        try:
            self._hunt(process)
            seen = self._ends_within(process, SIGNAL_ANSWER)
            if not seen and not self.left:
                # Nobody could have a look, or saw nothing: the server itself may know better.
                self._toll = None
                seen = self._signalled(process)
        except ConnectionLost:
            # Why it was to be ended says more than that the connection broke over it.
            return
        known = self._toll is not None or self._command.manner.raw
        self.may_still_run = not (seen and known) or bool(self.left)

    def _hunt(self, process: Process) -> None:
        if self._connection is None or self._command.manner.raw:
            return
        quarry = Quarry(self._tag, self._started, process.victim)
        self._toll = end_all(self._connection, quarry, self._clock)

    def _signalled(self, process: Process) -> bool:
        for name in ("TERM", "KILL"):
            process.signal(name)
            if self._ends_within(process, GRACE):
                return True
        return False

    def _ends_within(self, process: Process, seconds: float) -> bool:
        patience = Deadline("run", seconds, self._clock)
        while not self._over and not patience.expired:
            packet = process.receive(patience.remaining())
            if packet is not None:
                before = self._clock()
                self._take(packet, process)
                patience.postpone(self._clock() - before)
        return self._ended

    @property
    def truncated(self) -> bool:
        """Whether output was not kept, or its end not waited for."""
        return self._cut_short or any(capture.truncated for capture in self._captures.values())

    def _result(self, exited: Exited, duration: float) -> CommandResult:
        return CommandResult(
            rc=exited.rc,
            signal=exited.signal,
            stdout=self._captures["stdout"].bytes(),
            stderr=self._captures["stderr"].bytes(),
            truncated=self.truncated,
            left_child=not (self._closed or self._output_over),
            duration=duration,
            no_exit_status=exited == Exited(),
        )
