"""SSH servers that misbehave: one error in bounded time that names the phase, and nothing left."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import paramiko
import pytest
from support import evil
from support.evil import EvilSSH
from support.reach import Ran, Reach
from support.servers import LoopbackServer, Serve, greeting, hanging_up, silent

from opsrun.adhoc.base import Job
from opsrun.adhoc.run import Exec
from opsrun.composition.run import Run, RunOptions
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ConnectionLost,
    HostError,
    HostKeyError,
)
from opsrun.events import Outcome, Result, WorkId
from opsrun.remote.command import Command
from opsrun.remote.connection import Data, Process
from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh import packets
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.targets.target import SSHTarget

LONG = 30.0
SHORT = 0.2
PATIENT = dict.fromkeys(("dns", "tcp", "banner", "kex", "auth", "open", "exec"), LONG)

Connect = Callable[..., SSHTransport]


@pytest.fixture
def ssh(engine: Engine) -> Connect:
    """Makes transports to a port of this machine's; keywords are timeouts.

    ``short="kex"`` gives one phase little time, and the others so much that none of them ends.
    """

    def make(
        port: int, short: str = "", verify: Callable[..., None] | None = None, **timeouts: float
    ) -> SSHTransport:
        waits = PATIENT | {"keepalive": 0.0} | ({short: SHORT} if short else {}) | timeouts
        target = SSHTarget(
            host="web01", address="127.0.0.1", port=port, user="alice", timeouts=Timeouts(**waits)
        )
        password = Credential(
            "password", ("password", "keyboard-interactive"), _password=Secret(evil.FULL)
        )
        shared = SSHShared(
            engine=engine,
            credentials=lambda target: [password],
            verify=verify or (lambda *host_key: None),
            known_key_types=lambda target: (),
        )
        return SSHTransport(target, shared)

    return make


@pytest.fixture
def reach(engine: Engine, ssh: Connect) -> Callable[..., Reach]:
    """A `Reach` to a port, for whole commands."""
    return lambda port, **options: Reach("evil", engine, partial(ssh, port, **options), ssh=True)


def refused(transport: SSHTransport) -> ConnectionFailed:
    """Connect in vain; the error."""
    with pytest.raises(ConnectionFailed) as caught:
        transport.connect()
    error = caught.value
    assert error.host == "web01"
    assert "127.0.0.1 port" in error.message or error.phase in ("hostkey", "auth")
    transport.close()
    return error


# -- before anything was agreed on


@pytest.mark.parametrize(
    ("behaviour", "short", "phase", "words"),
    [
        (silent, "banner", "banner", r"nothing within 0\.2 s"),
        (greeting(evil.BANNER), "kex", "kex", r"nothing within 0\.2 s"),
        (evil.dripping(b"x", 0.02), "banner", "banner", r"nothing within 0\.2 s"),
        (evil.dripping(b"x\n", 0.02), "banner", "banner", r"nothing within 0\.2 s"),
        (hanging_up, "", "banner", "closed the connection|connection reset"),
        (evil.resetting, "", "banner", "connection reset"),
        (evil.saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "", "banner", "closed the connection"),
        (evil.saying(evil.BANNER), "", "kex", "closed the connection|connection reset"),
        (evil.endless(b"x"), "", "banner", "very long line"),
        (evil.endless(b"\x00"), "", "banner", "very long line"),
        (evil.announcing(0x7FFF_FFFC), "", "kex", "packet of"),
        (evil.announcing(0xFFFF_FFFC), "", "kex", "packet of"),
        (evil.announcing(1_000_004), "", "kex", "packet of"),
        (
            evil.saying(evil.BANNER, evil.packet(evil.disconnect(12, "Too many connections"))),
            "",
            "kex",
            r"the server hung up: Too many connections \(code 12\)",
        ),
        (evil.saying(b"SSH-1.5-Old_1.0\r\n"), "", "banner", r"1\.5"),
        (evil.announcing(0), "", "kex", "packet"),
    ],
    ids=[
        "silent", "silent after banner", "drips", "drips lines", "hangs up", "resets", "http",
        "hangs up after banner", "endless line", "endless zeros", "2 GiB", "4 GiB", "1 MB",
        "disconnects", "ssh 1", "no length",
    ],
)  # fmt: skip
def test_no_connection(ssh: Connect, behaviour: Serve, short: str, phase: str, words: str) -> None:
    with LoopbackServer(behaviour) as server:
        error = refused(ssh(server.port, short))
        assert (error.phase, type(error)) == (phase, ConnectionFailed)
        assert re.search(words, error.message), error.message
        assert server.accepted == 1


def test_lines_before_the_banner_are_bounded(ssh: Connect) -> None:
    """Many lines before the version are allowed (RFC 4253 section 4.2), endless ones are not."""
    with LoopbackServer(evil.endless(b"welcome\r\n")) as server:
        error = refused(ssh(server.port))
        assert error.phase == "banner"


def test_nobody_listens(ssh: Connect) -> None:
    with LoopbackServer(silent) as server:
        port = server.port
    error = refused(ssh(port))
    assert (error.phase, error.transient) == ("tcp", True)
    assert "connection refused" in error.message


def test_an_unknown_name(engine: Engine, ssh: Connect) -> None:
    target = SSHTarget(host="web01", address="nowhere.invalid", port=22, user="alice")
    shared = SSHShared(engine, lambda target: [], lambda *key: None, lambda target: ())
    with pytest.raises(ConnectionFailed, match=r"nowhere\.invalid") as caught:
        SSHTransport(target, shared).connect()
    assert caught.value.phase == "dns"


def test_a_resolver_that_never_answers(engine: Engine) -> None:
    from support.native import NativeCall

    with NativeCall() as stuck:
        target = SSHTarget(
            host="web01",
            address="slow.invalid",
            port=22,
            user="alice",
            timeouts=Timeouts(dns=SHORT),
        )

        def resolver(name: str, port: int) -> list[Any]:
            stuck()
            return []

        shared = SSHShared(
            engine, lambda target: [], lambda *key: None, lambda target: (), resolver=resolver
        )
        with pytest.raises(ConnectionFailed, match=r"slow\.invalid within 0\.2 s") as caught:
            SSHTransport(target, shared).connect()
        assert caught.value.phase == "dns"


@pytest.mark.parametrize("behaviour", [silent, greeting(evil.BANNER)], ids=["banner", "kex"])
def test_closed_in_the_middle_of_a_login(engine: Engine, ssh: Connect, behaviour: Serve) -> None:
    there = engine.event()

    def serve(connection: Any) -> None:
        there.set()
        behaviour(connection)

    with LoopbackServer(serve) as server:
        transport, errors = ssh(server.port), []

        def connect() -> None:
            try:
                transport.connect()
            except HostError as error:
                errors.append(error)

        task = engine.spawn(connect)
        assert there.wait(LONG)
        transport.close()
        assert task.join(LONG)
        assert len(errors) == 1


# -- who it is, and whom it lets in


def test_an_unknown_host_is_told_no_secret(ssh: Connect) -> None:
    def refuse(target: SSHTarget, kind: str, blob: bytes) -> None:
        assert blob == evil.host_key().asbytes()
        raise HostKeyError("unknown host key", host=target.host, phase="hostkey")

    with EvilSSH() as server:
        error = refused(ssh(server.port, verify=refuse))
        assert isinstance(error, HostKeyError)
        assert (error.phase, error.transient) == ("hostkey", False)
        assert server.passwords == []


def test_a_password_that_is_not_taken(ssh: Connect) -> None:
    with EvilSSH(on_password=lambda server: paramiko.AUTH_FAILED) as server:
        error = refused(ssh(server.port))
        assert isinstance(error, AuthenticationFailed)
        assert (error.phase, error.transient) == ("auth", False)
        assert "alice@127.0.0.1: permission denied" in error.message
        assert "offered: password" in error.message
        assert evil.FULL not in str(error)
        assert server.passwords == [evil.FULL]


def test_a_password_is_the_answer_to_one_hidden_question(reach: Callable[..., Reach]) -> None:
    with EvilSSH(asks=(("Password: ", False),)) as server:
        reach(server.port).make().connect().close()
        assert server.answers == [[evil.FULL]]


@pytest.mark.parametrize(
    "asks",
    [
        (("What is your name? ", True),),
        (("Password: ", False), ("Code: ", False)),
    ],
)
def test_no_other_question_is_told_the_password(
    ssh: Connect, asks: tuple[tuple[str, bool], ...]
) -> None:
    with EvilSSH(asks=asks, on_password=lambda server: paramiko.AUTH_FAILED) as server:
        error = refused(ssh(server.port))
        assert isinstance(error, AuthenticationFailed)
        assert all(answer == "" for answers in server.answers for answer in answers)


def test_a_login_that_is_never_answered(ssh: Connect) -> None:
    def block(server: EvilSSH) -> int:
        server.block()
        return paramiko.AUTH_FAILED

    with EvilSSH(on_password=block) as server:
        error = refused(ssh(server.port, "auth"))
        assert error.phase == "auth"
        assert "nothing within 0.2 s" in error.message
        assert "password" in error.message, "what was offered"


def test_a_server_that_hangs_up_on_the_password(ssh: Connect) -> None:
    def hang_up(server: EvilSSH) -> int:
        server.hang_up()
        return paramiko.AUTH_FAILED

    with EvilSSH(on_password=hang_up) as server:
        error = refused(ssh(server.port))
        assert error.phase == "auth"
        assert "closed the connection" in error.message or "reset" in error.message
        assert "password" in error.message, "what was offered"


# -- a channel


def test_a_good_server(reach: Callable[..., Reach]) -> None:
    """The suite's own footing."""
    with EvilSSH(run=lambda command: command.finish(7)) as server:
        transport = reach(server.port).make()
        ended = Ran(reach(server.port), Command("uptime")).on(transport.connect())
        transport.close()
        assert (ended.rc, server.commands) == (7, [b"uptime"])


