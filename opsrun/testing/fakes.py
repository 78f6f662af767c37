"""Hosts that exist in memory only: a scripted `Transport` for tests of whatever runs commands.

A script is a sequence of steps: packets that come out as they stand, and the few things that wait
for somebody. Nothing sleeps, nothing is timed, and every call is remembered.

>>> from opsrun.engine.threads import ThreadEngine
>>> transport = FakeTransport(ThreadEngine(), {"uname": [Data("stdout", b"Linux"), *ends(0)]})
>>> process = transport.connect().start("uname")
>>> [process.receive(None) for _ in range(3)]  # doctest: +NORMALIZE_WHITESPACE
[Data(stream='stdout', data=b'Linux'), Exited(rc=0, signal=None), EndOfOutput()]
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from opsrun.engine.base import Engine, Event
from opsrun.errors import Cancelled, ConnectionFailed, ConnectionLost
from opsrun.remote.connection import (
    USUAL,
    Closed,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Packet,
    Victim,
    Writable,
)
from opsrun.remote.kill_script import GONE, LAUNCH, LEFT, OVER

__all__ = [
    "Cat",
    "Closed",
    "Data",
    "EndOfOutput",
    "Exited",
    "FakeConnection",
    "FakeProcess",
    "FakeTransport",
    "Hold",
    "Lose",
    "Step",
    "ends",
]

PIPE = 64 * 1024
"""Bytes of standard input that a fake process takes before somebody reads them."""


@dataclass(frozen=True, slots=True)
class Lose:
    """A step: the connection breaks here."""

    message: str = "the connection broke"


@dataclass(frozen=True, slots=True)
class Cat:
    """A step: standard input comes out of stdout until its end of file, as from cat(1)."""


class Hold:
    """A step, or a phase of a login, that goes no further before `release`.

    Args:
        engine: whose tasks wait here.
    """

    def __init__(self, engine: Engine) -> None:
        self.reached = engine.event()
        """Set once somebody waits here."""
        self.released = False
        self._lock = engine.lock()
        self._listeners: list[Event] = []

    def release(self) -> None:
        """Let everybody go on, now and later."""
        with self._lock:
            self.released = True
            listeners = list(self._listeners)
        for news in listeners:
            news.set()

    def passes(self, news: Event) -> bool:
        """Whether it has been released; if not, ``news`` is set when it is."""
        with self._lock:
            if not self.released and news not in self._listeners:
                self._listeners.append(news)
            passes = self.released
        self.reached.set()
        return passes


Step = Packet | Lose | Cat | Hold

Scripts = Mapping[str, Sequence[Step]] | Callable[[str], Iterable[Step]]


def ends(rc: int | None = None, signal: str | None = None) -> tuple[Step, ...]:
    """The steps at a command's end: exit status or signal, end of output, and all is shut."""
    return Exited(rc, signal), EndOfOutput(), Closed()


def _not_found(script: str) -> tuple[Step, ...]:
    return Data("stderr", f"sh: 1: {script}: not found\n".encode()), *ends(127)


class FakeProcess:
    """A `Process` that goes through its steps as it is read.

    Args:
        steps: what happens, in order; behind the last one nothing ever does.
        host: the name in errors.
        news: an event of its own.
        ignored: signals that don't end it.
    """

    victim: Victim | None = None
    """See `Process.victim`."""

    place = ""
    """See `Process.place`."""

    def __init__(
        self, steps: Iterable[Step], host: str, news: Event, ignored: frozenset[str]
    ) -> None:
        self._steps = deque(steps)
        self._host = host
        self._news = news
        self._ignored = ignored
        self._pipe = bytearray()
        self._starved = False
        self._woken = False
        self._lost = ""
        self.stdin = bytearray()
        """All that was ever written to it."""
        self.stdin_closed = False
        self.signals: list[str] = []
        """Every signal that was sent, in order."""
        self.closed = False
        """Whether `close` was called."""
        self.tag = ""
        """See `Manner.tag`."""

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        while True:
            self._news.clear()
            if self._woken:
                self._woken = False
                return None
            packet = self._next()
            if packet is not None:
                return packet
            if not self._news.wait(timeout):
                return None

    def _next(self) -> Packet | None:
        if self._lost:
            message, self._lost = self._lost, ""
            self._steps = deque([Closed()])
            raise ConnectionLost(message, host=self._host)
        if self._starved and len(self._pipe) < PIPE:
            self._starved = False
            return Writable()
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Hold):
                if not step.passes(self._news):
                    return None
            elif isinstance(step, Cat):
                if self._pipe:
                    data, self._pipe = bytes(self._pipe), bytearray()
                    return Data("stdout", data)
                if not self.stdin_closed:
                    return None
            elif isinstance(step, Lose):
                self._lost = step.message
                return self._next()
            elif isinstance(step, Closed):
                return step
            else:
                self._steps.popleft()
                return step
            self._steps.popleft()
        return None

    def write(self, data: bytes | memoryview) -> int:
        """See `Process.write`."""
        if self.closed or self.stdin_closed:
            return 0
        taken = data[: max(0, PIPE - len(self._pipe))]
        self.stdin += taken
        self._pipe += taken
        self._starved = len(taken) < len(data)
        self._news.set()
        return len(taken)

    def close_stdin(self) -> None:
        """See `Process.close_stdin`."""
        self.stdin_closed = True
        self._news.set()

    def signal(self, name: str) -> None:
        """See `Process.signal`."""
        self.signals.append(name)
        if name not in self._ignored:
            self._steps = deque(ends(signal=name))
            self._news.set()

    def obeys(self, names: Iterable[str]) -> bool:
        """Send signals up to the first one that ends it; whether there was one."""
        for name in names:
            self.signal(name)
            if name not in self._ignored:
                return True
        return False

    def wake(self) -> None:
        """See `Process.wake`."""
        self._woken = True
        self._news.set()

    def lose(self, message: str) -> None:
        """Break the connection now; safe from any other task."""
        self._lost = message
        self._news.set()

    def close(self) -> None:
        """See `Process.close`."""
        self.closed = True
        self._steps = deque([Closed()])
        self._lost = ""
        self._news.set()


