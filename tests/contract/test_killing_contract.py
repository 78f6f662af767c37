"""What a command started is gone when it has to end, over every way to a host."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.processes import wait_gone
from support.reach import Ran, Reach, local, over_ssh, over_ssh_program
from support.terminals import need_sshd_with_terminals

import opsrun.remote.running as running_module
from opsrun.engine.base import Engine
from opsrun.errors import Cancelled, CommandTimeout
from opsrun.lab import Lab
from opsrun.remote import killing
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection, Manner, Terminal
from opsrun.remote.session import Session

LONG = 60.0
WAYS = ("local", "sshd", "no tag", "ssh_binary")


@pytest.fixture(autouse=True)
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine nothing is given up early."""
    monkeypatch.setattr(killing, "PATIENCE", 60.0)
    monkeypatch.setattr(running_module, "SIGNAL_ANSWER", 10.0)


@pytest.fixture(params=WAYS)
def reach(request: pytest.FixtureRequest, engine: Engine) -> Reach:
    """One way to a host; ``no tag`` is an sshd that lets no variable through."""
    if request.param == "local":
        return local(engine)
    if request.param == "no tag":
        deaf: Lab = request.getfixturevalue("sshd")("AcceptEnv NOTHING")
        return over_ssh(engine, deaf, deaf.hosts[0].name, "no tag", kills=True)
    lab = request.getfixturevalue("lab")
    if request.param == "ssh_binary":
        return over_ssh_program(engine, lab, "web01")
    return over_ssh(engine, lab, "web01", "sshd", kills=True)


class Rig:
    """A command that tells pids, and is ended once it has told them all."""

    def __init__(self, reach: Reach, connection: Connection) -> None:
        self._reach = reach
        self._connection = connection
        self.pids: list[int] = []

    def ended(self, script: str, told: int, **fields: Any) -> Ran:
        """Run it; cancelled once so many lines have come."""
        heard: list[bytes] = []
        enough = self._reach.engine.event()

        def hear(stream: str, data: bytes) -> None:
            # Many a shell says "Terminated" of its children.
            if stream == "stdout":
                heard.append(data)
            if b"".join(heard).count(b"\n") >= told:
                enough.set()

        ran = Ran(self._reach, Command(script, **fields), on_output=hear)
        task = self._reach.engine.spawn(ran.quietly, self._connection)
        assert enough.wait(LONG), ran.error
        ran.stop.cancel("over")
        assert task.join(LONG)
        assert isinstance(ran.error, Cancelled), ran.error
        self.pids += map(int, b"".join(heard).split())
        return ran


@pytest.fixture
def rig(reach: Reach) -> Any:
    transport = reach.make()
    rig = Rig(reach, transport.connect())
    yield rig
    transport.close()
    for pid in rig.pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


TREES = {
    "child": "sleep 600 & echo $!; echo $$; wait",
    "setsid": "setsid sleep 600 & echo $!; echo $$; wait",
    "nohup": "nohup sleep 600 >/dev/null 2>&1 & echo $!; echo $$; wait",
    "double fork": "(sleep 600 >/dev/null & echo $!); echo $$; exec sleep 600",
    "daemon": "(setsid sh -c 'echo $$; exec sleep 600 >/dev/null' &); echo $$; exec sleep 600",
    "ignores TERM": "trap '' TERM; setsid sleep 600 & echo $!; echo $$; wait; wait",
}


@pytest.mark.parametrize("script", TREES.values(), ids=TREES)
def test_what_a_command_started_is_gone(
    rig: Rig, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "GRACE", 0.3)
    ran = rig.ended(script, 2)
    assert (ran.running.may_still_run, ran.running.left) == (False, ())
    assert all(wait_gone(pid) for pid in rig.pids)


def test_on_a_terminal_too(rig: Rig, reach: Reach) -> None:
    if reach.name == "ssh_binary":
        pytest.skip("it gives no terminal")
    if reach.name != "local":
        need_sshd_with_terminals()
    manner = Manner(Terminal())
    ran = rig.ended("trap '' HUP; setsid sleep 600 & echo $!; echo $$; wait", 2, manner=manner)
    assert (ran.running.may_still_run, ran.running.left) == (False, ())
    assert all(wait_gone(pid) for pid in rig.pids)


