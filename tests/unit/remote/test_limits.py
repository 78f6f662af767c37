"""Two limits on a command: on all of its time, and on its silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import pytest
from support.engines import make_engine

from opsrun.engine.stop import Stop
from opsrun.errors import CommandTimeout
from opsrun.remote import running as running_module
from opsrun.remote.capture import Capture, MemoryBudget
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Data, EndOfOutput, Exited, Manner, Packet, Writable
from opsrun.remote.limits import Limits
from opsrun.remote.running import Running


class Clock:
    """Monotonic seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def said(text: str = "x") -> Data:
    return Data("stdout", text.encode())


class Scripted:
    """A process whose packets come at given moments, on a clock that waiting moves on.

    Args:
        clock: shared with whoever watches.
        timeline: seconds from the start, and what comes then.
        room: bytes of input that are taken at once; the rest with each `Writable`.
    """

    victim = None
    place = ""

    def __init__(
        self, clock: Clock, timeline: Iterable[tuple[float, Packet]], room: int = 1 << 20
    ) -> None:
        self._clock = clock
        self._start = clock.now
        self._timeline = deque(timeline)
        self._room = room
        self.signals: list[str] = []

    def receive(self, timeout: float | None) -> Packet | None:
        due = self._start + self._timeline[0][0] if self._timeline else float("inf")
        if due <= self._clock.now:
            return self._timeline.popleft()[1]
        if timeout is not None and self._clock.now + timeout < due:
            self._clock.now += timeout
            return None
        assert due < float("inf"), "waits for ever"
        self._clock.now = due
        return self._timeline.popleft()[1]

    def signal(self, name: str) -> None:
        self.signals.append(name)
        self._timeline = deque([(0.0, Exited(signal=name)), (0.0, EndOfOutput())])

    def write(self, data: bytes) -> int:
        return min(len(data), self._room)

    def close_stdin(self) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class Host:
    """A connection on which the one command is `Scripted`, and no other one starts."""

    def __init__(self, clock: Clock, timeline: Iterable[tuple[float, Packet]], room: int) -> None:
        self.process = Scripted(clock, timeline, room)
        self._started = False

    def start(self, script: str, manner: Manner) -> Any:
        if self._started:
            from opsrun.errors import ConnectionFailed

            raise ConnectionFailed("no further channel", phase="open")
        self._started = True
        return self.process

    def close(self) -> None: ...


class Rig:
    """One command against a timeline."""

    def __init__(self, *timeline: tuple[float, Packet], room: int = 1 << 20, **limits: Any) -> None:
        engine = make_engine()
        self.clock = Clock()
        self.host = Host(self.clock, timeline, room)
        self.words: list[float] = []
        self.slow = 0.0
        budget = MemoryBudget(1 << 20, engine.lock())
        self.stdout = Capture(1 << 20, budget)
        self.running = Running(
            Command("x", **limits),
            self.stdout,
            Capture(1 << 20, budget),
            self.clock,
            self._output,
            lambda: self.words.append(round(self.running.silence, 3)),
        )
        self._stop = Stop(engine)

    def _output(self, stream: str, data: bytes) -> None:
        self.clock.now += self.slow

    def run(self) -> CommandResult:
        return self.running.run(self.host, self._stop, "h")

    def fails(self) -> CommandTimeout:
        with pytest.raises(CommandTimeout) as caught:
            self.run()
        return caught.value


def ticking(every: float, seconds: float) -> list[tuple[float, Packet]]:
    """Output at equal intervals."""
    return [(every * (n + 1), said()) for n in range(int(seconds / every))]


END = (Exited(0), EndOfOutput())


def test_output_all_the_time_does_not_move_the_limit_on_the_whole() -> None:
    rig = Rig(*ticking(0.5, 60.0), timeout=2.0, idle_timeout=1.0)
    error = rig.fails()
    assert "still running after 2 s" in error.message
    assert "(silent for 0.0 s)" in error.message
    assert error.hint == "raise --command-timeout"
    assert len(rig.stdout.bytes()) == 4


