"""More commands at once on one connection than the server allows (MaxSessions), on both engines."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import paramiko
import pytest
from support.engines import until
from support.reach import Ran, Reach, over_ssh

import opsrun.remote.killing as killing
import opsrun.remote.running as running
from opsrun.engine.base import Engine
from opsrun.errors import CommandTimeout, ConnectionFailed
from opsrun.lab import Lab
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner
from opsrun.transports.ssh.link import Link

LONG = 60.0
SHORT = 0.2


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Reason and words of each channel that a server refused."""
    seen: list[tuple[int, str]] = []
    before = Link._channel_refused

    def noted(link: Link, message: Any) -> None:
        again = paramiko.Message(message.asbytes())
        again.get_int()
        seen.append((again.get_int(), again.get_text()))
        before(link, message)

    monkeypatch.setattr(Link, "_channel_refused", noted)
    return seen


@pytest.fixture
def allowing(engine: Engine, sshd: Callable[..., Lab]) -> Callable[[int], Reach]:
    """A host whose sshd allows so many sessions."""

    def make(most: int) -> Reach:
        lab = sshd(f"MaxSessions {most}", hosts=1)
        return over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)

    return make


@pytest.fixture
def connected() -> Iterator[Callable[[Reach], Any]]:
    """Connects, and lets go at the end."""
    transports: list[Any] = []

    def connect(reach: Reach) -> Any:
        transports.append(reach.make())
        return transports[-1].connect()

    yield connect
    for transport in transports:
        transport.close()


def test_ten_commands_at_once_where_two_are_allowed(
    engine: Engine,
    allowing: Callable[[int], Reach],
    connected: Callable[[Reach], Any],
    refusals: list[tuple[int, str]],
) -> None:
    reach = allowing(2)
    connection = connected(reach)
    all_ran = [Ran(reach, Command(f"echo {number}; exit {number}")) for number in range(10)]
    tasks = [engine.spawn(ran.quietly, connection) for ran in all_ran]
    assert all(task.join(LONG) for task in tasks)
    assert [ran.error for ran in all_ran] == [None] * 10
    assert [ran.result.stdout for ran in all_ran if ran.result] == [b"%d\n" % n for n in range(10)]
    assert [ran.result.rc for ran in all_ran if ran.result] == list(range(10))
    # Two to learn it, and one for each close that sshd had not acted on when it was asked.
    assert len(refusals) <= 2 + 10
    assert set(refusals) <= {(2, "open failed")}, "what OpenSSH says (RFC 4254 section 5.1)"
    assert connection._link.sessions.limit == 2
    assert connection._link.sessions.open == 0


def test_the_number_learnt_is_asked_for_no_more(
    engine: Engine,
    allowing: Callable[[int], Reach],
    connected: Callable[[Reach], Any],
    refusals: list[tuple[int, str]],
) -> None:
    reach = allowing(2)
    connection = connected(reach)
    held = [connection.start("cat") for _ in range(2)]
    for _ in range(3):
        with pytest.raises(ConnectionFailed, match=r"all 2 channels .* are in use") as caught:
            connection.start("true", Manner(patience=SHORT))
        assert caught.value.phase == "open"
        assert "MaxSessions" in caught.value.hint
    assert len(refusals) == 1
    for process in held:
        process.close()


def test_one_command_after_the_other_where_one_is_allowed(
    allowing: Callable[[int], Reach], connected: Callable[[Reach], Any]
) -> None:
    """Each question goes out right behind the last command's close."""
    reach = allowing(1)
    connection = connected(reach)
    ended = [Ran(reach, Command(f"exit {number}")).on(connection).rc for number in range(20)]
    assert ended == list(range(20))


@pytest.mark.parametrize("close", ["connection", "transport"])
def test_closing_ends_the_wait(
    engine: Engine, allowing: Callable[[int], Reach], close: str
) -> None:
    reach = allowing(1)
    transport = reach.make()
    connection: Any = transport.connect()
    process = connection.start("sleep 600")
    waiting = Ran(reach, Command("true"))
    task = engine.spawn(waiting.quietly, connection)
    until(engine, lambda: connection._link.sessions.limit == 1)
    (connection if close == "connection" else transport).close()
    assert task.join(LONG)
    assert isinstance(waiting.error, ConnectionFailed)
    assert (waiting.error.phase, waiting.running.sent) == ("open", False)
    process.close()
    transport.close()


def test_no_room_to_kill_through(
    allowing: Callable[[int], Reach],
    connected: Callable[[Reach], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one channel is the command's own: whether all that it started has ended is not seen.

    sshd passes no signal on as root, so it goes on; as anybody else it ends the command itself.
    """
    monkeypatch.setattr(running, "GRACE", SHORT)
    monkeypatch.setattr(running, "SIGNAL_ANSWER", SHORT)
    monkeypatch.setattr(killing, "PATIENCE", SHORT)
    reach = allowing(1)
    ran = Ran(reach, Command("trap '' TERM HUP; echo $$; sleep 600", timeout=1.0))
    ran.quietly(connected(reach))
    assert isinstance(ran.error, CommandTimeout)
    pid = int(ran.stdout.bytes())
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    assert ran.running.may_still_run


def test_a_refusal_with_nothing_else_open_is_an_error(
    allowing: Callable[[int], Reach], connected: Callable[[Reach], Any]
) -> None:
    connection = connected(allowing(0))
    with pytest.raises(ConnectionFailed, match="the server refused a channel") as caught:
        connection.start("true")
    assert caught.value.phase == "open"
