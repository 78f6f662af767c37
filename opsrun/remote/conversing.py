"""A program on a terminal, and somebody who answers what it prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opsrun.events import StreamName
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection, Process
from opsrun.remote.deadline import Clock, Deadline
from opsrun.remote.running import DRAIN, Running, Stopping

PAUSE = 0.05
"""Seconds between a prompt and what is typed: programs print theirs first, and then have the
terminal stop echoing and throw away what was typed before."""

_UNREAD = 256
"""Packets that are still listened to once patience is over: an endless output is no prompt."""

End = Literal["itself", "patience", "answers"]

Hear = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Conversed:
    """How a program and whoever answered it came apart."""

    end: End
    """``itself``: the program ended. It was ended because nothing that was waited for came
    (``patience``), or because `Hear` said so (``answers``)."""
    output: bytes
    """All that came on the terminal, up to a cap."""
    rc: int | None = None
    signal: str | None = None
    """How it ended by itself: one of both."""
    duration: float = 0.0
    """Seconds."""
    truncated: bool = False
    """There was more output than is kept."""
    left: tuple[str, ...] = ()
    """Process id and name of what goes on though it was told to end."""


class _HungUp(Exception):
    """The program is not talked to any more."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class Conversing(Running):
    """One program on a terminal, to its end or to that of somebody's patience.

    Args:
        command: what to run; its manner says on which terminal.
        output: where output is kept.
        clock: monotonic seconds.
        hear: is told what came, and says what to type: nothing, or None to have the program end.
        patience: seconds from the beginning, or from what was typed last, until `hear` must have
            something to type, or the program have ended; None for no limit.
    """

    def __init__(
        self, command: Command, output: Capture, clock: Clock, hear: Hear, patience: float | None
    ) -> None:
        super().__init__(command, output, output, clock, self._listen)
        self._output = output
        self._hear = hear
        self._seconds = patience
        self._patience_left = Deadline("run", patience, clock)
        self._typed = b""
        self._due = 0.0
        self._hung_up = False
        self._speechless = False

    def converse(self, connection: Connection, stop: Stopping, host: str) -> Conversed:
        """Run it, and answer.

        Raises:
            HostError: see `Running.run`.
        """
        before = self._clock()
        try:
            result = self.run(connection, stop, host)
        except _HungUp as hung_up:
            seconds = self._clock() - before
            end, output = hung_up.end, self._output.bytes()
            return Conversed(end, output, None, None, seconds, self.truncated, self.left)
        how = result.rc, result.signal, result.duration, result.truncated
        return Conversed("itself", result.stdout, *how)

    def _listen(self, _stream: StreamName, data: bytes) -> None:
        if self._hung_up:
            return
        before = self._clock()
        answer = self._hear(data)
        now = self._clock()
        self._patience_left.postpone(now - before)
        if answer is None:
            self._speechless = True
        elif answer:
            self._typed += answer
            self._due = now + PAUSE
            self._patience_left = Deadline("run", self._seconds, self._clock)

    def _drain(self, process: Process, stop: Stopping, host: str) -> None:
        self._patience_left = Deadline("run", self._seconds, self._clock)
        late = 0
        while not self._over:
            if stop.cancelled or self._limits.past_total:
                self._give_up(process, stop, host)
                return
            self._feed(process)
            packet = process.receive(DRAIN if self._ended else self._patience())
            if packet is not None:
                self._take(packet, process)
            elif self._exited is not None and not stop.cancelled:
                return
            late = late + 1 if self._patience_left.expired else 0
            if self._speechless or late > _UNREAD or (late and packet is None):
                self._hang_up(process)

    def _hang_up(self, process: Process) -> None:
        self._hung_up = True
        if self._exited is None:
            self._end(process)
            raise _HungUp("answers" if self._speechless else "patience")
        # It has ended by itself; what it left behind may go on talking.
        self._cut_short = self._output_over = True

    def _patience(self) -> float | None:
        due = max(0.0, self._due - self._clock()) if self._typed else None
        every = (super()._patience(), self._patience_left.remaining(), due)
        return min((each for each in every if each is not None), default=None)

    def _feed(self, process: Process) -> None:
        """Type what is due; the end of file never is."""
        if self._typed and self._clock() >= self._due:
            self._typed = self._typed[process.write(self._typed) :]
            # The rest waits for `Writable`, and costs no turns until then.
            self._due = self._clock() + PAUSE
