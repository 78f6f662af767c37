"""Faults that no other suite holds: chatter, channels to kill through, key renewals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import paramiko
import pytest
from support import evil
from support.evil import EvilSSH
from support.reach import Ran, Reach, over_ssh
from support.servers import LoopbackServer, greeting

from opsrun.engine.base import Engine
from opsrun.errors import CommandTimeout, ConnectionFailed
from opsrun.lab import Lab
from opsrun.remote import killing, running
from opsrun.remote.command import Command
from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.link import Link
from opsrun.transports.targets.target import SSHTarget

LONG = 30.0
SHORT = 0.2

Make = Callable[..., SSHTransport]


@pytest.fixture
def make(engine: Engine) -> Make:
    """Makes transports to a port of this machine's."""

    def transport(port: int, **timeouts: float) -> SSHTransport:
        phases = ("dns", "tcp", "banner", "kex", "auth", "open", "exec")
        waits = dict.fromkeys(phases, LONG) | {"keepalive": 0.0} | timeouts
        target = SSHTarget(
            host="web01",
            address="127.0.0.1",
            port=port,
            user="alice",
            timeouts=Timeouts(**waits),
        )
        password = Credential("password", ("password",), _password=Secret(evil.FULL))
        shared = SSHShared(
            engine,
            lambda target: [password],
            lambda *host_key: None,
            lambda target: (),
        )
        return SSHTransport(target, shared)

    return transport


def failed(transport: SSHTransport) -> ConnectionFailed:
    """Connect in vain; the error."""
    with pytest.raises(ConnectionFailed) as caught:
        transport.connect()
    transport.close()
    return caught.value


# -- a key exchange


def test_a_key_exchange_past_its_deadline_leaves_no_thread(make: Make) -> None:
    with LoopbackServer(greeting(evil.BANNER)) as server:
        failed(make(server.port, kex=SHORT))
        links = [each for each in threading.enumerate() if isinstance(each, paramiko.Transport)]
        for link in links:
            link.join(LONG)
        assert not [link for link in links if link.is_alive()]


# -- a command


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little time between asking a command to end and telling it to."""
    monkeypatch.setattr(running, "GRACE", 0.05)
    monkeypatch.setattr(running, "SIGNAL_ANSWER", 0.05)


@pytest.mark.usefixtures("brisk")
def test_a_command_that_talks_all_the_time_still_has_its_limit(engine: Engine, make: Make) -> None:
    """Each read finds something at once; the limit is on the whole."""

    def chatter(command: evil.Command) -> None:
        if command.server.commands[1:]:
            command.finish()  # what is to kill the first one, and does not
        while not command.server.over.wait(0.005):
            command.channel.sendall(b"still here\n")

    with EvilSSH(run=chatter) as server:
        transport = make(server.port)
        ran = Ran(Reach("evil", engine, lambda: transport), Command("uptime", timeout=SHORT))
        ran.quietly(transport.connect())
        transport.close()
    assert isinstance(ran.error, CommandTimeout)
    assert ran.stdout.bytes().startswith(b"still here\n")


@pytest.mark.usefixtures("brisk")
def test_a_host_that_opens_no_channel_to_kill_through_is_bounded(
    engine: Engine, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ran past its limit; what became of it is said not to be known.

    The connection itself would wait for a channel for as long as the test may take.
    """
    monkeypatch.setattr(killing, "PATIENCE", SHORT)
    opened: list[int] = []

    def first_only(server: EvilSSH) -> int:
        opened.append(1)
        if opened[1:]:
            server.block()
        return paramiko.OPEN_SUCCEEDED

    with EvilSSH(run=lambda command: command.server.block(), on_open=first_only) as server:
        transport = make(server.port, open=LONG)
        ran = Ran(Reach("evil", engine, lambda: transport), Command("sleep 600", timeout=SHORT))
        ran.quietly(transport.connect())
        transport.close()
    assert isinstance(ran.error, CommandTimeout)
    assert ran.running.may_still_run
    assert len(opened) > 1, "a second channel was asked for"


def test_keys_are_renewed_in_mid_output(
    engine: Engine, sshd: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several key exchanges while both sides send (RFC 4253 section 9), and no byte is lost."""
    exchanges: list[Link] = []
    before: Any = Link._send_kex_init  # type: ignore[attr-defined]

    def counted(link: Link) -> None:
        exchanges.append(link)
        before(link)

    monkeypatch.setattr(Link, "_send_kex_init", counted)
    lab = sshd("RekeyLimit 256K", hosts=1)
    reach = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    sent = bytes(range(256)) * 8192
    transport = reach.make()
    ran = Ran(reach, Command("cat", stdin=sent), cap=1 << 22).on(transport.connect())
    transport.close()
    assert (ran.rc, ran.stdout == sent) == (0, True)
    assert len(exchanges) > 3