def test_a_channel_that_is_refused(reach: Callable[..., Reach]) -> None:
    no = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
    with EvilSSH(on_open=lambda server: no) as server:
        ran = _ran(reach(server.port), "uptime")
        assert isinstance(ran.error, ConnectionFailed)
        assert ran.error.phase == "open"
        assert "refused a channel" in ran.error.message
        assert not ran.running.sent


def _ran(reach: Reach, script: str, **options: Any) -> Ran:
    transport = reach.make()
    ran = Ran(reach, Command(script), **options)
    try:
        ran.quietly(transport.connect())
    finally:
        transport.close()
    return ran


def test_a_channel_that_is_never_opened(reach: Callable[..., Reach]) -> None:
    def block(server: EvilSSH) -> int:
        server.block()
        return paramiko.OPEN_FAILED_CONNECT_FAILED

    with EvilSSH(on_open=block) as server:
        ran = _ran(reach(server.port, short="open"), "uptime")
        assert isinstance(ran.error, ConnectionFailed)
        assert ran.error.phase == "open"
        assert "no answer within 0.2 s" in ran.error.message


def test_a_command_that_is_refused(reach: Callable[..., Reach]) -> None:
    with EvilSSH(on_exec=lambda command: False) as server:
        ran = _ran(reach(server.port), "uptime")
        assert isinstance(ran.error, ConnectionFailed)
        assert ran.error.phase == "exec"
        assert "refused to run" in ran.error.message