class FakeKiller(FakeProcess):
    """A shell that is fed the script which ends what a command started: it does so to others.

    Args:
        victims: the processes there are.
        host, news: see `FakeProcess`.
    """

    def __init__(self, victims: Sequence[FakeProcess], host: str, news: Event) -> None:
        super().__init__((), host, news, frozenset())
        self._victims = victims

    def close_stdin(self) -> None:
        """See `Process.close_stdin`; what was fed is carried out."""
        words = dict(re.findall(r"\b(mark|tag|grace)=(\w*)", self.stdin.decode()))
        mark = words["mark"]
        mine = [each for each in self._victims if each.tag == words["tag"] and not each.closed]
        said = f"{mark} {GONE} {len(mine)}\n"
        for number, process in enumerate(mine, 1):
            if not process.obeys(("TERM", "KILL") if int(words["grace"]) else ("KILL",)):
                said += f"{mark} {LEFT} {number} fake\n"
        self._steps = deque([Data("stdout", f"{said}{mark} {OVER}\n".encode()), *ends(0)])
        super().close_stdin()


class FakeConnection:
    """A `Connection` whose commands are scripted; made by `FakeTransport.connect`."""

    def __init__(self, transport: FakeTransport) -> None:
        self._transport = transport

    @property
    def is_alive(self) -> bool:
        """Whether it was not closed, by either side."""
        return not self._transport.closed

    def start(self, script: str, manner: Manner = USUAL) -> FakeProcess:
        """See `Connection.start`."""
        return self._transport.start(script, manner)

    def close(self) -> None:
        """See `Connection.close`."""
        self._transport.close()


class FakeTransport:
    """A `Transport` to a host that does as it is told.

    Args:
        engine: whose tasks wait for it.
        scripts: the steps for each command, or a call that gives them; a command that is not
            listed ends with status 127, as with a shell.
        host: inventory name.
        login: what `connect` goes through: a `Hold` to wait at, an error to raise.
        opening: the same for every command's start.
        ignored: signals that end no command.
    """

    def __init__(
        self,
        engine: Engine,
        scripts: Scripts,
        *,
        host: str = "fake",
        login: Sequence[Hold | ConnectionFailed] = (),
        opening: Sequence[Hold | ConnectionFailed] = (),
        ignored: Iterable[str] = (),
    ) -> None:
        self._engine = engine
        self._scripts = scripts
        self._host = host
        self._login = login
        self._opening = opening
        self._ignored = frozenset(ignored)
        self._news = engine.event()
        self.closed = False
        """Whether `close` was called."""
        self.connects = 0
        """How often `connect` was called."""
        self.processes: list[FakeProcess] = []
        """Every process that was started, in order."""
        self.started: list[str] = []
        """Their scripts."""
        self.manners: list[Manner] = []
        """How they were to be started."""

    def connect(self) -> FakeConnection:
        """See `Transport.connect`."""
        self.connects += 1
        self._go_through(self._login, "auth")
        return FakeConnection(self)

    def _go_through(self, phases: Sequence[Hold | ConnectionFailed], phase: str) -> None:
        for each in phases:
            if isinstance(each, ConnectionFailed):
                raise each
            while not self.closed and not each.passes(self._news):
                self._news.wait()
                self._news.clear()
        if self.closed:
            raise Cancelled("the connection was closed", host=self._host, phase=phase)

    def start(self, script: str, manner: Manner = USUAL) -> FakeProcess:
        """Start a process; see `Connection.start`."""
        try:
            self._go_through(self._opening, "open")
        except Cancelled as error:
            raise ConnectionFailed(error.message, host=self._host, phase="open") from error
        news = self._engine.event()
        if script == LAUNCH:
            process: FakeProcess = FakeKiller(self.processes, self._host, news)
        else:
            process = FakeProcess(self._steps(script), self._host, news, self._ignored)
        process.tag = manner.tag
        self.started.append(script)
        self.manners.append(manner)
        self.processes.append(process)
        return process

    def _steps(self, script: str) -> Iterable[Step]:
        if callable(self._scripts):
            return self._scripts(script)
        return self._scripts.get(script) or _not_found(script)

    def close(self) -> None:
        """See `Transport.close`."""
        self.closed = True
        self._news.set()
        for process in list(self.processes):
            if not process.closed:
                process.lose("the connection was closed")
