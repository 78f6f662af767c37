"""Another user's shell, as a connection like any other.

A `BecomeConnection` starts its processes through sudo, su or doas. The dialogue is over before
`start` returns; from then on the streams, the end of input and the exit status are the script's
alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from opsrun.remote.become_dialogue import Dialogue
from opsrun.remote.become_script import METHODS, BecomeSpec, Marks, Method, start_script
from opsrun.remote.connection import (
    USUAL,
    Closed,
    Connection,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Packet,
    Process,
    Transport,
    Victim,
    only_usual,
)
from opsrun.remote.deadline import Clock, Deadline

_LAST_WORDS = 1.0
"""Seconds for what is still to come once the end of the process, or of its output, is known."""

__all__ = [
    "METHODS",
    "BecomeConnection",
    "BecomeProcess",
    "BecomeSpec",
    "BecomeTransport",
    "Method",
]


class BecomeProcess:
    """A process that has become another user's.

    Args:
        process: the one that it came from.
        early: what of its own output came with the end of the dialogue.
        victim: the other user's shell.
    """

    def __init__(self, process: Process, early: deque[Packet], victim: Victim | None) -> None:
        self._process = process
        self._early = early
        self.victim = victim
        self.place = process.place
        self.write = process.write
        self.close_stdin = process.close_stdin
        self.signal = process.signal
        self.wake = process.wake
        self.close = process.close

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        return self._early.popleft() if self._early else self._process.receive(timeout)


class BecomeConnection:
    """Starts each script as another user.

    Args:
        connection: as the login user.
        spec: who is to become whom.
        clock: monotonic seconds.
        host: inventory name, for errors.
    """

    def __init__(self, connection: Connection, spec: BecomeSpec, clock: Clock, host: str) -> None:
        self._connection = connection
        self._spec = spec
        self._host = host
        self._clock = clock

    def start(self, script: str, manner: Manner = USUAL) -> BecomeProcess:
        """See `Connection.start`. Until it returns, the script has not begun.

        On a terminal the dialogue is held on that one, which does not echo.

        Raises:
            BecomeError: the other user's shell could not be had.
        """
        only_usual(replace(manner, terminal=None), self._host, self._spec.method)
        marks = Marks()
        # The tag is not sudo's: it ends with its child, and would pass a signal on a second time.
        script = start_script(self._spec, marks, script, manner.tag)
        process = self._connection.start(script, replace(manner, tag=""))
        on_terminal = manner.terminal is not None
        dialogue = Dialogue(self._spec, marks, self._host, on_terminal=on_terminal)
        try:
            early = self._talk(process, dialogue, manner.patience)
        except BaseException:
            # sudo, which is not ours to kill, ends at the end of its input.
            process.close_stdin()
            process.close()
            raise
        return BecomeProcess(process, early, dialogue.victim)

    def close(self) -> None:
        """See `Connection.close`."""
        self._connection.close()

    def _talk(self, process: Process, dialogue: Dialogue, patience: float | None) -> deque[Packet]:
        seconds = self._spec.timeout if patience is None else min(patience, self._spec.timeout)
        deadline = Deadline("become", seconds, self._clock)
        unsent = b""
        exited: Exited | None = None
        over = False
        while not dialogue.over or unsent:
            last = exited is not None or over
            packet = process.receive(_LAST_WORDS if last else deadline.remaining())
            if isinstance(packet, Data):
                unsent += dialogue.hear(packet.stream, packet.data)
            elif isinstance(packet, Exited):
                exited = packet
            elif isinstance(packet, EndOfOutput):
                over = True
            if isinstance(packet, Closed) or (exited and over) or (last and packet is None):
                raise dialogue.ended(_words(exited))
            unsent = unsent[process.write(unsent) :] if unsent else b""
            if deadline.expired and (not dialogue.over or unsent):
                raise dialogue.timed_out(seconds)
        return deque(Data(stream, data) for stream, data in dialogue.left.items() if data)


class BecomeTransport:
    """A way to a host, on which everything runs as another user."""

    def __init__(self, transport: Transport, spec: BecomeSpec, clock: Clock, host: str) -> None:
        self._transport = transport
        self._spec = spec
        self._clock = clock
        self._host = host

    def connect(self) -> BecomeConnection:
        """See `Transport.connect`. Nothing becomes anybody before the first script."""
        return BecomeConnection(self._transport.connect(), self._spec, self._clock, self._host)

    def close(self) -> None:
        """See `Transport.close`."""
        self._transport.close()


def _words(exited: Exited | None) -> str:
    if exited is None:
        return "no exit status"
    return f"signal {exited.signal}" if exited.signal else f"exit status {exited.rc}"