def test_silence_ends_a_command_long_before_its_limit() -> None:
    rig = Rig(*ticking(0.5, 1.5), timeout=60.0, idle_timeout=1.0)
    error = rig.fails()
    assert error.message.startswith("no output for 1 s; ")
    assert "(running for 2.5 s)" in error.message
    assert error.hint == "raise --idle-timeout"


def test_output_in_time_is_no_silence() -> None:
    rig = Rig(*ticking(0.9, 90.0), *((91.0, packet) for packet in END), idle_timeout=1.0)
    assert rig.run().rc == 0


def test_each_limit_alone() -> None:
    assert "no output for 3 s" in Rig(idle_timeout=3.0).fails().message
    words = Rig(timeout=3.0).fails().message
    assert "still running after 3 s" in words
    assert "(silent for 3.0 s)" in words


def test_an_end_in_time_is_an_end() -> None:
    rig = Rig(*((0.9, packet) for packet in END), timeout=1.0, idle_timeout=1.0)
    assert rig.run().rc == 0


def test_what_waits_to_be_read_was_no_silence() -> None:
    """We come late: the command has spoken meanwhile, and ended."""
    rig = Rig((0.5, said()), (0.6, said()), *((0.7, each) for each in END), idle_timeout=1.0)
    rig.slow = 50.0
    assert rig.run().rc == 0


def test_a_consumer_that_is_slow_takes_no_time_from_either_limit() -> None:
    rig = Rig(*ticking(0.9, 3.6), timeout=5.0, idle_timeout=1.0)
    rig.slow = 100.0
    assert "no output for 1 s" in rig.fails().message
    assert len(rig.stdout.bytes()) == 4


def test_input_that_is_taken_is_a_sign_of_life() -> None:
    taken = [(0.9 * (n + 1), Writable()) for n in range(9)]
    timeline = (*taken, *((9.0, packet) for packet in END))
    rig = Rig(*timeline, room=10, stdin=bytes(100), idle_timeout=1.0)
    assert rig.run().rc == 0


def test_a_command_that_takes_no_input_is_silent() -> None:
    rig = Rig((0.5, Writable()), room=0, stdin=b"x", idle_timeout=1.0)
    assert "running for 1.0 s" in rig.fails().message


def test_after_its_end_no_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is waited for as usual."""
    monkeypatch.setattr(running_module, "DRAIN", 5.0)
    ended = Rig((0.1, Exited(3)), (4.0, said()), (4.0, EndOfOutput()), idle_timeout=1.0).run()
    assert (ended.rc, ended.stdout) == (3, b"x")


def test_what_holds_the_output_after_the_end_is_waited_for_a_little() -> None:
    ended = Rig((0.1, Exited(3)), (2.0, said()), (3.9, said()), (6.0, said())).run()
    assert (ended.rc, ended.stdout, ended.left_child) == (3, b"xx", True)


def test_silence_is_told_after_a_minute_and_each_minute_more() -> None:
    rig = Rig((61.0, said()), *((250.0, each) for each in END))
    assert rig.run().rc == 0
    assert rig.words == [60.0, 60.0, 120.0, 180.0]


def test_a_limit_counts_beside_the_words_about_silence() -> None:
    rig = Rig(idle_timeout=90.0)
    rig.fails()
    assert rig.words == [60.0]


def test_figures() -> None:
    clock = Clock()
    limits = Limits(10.0, 4.0, clock)
    assert limits.remaining() == 4.0
    clock.now += 3.0
    limits.heard()
    clock.now += 3.0
    assert (limits.silence, limits.elapsed(), limits.remaining()) == (3.0, 6.0, 1.0)
    limits.pardon(2.0)
    assert (limits.silence, limits.remaining()) == (1.0, 3.0)
    clock.now += 3.0
    assert (limits.past_idle, limits.past_total, limits.expired) == (True, False, True)
    limits.heard()
    assert not limits.expired
    clock.now += 3.5
    assert (limits.past_idle, limits.past_total, limits.remaining()) == (False, True, 0.0)
    assert Limits(None, None, clock).remaining() is None
    assert Limits(None, 2.0, clock).remaining() == 2.0
