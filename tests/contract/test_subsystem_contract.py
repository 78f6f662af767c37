"""A subsystem in place of a command, over every way that can ask for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.reach import Reach, local, over_ssh, over_ssh_program

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.lab import Lab
from opsrun.remote.become import BecomeConnection, BecomeSpec
from opsrun.remote.connection import Closed, Data, Manner, Process, Terminal, Writable, only_usual

SFTP = Manner(subsystem="sftp")
INIT = b"\0\0\0\x05\x01\0\0\0\x03"


@pytest.fixture(params=["sshd", "ssh_binary"])
def reach(request: pytest.FixtureRequest, engine: Engine, lab: Lab) -> Reach:
    """A way to a host whose server has subsystems."""
    if request.param == "sshd":
        return over_ssh(engine, lab, "web01", "sshd", kills=True)
    return over_ssh_program(engine, lab, "web01")


def send(process: Process, data: bytes) -> None:
    """To standard input; sshd's window opens once the program was started, and not before."""
    while data := data[process.write(data) :]:
        assert isinstance(process.receive(30.0), Writable)


def heard(process: Process, size: int) -> bytes:
    """The first bytes of standard output."""
    came = b""
    while len(came) < size:
        packet = process.receive(30.0)
        assert isinstance(packet, Data), packet
        came += packet.data
    return came


def until_closed(process: Process) -> Iterator[object]:
    while not isinstance(packet := process.receive(30.0), Closed):
        assert packet is not None
        yield packet


def test_the_servers_own_program_answers(reach: Reach) -> None:
    transport = reach.make()
    try:
        process = transport.connect().start("", SFTP)
        send(process, INIT)
        assert heard(process, 9)[4:9] == b"\x02\0\0\0\x03"
        process.close_stdin()
        list(until_closed(process))
        process.close()
    finally:
        transport.close()


def test_one_that_the_server_does_not_know(reach: Reach) -> None:
    transport = reach.make()
    try:
        process = transport.connect().start("", Manner(subsystem="no-such"))
        with pytest.raises(ConnectionFailed, match=r"refused .*no-such|request failed"):
            list(until_closed(process))
        process.close()
    finally:
        transport.close()


@pytest.mark.parametrize("manner", [SFTP, Manner(Terminal(), subsystem="sftp")])
def test_this_machine_has_none(engine: Engine, manner: Manner) -> None:
    connection = local(engine).make().connect()
    with pytest.raises(ConnectionFailed, match="has no subsystem sftp") as caught:
        connection.start("", manner)
    assert caught.value.hint == "leave --sftp out"
    connection.close()


def test_nobody_else_has_one(engine: Engine, lab: Lab) -> None:
    transport = over_ssh(engine, lab, "web01", "sshd", kills=True).make()
    try:
        other = BecomeConnection(transport.connect(), BecomeSpec("sudo", "x"), engine.now, "h")
        with pytest.raises(ConnectionFailed, match="sudo has no subsystem sftp"):
            other.start("", SFTP)
    finally:
        transport.close()
    with pytest.raises(ConnectionFailed, match="docker has no subsystem sftp"):
        only_usual(SFTP, "h", "docker")