def test_what_was_born_of_being_asked_is_gone(rig: Rig) -> None:
    script = (
        "trap '(setsid sh -c \"echo \\$\\$; exec sleep 600 >/dev/null\" &)' TERM; echo $$\n"
        "while :; do sleep 0.05; done"
    )
    ran = rig.ended(script, 1)
    born = [int(word) for word in ran.stdout.bytes().split()]
    rig.pids += born
    assert len(born) > 1
    assert not ran.running.may_still_run
    assert all(wait_gone(pid) for pid in born)


def test_what_an_earlier_command_left_on_purpose_stays(rig: Rig, reach: Reach) -> None:
    """Also where all commands of a connection have no more in common than that."""
    earlier = Ran(reach, Command("setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!"))
    pid = int(earlier.on(rig._connection).stdout)
    rig.ended("sleep 600 & echo $!; echo $$; wait", 2)
    os.kill(pid, 0)
    rig.pids.append(pid)


def test_silence_ends_it_as_time_does(rig: Rig, reach: Reach) -> None:
    ran = Ran(reach, Command("setsid sleep 600 & echo $!; wait", idle_timeout=1.0))
    with pytest.raises(CommandTimeout, match=r"no output for 1 s; it was ended \(running for "):
        ran.on(rig._connection)
    rig.pids.append(int(ran.stdout.bytes()))
    assert wait_gone(rig.pids[0])


def test_output_in_time_is_no_silence_but_takes_its_time(rig: Rig, reach: Reach) -> None:
    script = "while :; do echo; sleep 0.1; done"
    ran = Ran(reach, Command(script, idle_timeout=30.0, timeout=1.0))
    with pytest.raises(CommandTimeout, match=r"still running after 1 s; it was ended \(silent"):
        ran.on(rig._connection)


# -- sessions


def test_a_frame_past_a_limit_is_ended_and_what_earlier_ones_left_stays(
    reach: Reach, tmp_path: Path
) -> None:
    transport = reach.make()
    session = Session(transport.connect(), reach.engine.now, host="h")
    told = tmp_path / "told"
    try:
        left = int(session.run("nohup sleep 600 >/dev/null 2>&1 & echo $!", LONG).stdout)
        script = (
            f"exec >{told}; setsid sleep 600 & echo $!; (sleep 600 & echo $!); sleep 600 & "
            "echo $!; echo $$; exec sleep 600"
        )
        with pytest.raises(CommandTimeout, match="no output for 1 s; it was ended"):
            session.run(script, idle_timeout=1.0)
        gone = [int(word) for word in told.read_bytes().split()]
        assert len(gone) == 4
        assert all(wait_gone(pid) for pid in gone)
        os.kill(left, signal.SIGKILL)
        assert session.run("echo again", LONG).stdout == b"again\n"
    finally:
        session.close()
        transport.close()


def test_a_command_is_ended_beside_a_session_that_goes_on(rig: Rig, reach: Reach) -> None:
    session = Session(rig._connection, reach.engine.now, host="h")
    try:
        first = session.run("echo $PPID", LONG).stdout
        rig.ended("sleep 600 & echo $!; echo $$; wait", 2)
        assert session.run("echo $PPID", LONG).stdout == first
        assert session.opened == 1
    finally:
        session.close()


# -- how many questions it takes


class Counting:
    """A connection that counts what is started over it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.started: list[str] = []

    def start(self, script: str, *rest: Any) -> Any:
        self.started.append(script)
        return self._connection.start(script, *rest)

    def close(self) -> None:
        self._connection.close()


def test_one_further_channel_is_all_it_takes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killing, "GRACE", 0.1)
    counting = Counting(rig._connection)
    rig._connection = counting
    rig.ended("trap '' TERM; setsid sleep 600 & echo $!; echo $$; wait; wait", 2)
    assert counting.started[1:] == [killing.LAUNCH]


def test_where_no_channel_is_to_be_had_it_is_said(
    engine: Engine, sshd: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "PATIENCE", 0.3)
    monkeypatch.setattr(running_module, "SIGNAL_ANSWER", 0.1)
    monkeypatch.setattr(running_module, "GRACE", 0.3)
    lab = sshd("MaxSessions 1")
    reach = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    transport = reach.make()
    rig = Rig(reach, transport.connect())
    ran = rig.ended("echo $$; exec sleep 600", 1)
    assert ran.running.may_still_run
    # As root's, sshd passes no signal on; anybody else's has ended it, and did not say so in time.
    with suppress(ProcessLookupError):
        os.kill(rig.pids[0], signal.SIGKILL)
    transport.close()