def test_a_request_to_run_that_is_never_answered(reach: Callable[..., Reach]) -> None:
    """It may have run: that is lost, not unreachable."""

    def block(command: evil.Command) -> bool:
        command.server.block()
        return False

    with EvilSSH(on_exec=block) as server:
        ran = _ran(reach(server.port, short="exec"), "uptime")
        assert isinstance(ran.error, ConnectionLost)
        assert ran.error.phase == "exec"
        assert "within 0.2 s" in ran.error.message
        assert ran.running.sent


def test_cancelled_while_a_channel_is_not_opened(
    engine: Engine, reach: Callable[..., Reach]
) -> None:
    from opsrun.errors import Cancelled

    asked = engine.event()

    def block(server: EvilSSH) -> int:
        asked.set()
        server.block()
        return paramiko.OPEN_FAILED_CONNECT_FAILED

    with EvilSSH(on_open=block) as server:
        way = reach(server.port)
        transport = way.make()
        ran = Ran(way, Command("uptime"))
        task = engine.spawn(ran.quietly, transport.connect())
        assert asked.wait(LONG)
        ran.stop.cancel("over")
        assert task.join(LONG)
        transport.close()
        assert isinstance(ran.error, Cancelled)


# -- under way


def _run(engine: Engine, transport: Callable[[], SSHTransport], script: str) -> Result:
    """A whole run on one host, as ``opsrun exec`` makes it."""
    job = Job(WorkId("web01", ("exec",), "0123456789ab"), transport)
    options = RunOptions("exec", script, Plan(forks=1))
    run = Run(engine, options, [job], lambda setting: Exec(setting, Command(script)))
    list(run.stream())
    return run.report["web01"]


