"""A session over a host in memory: what never answers, says the wrong thing, or breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.engines import make_engine

from opsrun.errors import CommandTimeout, ConnectionFailed, ConnectionLost, UsageError
from opsrun.remote.kill_script import LAUNCH
from opsrun.remote.session import Session, Ticket
from opsrun.testing import Data, FakeTransport, Lose, Step, ends


def greeting(script: str, words: str = "77 5 1") -> list[Step]:
    """What a loop says first; the mark is the last word of the script that starts it."""
    mark = script.split()[-1]
    return [Data("stdout", f"{mark} {words}\n".encode()), Data("stderr", f"{mark} -\n".encode())]


class Rig:
    def __init__(self, steps: Callable[[str], list[Step]]) -> None:
        engine = make_engine()
        self.now = 0.0
        self.transport = FakeTransport(engine, steps)
        self.session = Session(self.transport.connect(), self.clock, host="fake")

    def clock(self) -> float:
        self.now += 0.01
        return self.now


def rig(*steps: Step, greets: bool = True) -> Rig:
    return Rig(lambda script: [*(greeting(script) if greets else ()), *steps])


@pytest.fixture
def login_banner() -> list[Step]:
    return [Data("stdout", b"Welcome!\n"), Data("stderr", b"You have mail.\n")]


def test_all_frames_go_out_before_the_first_answer_is_read() -> None:
    made = rig()
    for number in range(3):
        made.session.send(f"echo {number}")
    (process,) = made.transport.processes
    assert [f"echo {number}\n. ".encode() in process.stdin for number in range(3)] == [True] * 3
    assert process.stdin.count(b"\n") == 9


def test_a_broken_connection_loses_every_frame_that_was_out_and_only_those() -> None:
    made = rig(Lose("reset by peer"))
    tickets = [made.session.send("echo x") for _ in range(3)]
    for ticket in tickets:
        with pytest.raises(ConnectionLost, match=r"^fake: run: reset by peer \(what the script"):
            ticket.result()
    made.session.send("echo x")
    assert len(made.transport.processes) == made.session.opened == 2
    assert made.transport.processes[0].closed


def test_a_shell_that_ends_by_itself_is_named() -> None:
    made = rig(*ends(3))
    with pytest.raises(ConnectionLost, match="the session's shell ended with exit status 3"):
        made.session.run("x")


def test_a_loop_that_lost_its_place_says_so() -> None:
    with pytest.raises(ConnectionLost, match=r"head\(1\) or dd\(1\) reads wrong"):
        rig(*ends(70)).session.run("x")


def test_what_is_no_shell_is_told_by_its_own_words() -> None:
    made = rig(Data("stdout", b"% Invalid input detected\r\n"), *ends(1), greets=False)
    with pytest.raises(ConnectionFailed, match="% Invalid input detected") as caught:
        made.session.run("x")
    assert (caught.value.phase, caught.value.hint) == ("exec", "it has to be a POSIX shell")


def test_a_shell_that_never_greets_has_a_deadline() -> None:
    made = rig(Data("stdout", b"Press any key"), greets=False)
    ticket = made.session.send("x")
    made.now = 16.0
    with pytest.raises(ConnectionFailed, match=r"no answer .* within 15 s: Press any key"):
        ticket.result()


def test_an_answer_that_lay_unread_past_the_limit_counts() -> None:
    made = rig()
    ticket = made.session.send("x", timeout=5.0)
    while ticket._shell._greeting is not None:
        ticket._shell.step()
    (process,) = made.transport.processes
    mark = process.stdin.decode().split()[-1]
    process._steps += [Data(stream, f"{mark} 3\n".encode()) for stream in ("stdout", "stderr")]
    made.now = 1000.0
    assert ticket.result().rc == 3


def test_endless_output_does_not_postpone_the_limit() -> None:
    made = rig(*[Data("stdout", b"more\n")] * 10_000)
    ticket = made.session.send("x", timeout=5.0)
    while ticket._shell._greeting is not None:
        ticket._shell.step()
    made.now = 1000.0
    with pytest.raises(CommandTimeout, match="still running after 5 s"):
        ticket.result()
    (process, killer) = made.transport.processes
    assert made.transport.started[1] == LAUNCH
    # Its own session is not named: what earlier frames left behind is in it, too.
    assert b"root=77 born=5 given=\n" in killer.stdin
    assert f" tag={ticket.tag}\n".encode() in killer.stdin
    assert f" {ticket.tag}\n".encode() in process.stdin, "the frame's own"


@pytest.mark.parametrize("words", ["", "root", "0 1 1", "-7", "7 x 1"])
def test_a_greeting_that_names_no_process_is_not_believed(words: str) -> None:
    made = Rig(lambda script: greeting(script, words))
    with pytest.raises(ConnectionFailed, match="greeted with"):
        made.session.run("x")


def test_what_a_login_prints_first_is_nobodys_output(login_banner: list[Step]) -> None:
    made = Rig(lambda script: [*login_banner, *greeting(script), Lose()])
    ticket = made.session.send("x")
    with pytest.raises(ConnectionLost):
        ticket.result()


def test_a_refused_channel_is_told_at_once() -> None:
    engine = make_engine()
    refusal = ConnectionFailed("the server refused a channel", host="fake", phase="open")
    transport = FakeTransport(engine, {}, opening=[refusal])
    session = Session(transport.connect(), engine.now, host="fake")
    with pytest.raises(ConnectionFailed, match="refused a channel"):
        session.send("x")
    assert session.opened == 0


def begun(made: Rig, **limits: float) -> Ticket:
    """A frame under way."""
    ticket = made.session.send("x", **limits)  # type: ignore[arg-type]
    while ticket._shell._greeting is not None:
        ticket._shell.step()
    return ticket


def test_a_frame_that_is_silent_for_too_long_is_ended() -> None:
    made = rig()
    ticket = begun(made, timeout=600.0, idle_timeout=5.0)
    made.now = 6.0
    with pytest.raises(CommandTimeout, match=r"no output for 5 s; .* \(running for .* s\)"):
        ticket.result()


def test_output_that_lay_unread_was_no_silence() -> None:
    made = rig(Data("stderr", b"here\n"))
    ticket = begun(made, idle_timeout=5.0)
    made.now = 1000.0
    ticket._shell.step()
    assert not ticket.done
    made.now = 1006.0
    with pytest.raises(CommandTimeout, match="no output for 5 s"):
        ticket.result()


def test_a_slow_reader_of_a_frame_takes_nothing_from_its_limits() -> None:
    made = rig(*[Data("stdout", b"more\n" * 20)] * 3)
    came: list[bytes] = []

    def slow(data: bytes) -> None:
        came.append(data)
        made.now += 100.0

    ticket = made.session.send("x", timeout=9.0, idle_timeout=9.0, on_stdout=slow)
    for _ in range(5):
        ticket._shell.step()
    assert len(came) == 3
    assert not ticket.done
    made.now += 10.0
    with pytest.raises(CommandTimeout):
        ticket.result()


def test_a_frame_apart_takes_no_limit_on_silence() -> None:
    made = rig()
    with pytest.raises(UsageError, match="no limit on silence"):
        made.session.send("x", apart=True, idle_timeout=1.0)
    assert made.transport.started == []
