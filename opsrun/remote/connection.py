"""What can be asked of one host, without knowing how it is reached.

A `Transport` gives connections; a `Connection` starts processes; a `Process` is a pipe with an exit
status. Everything else (running to the end, capping, deadlines, later the persistent shell and
files) is built on these three once, for every transport.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from opsrun.errors import ConnectionFailed
from opsrun.events import StreamName


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes from the process."""

    stream: StreamName
    data: bytes


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended: ``rc`` or ``signal`` (without ``SIG``), never both."""

    rc: int | None = None
    signal: str | None = None


@dataclass(frozen=True, slots=True)
class EndOfOutput:
    """Both streams are at their end; nothing but `Exited` can still come."""


@dataclass(frozen=True, slots=True)
class Writable:
    """`Process.write` will take bytes again."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The process's pipe is shut for good: nothing at all can come any more."""


Packet = Data | Exited | EndOfOutput | Writable | Closed


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal for a command to run on; RFC 4254 section 6.2."""

    columns: int = 80
    rows: int = 24
    kind: str = "dumb"
    """What ``TERM`` is to say."""
    returns: bool = False
    """Whether it puts a carriage return before each newline of the output, as terminals do."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a script is started, where that is not as usual."""

    terminal: Terminal | None = None
    """All three streams are a terminal; what is written to either comes as standard output. The
    terminal does not echo, and `Process.close_stdin` types its end of file."""
    raw: bool = False
    """The host has no POSIX shell: the script is sent as it is, over a shell's channel if need be,
    and nothing else is ever started there."""
    patience: float | None = None
    """Seconds that opening may take, where that is less than the connection's own deadline."""
    subsystem: str | None = None
    """No script is run: the server starts what it knows by this name (``sftp``; RFC 4254 section
    6.5), and the process's streams are that one's."""
    tag: str = ""
    """Letters and digits that what is started is to have in its environment as `TAG`, so that it
    and all its children are found again. Not every server lets it through."""


USUAL = Manner()

TAG = "LC_OPSRUN_TAG"
"""Environment variable that tells whose child a process is. ``LC_``, because that is what sshd's
configuration lets through on Debian and its kin, and sudo(8) everywhere, which drops others."""

CARRIER = "OPSRUN_CARRIER"
"""In the environment of a program of ours that has the tag only to pass it on: it is no part of
the command, though it may run on the same host."""

_VICTIM = re.compile(
    r"(?P<pid>[0-9]{1,10})(?: (?P<began>[0-9]{0,20}))?(?: (?P<session>[0-9]{0,10}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Victim:
    """A process that told us who it is."""

    pid: int
    began: str = ""
    """Clock ticks from boot to its start, see proc(5); empty where there is no ``/proc``."""
    session: int = 0
    """Its session's id; 0 where that is not known, or has members that are not ours to end."""

    @classmethod
    def parse(cls, text: str) -> Victim:
        """From ``PID BEGAN SESSION``, of which the last two may be missing.

        Raises:
            ValueError: it is something else.
        """
        found = _VICTIM.match(text)
        if found is None or int(found["pid"]) < 2:
            raise ValueError(text)
        return cls(int(found["pid"]), found["began"] or "", int(found["session"] or 0))


def only_usual(manner: Manner, host: str, way: str) -> None:
    """For connections that know no other manner.

    Raises:
        ConnectionFailed: ``manner`` is another one; ``way`` says what it is that can't.
    """
    if manner.terminal is None and not manner.raw and manner.subsystem is None:
        return
    what = "can't send a command raw" if manner.raw else "gives no terminal"
    hint = "leave --raw, --pty out"
    if manner.subsystem is not None:
        what, hint = f"has no subsystem {manner.subsystem}", f"leave --{manner.subsystem} out"
    raise ConnectionFailed(f"{way} {what}", host=host, phase="exec", hint=hint)


class Process(Protocol):
    """A command under way: three streams and an end. Used by one consumer at a time."""

    @property
    def victim(self) -> Victim | None:
        """The process on the host, where it has told who it is."""

    @property
    def place(self) -> str:
        """Address and port, or what else it runs on, for messages; empty on this machine."""

    def receive(self, timeout: float | None) -> Packet | None:
        """The next packet, in the order of arrival; None when ``timeout`` seconds pass without one.

        After `Closed` it gives `Closed` for ever.

        Raises:
            ConnectionLost: the connection broke before the end.
        """

    def write(self, data: bytes | memoryview) -> int:
        """Send what can be sent to standard input without waiting; how many bytes that was.

        After a short count, wait for `Writable`.
        """

    def close_stdin(self) -> None:
        """End of file on standard input. Once is enough; more is harmless."""

    def signal(self, name: str) -> None:
        """Send a signal (``TERM``, ``KILL``) to what was started. A request, not a promise."""

    def wake(self) -> None:
        """Have a `receive` under way return None; safe from any other task."""

    def close(self) -> None:
        """Give the pipe up. Says nothing about what the process does after that."""


class Connection(Protocol):
    """A host that has been reached and has let us in."""

    def start(self, script: str, manner: Manner = USUAL) -> Process:
        """Have the host's shell run ``script``.

        Raises:
            ConnectionFailed: it could not be asked to (phase open or exec); also where ``manner``
                is not to be had over this connection.
            ConnectionLost: the connection broke meanwhile.
        """

    def close(self) -> None:
        """Close it and all that runs over it; safe to call again, and from another task."""


class Transport(Protocol):
    """A way to reach one host. Made from what is known of the host; connects when asked to."""

    def connect(self) -> Connection:
        """Reach the host and log in, each phase within its deadline.

        Raises:
            ConnectionFailed: with the phase that did not end well.
            Cancelled: `close` was called meanwhile.
        """

    def close(self) -> None:
        """Give up whatever is under way, the connection included; safe from any other task."""