def test_a_reset_in_mid_output_keeps_what_came(engine: Engine, ssh: Connect) -> None:
    got = engine.event()

    def output_then_reset(command: evil.Command) -> None:
        command.channel.sendall(b"partial output")
        assert got.wait(LONG)
        evil.reset(command.connection)

    with EvilSSH(run=output_then_reset) as server:
        transport = ssh(server.port)
        ran = Ran(
            Reach("evil", engine, lambda: transport),
            Command("uptime"),
            on_output=lambda stream, data: got.set(),
        )
        ran.quietly(transport.connect())
        transport.close()
        assert isinstance(ran.error, ConnectionLost)
        assert "not known" in ran.error.hint
        assert ran.stdout.bytes() == b"partial output"


def test_a_break_in_mid_output_is_lost_and_truncated_in_the_result(
    engine: Engine, ssh: Connect
) -> None:
    def output_then_disconnect(command: evil.Command) -> None:
        command.channel.sendall(b"partial")
        command.channel.sendall_stderr(b"also partial")
        command.disconnect("going down for maintenance")

    with EvilSSH(run=output_then_disconnect) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert (result.outcome, result.truncated, result.rc) == (Outcome.LOST, True, None)
    assert (result.stdout, result.stderr) == (b"partial", b"also partial"), result.error
    assert result.error is not None
    assert result.error.phase == "run"
    assert "going down for maintenance" in result.error.message


def test_a_channel_closed_without_a_status_is_lost(engine: Engine, ssh: Connect) -> None:
    with EvilSSH(run=lambda command: command.channel.close()) as server:
        port = server.port
        result = _run(engine, lambda: ssh(port), "uptime")
    assert result.outcome is Outcome.LOST
    assert result.error is not None
    assert re.fullmatch(
        rf"127\.0\.0\.1 port {port}: .* without an exit status after \d+\.\d s",
        result.error.message,
    )
    assert result.error.hint


@pytest.mark.parametrize("answered", [True, False], ids=["under way", "not even started"])
def test_a_server_that_falls_silent_is_lost(engine: Engine, ssh: Connect, answered: bool) -> None:
    def freeze(command: evil.Command) -> bool:
        if answered:
            command.accept()
            command.send_raw(b"last words")
        command.server.block()
        return False

    with EvilSSH(on_exec=freeze) as server:
        result = _run(engine, lambda: ssh(server.port, keepalive=0.05, keepalive_count=2), "uptime")
    assert result.outcome is Outcome.LOST
    assert result.stdout == (b"last words" if answered else b"")
    assert result.error is not None
    assert "no sign of life for" in result.error.message


def test_a_quiet_command_on_a_live_server_is_not_lost(engine: Engine, ssh: Connect) -> None:
    """Many intervals of silence, each with its answer."""

    def quiet(command: evil.Command) -> None:
        command.server.over.wait(0.5)
        command.finish(3)

    with EvilSSH(run=quiet) as server:
        result = _run(engine, lambda: ssh(server.port, keepalive=0.02, keepalive_count=4), "uptime")
    assert (result.outcome, result.rc) == (Outcome.FAILED, 3)


def test_a_server_that_ignores_the_window_is_hung_up_on(engine: Engine, ssh: Connect) -> None:
    sent = engine.event()

    def flood(command: evil.Command) -> None:
        try:
            for _ in range(2000):
                command.send_raw(bytes(32_000))
        finally:
            sent.set()

    with EvilSSH(run=flood) as server:
        transport = ssh(server.port)
        process = transport.connect().start("cat /dev/zero")
        assert sent.wait(LONG), "64 MB were taken"
        with pytest.raises(ConnectionLost, match="more than the window allows"):
            read_all(process)
        process.close()
        transport.close()


def read_all(process: Process) -> None:
    """Read to the end of it, as long as that is no more than a window and a little."""
    size = 0
    while isinstance(packet := process.receive(LONG), Data):
        size += len(packet.data)
        assert size < 3 * 1024 * 1024


def test_a_server_that_takes_no_byte_is_given_up(
    engine: Engine, ssh: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opened a large window, and then never reads its socket again."""
    from opsrun.transports.ssh.link import Link

    def stop_reading(command: evil.Command) -> bool:
        command.accept()
        # A window of 1 GB (RFC 4254 section 5.2), so that only the socket's buffers are full.
        command.open_window(1 << 30)
        command.server.block()
        return False

    before = Link.__init__

    def impatient(self: Any, *args: Any, **options: Any) -> None:
        before(self, *args, **options)
        self.packetizer.max_write_stall = SHORT
        self.sock.settimeout(0.05)

    monkeypatch.setattr(Link, "__init__", impatient)
    with EvilSSH(on_exec=stop_reading) as server:
        transport = ssh(server.port)
        ran = Ran(Reach("evil", engine, lambda: transport), Command("cat", stdin=bytes(64 << 20)))
        ran.quietly(transport.connect())
        transport.close()
        assert isinstance(ran.error, ConnectionLost)
        assert "took no byte" in ran.error.message


def test_packets_are_bounded_also_after_the_login(engine: Engine, ssh: Connect) -> None:
    """The length of an encrypted packet is checked before its bytes are waited for."""

    def huge(command: evil.Command) -> None:
        command.send_raw(bytes(packets.MAX_PACKET + 1))
        command.server.block()

    with EvilSSH(run=huge) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert result.outcome is Outcome.LOST
    assert result.error is not None
    assert "announced a packet of" in result.error.message


def test_what_comes_behind_the_end_does_no_harm(engine: Engine, ssh: Connect) -> None:
    """A second exit status, and data on a channel that is closed."""

    def chatty(command: evil.Command) -> None:
        command.channel.sendall(b"x")
        command.channel.send_exit_status(4)
        command.channel.send_exit_status(5)
        command.channel.close()
        command.send_raw(b"after the end")

    with EvilSSH(run=chatty) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert (result.stdout, result.rc) == (b"x", 4)


def test_a_request_that_nobody_knows_is_answered(engine: Engine, ssh: Connect) -> None:
    """As OpenSSH asks its clients for a sign of life (ClientAliveInterval)."""
    answered = engine.event()

    def ask(command: evil.Command) -> None:
        command.on_failure(answered.set)
        command.request("keepalive@openssh.com", want_reply=True)
        assert answered.wait(LONG)
        command.finish(4)

    with EvilSSH(run=ask) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert result.rc == 4


def test_a_flood_of_extended_data_of_an_unknown_kind(engine: Engine, ssh: Connect) -> None:
    """Only stderr is defined (RFC 4254 section 5.2): the rest is dropped."""

    def flood(command: evil.Command) -> None:
        for _ in range(3 * 64):
            command.send_extended(77, bytes(32_000))
        command.channel.send_stderr(b"e")
        command.finish(0)

    with EvilSSH(run=flood) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert (result.stdout, result.stderr, result.outcome) == (b"", b"e", Outcome.OK)


def test_an_exit_signal_as_servers_write_it(engine: Engine, ssh: Connect) -> None:
    def killed(command: evil.Command) -> None:
        words = [struct.pack(">I", len(word)) + word for word in (b"SIGSEGV", b"oops", b"")]
        command.request("exit-signal", words[0] + b"\1" + words[1] + words[2])
        command.channel.close()

    with EvilSSH(run=killed) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert (result.outcome, result.rc, result.signal) == (Outcome.FAILED, None, "SEGV")


@pytest.mark.parametrize("status", [256, 512, 0xFFFF_FFFF])
def test_an_exit_status_beyond_a_byte(engine: Engine, ssh: Connect, status: int) -> None:
    """It is a 32-bit number on the wire (RFC 4254 section 6.10), and 256 must not become 0."""

    def odd(command: evil.Command) -> None:
        command.request("exit-status", struct.pack(">I", status))
        command.channel.close()

    with EvilSSH(run=odd) as server:
        result = _run(engine, lambda: ssh(server.port), "uptime")
    assert result.outcome is Outcome.FAILED
    assert result.rc == 255
