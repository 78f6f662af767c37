"""Handshakes at one server and through one jump host: bounded, adapting, and tried again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import paramiko
import pytest
from support import evil
from support.crowds import Counting, Crowd, Dropping, at, everybody, fleet_of
from support.engines import until
from support.evil import EvilSSH
from support.servers import LoopbackServer, Serve, hanging_up, silent

from opsrun import Fleet
from opsrun.composition.actions import ExecAction, PingAction, TrustAction
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.errors import ConnectionFailed, Drop
from opsrun.events import Event, Result, Retry
from opsrun.lab import Lab
from opsrun.remote import perseverance
from opsrun.remote.command import Command
from opsrun.remote.perseverance import UNASKED
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.jump import Bastions
from opsrun.transports.ssh.lanes import Lane
from opsrun.transports.ssh.pacing import PER_ADDRESS, PER_HOP, Pacer
from opsrun.transports.targets.target import SSHTarget

LONG = 30.0


@pytest.fixture(autouse=True)
def _brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perseverance, "FIRST", 0.05)


# -- the bound


def test_a_server_never_sees_more_than_the_bound(tmp_path: Path) -> None:
    with Counting(hold_until=PER_ADDRESS) as server:
        report = fleet_of(tmp_path, at(server, 30)).exec("true", "all")
        assert everybody(report) == {"ok"}
        assert server.crowd.most == PER_ADDRESS, "and as many are used"
        assert {result.attempts for result in report} == {1}


def test_two_servers_have_a_bound_each(tmp_path: Path) -> None:
    """Neither lets anybody in before both have all that they ever get at once."""
    with Counting(hold_until=PER_ADDRESS) as one, Counting(hold_until=PER_ADDRESS) as two:
        places = {f"a{n}": ("127.0.0.1", one.port) for n in range(12)}
        places |= {f"b{n}": ("127.0.0.1", two.port) for n in range(12)}
        assert everybody(fleet_of(tmp_path, places).exec("true", "all")) == {"ok"}
        assert (one.crowd.most, two.crowd.most) == (PER_ADDRESS, PER_ADDRESS)


def test_a_full_server_holds_up_no_other(tmp_path: Path) -> None:
    """Forty names of a silent server come first, and would fill all places with waiting."""
    with LoopbackServer(silent) as stuck, Counting() as good:
        places = {f"a{n:02}": ("127.0.0.1", stuck.port) for n in range(40)}
        places |= {f"good{n}": ("127.0.0.1", good.port) for n in range(9)}
        fleet = fleet_of(tmp_path, places, forks=2 * PER_ADDRESS)
        run = fleet.begin(
            ExecAction(Command("true")), fleet.inventory.select("all"), Plan(forks=10)
        )
        for event in run.stream():
            if isinstance(event, Result) and len(run.report.ok) == 9:
                run.interrupt()
        assert {r.host for r in run.report.ok} == {f"good{n}" for n in range(9)}
        assert len(run.report.cancelled) == 40
        assert stuck.accepted == PER_ADDRESS


# -- drops


def test_dropped_logins_come_back_until_all_are_in(tmp_path: Path) -> None:
    with Counting(allowed=2) as server:
        fleet = fleet_of(tmp_path, at(server, 30))
        events = list(fleet.stream("true", "all"))
        results = [event for event in events if isinstance(event, Result)]
        assert {str(result.outcome) for result in results} == {"ok"}
        assert server.crowd.dropped > 0
        retries = [event for event in events if isinstance(event, Retry)]
        assert len(retries) == server.crowd.dropped
        assert sum(result.attempts - 1 for result in results) == server.crowd.dropped
        assert {retry.error.phase for retry in retries} == {"banner"}
        assert "the server says: Exceeded MaxStartups" in retries[0].error.message


@pytest.mark.sshd
def test_fifty_logins_at_an_sshd_that_takes_two(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd("MaxStartups 2:100:2")
    [host] = lab.hosts
    inventory = tmp_path / "inventory.ini"
    places = [f"n{n} ansible_host={host.address} ansible_port={host.port}" for n in range(50)]
    arguments = f"-o UserKnownHostsFile={lab.known_hosts} -o IdentitiesOnly=yes"
    inventory.write_text(
        "\n".join(
            [
                *places,
                "[all:vars]",
                f"ansible_user={lab.user}",
                f"ansible_ssh_private_key_file={lab.private_key}",
                f"ansible_ssh_common_args={arguments}",
            ]
        )
    )
    fleet = Fleet(inventory, ssh_config="none", forks=64)
    report = fleet.exec("echo here", "all")
    assert everybody(report) == {"ok"}
    assert {result.stdout for result in report} == {b"here\n"}
    assert sum(result.attempts - 1 for result in report) == dropped(lab), "nobody was let off"


def dropped(lab: Lab) -> int:
    """How many connections an sshd of a lab's says that it dropped."""
    return lab.log(lab.hosts[0].name).read_text().count("drop connection")


# -- what is dropped later, and what is not tried again


@pytest.mark.parametrize(
    ("behaviour", "phase"),
    [
        (hanging_up, "banner"),
        (evil.resetting, "banner"),
        (evil.saying(b"Exceeded MaxStartups\r\n"), "banner"),
        (evil.saying(evil.BANNER), "kex"),
        (evil.saying(evil.BANNER, evil.packet(evil.disconnect(12, "too many"))), "kex"),
    ],
    ids=["hangs up", "resets", "says so", "hangs up in kex", "says so in kex"],
)
@pytest.mark.parametrize("action", ["exec", "ping", "trust"])
def test_a_server_that_drops_everybody_is_asked_a_few_times(
    tmp_path: Path, behaviour: Serve, phase: str, action: str
) -> None:
    with LoopbackServer(behaviour) as server:
        events = stream(fleet_of(tmp_path, at(server, 1)), action)
        [result] = [event for event in events if isinstance(event, Result)]
        assert result.outcome == "unreachable"
        assert result.error is not None
        assert result.error.phase == phase
        assert result.attempts == server.accepted == 1 + UNASKED
        assert [e.attempt for e in events if isinstance(e, Retry)] == [1, 2, 3]


def stream(fleet: Fleet, action: str) -> list[Event]:
    """All events of an action on all hosts."""
    actions = {"exec": ExecAction(Command("true")), "ping": PingAction(), "trust": TrustAction()}
    hosts = fleet.inventory.select("all")
    return list(fleet.begin(actions[action], hosts, Plan(forks=64)).stream())


@pytest.mark.parametrize(
    "behaviour",
    [
        evil.saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        evil.saying(b"You are not welcome to use sshd from 127.0.0.1.\r\n"),
        evil.saying(evil.BANNER, evil.packet(evil.disconnect(2, "a bad packet"))),
        evil.endless(b"x"),
        evil.saying(b"SSH-1.5-Old_1.0\r\n"),
    ],
    ids=["http", "not welcome", "another reason", "endless", "ssh 1"],
)
def test_what_a_server_will_say_again_is_not_asked_for_again(
    tmp_path: Path, behaviour: Serve
) -> None:
    with LoopbackServer(behaviour) as server:
        [result] = fleet_of(tmp_path, at(server, 1)).exec("true", "all")
        assert result.attempts == server.accepted == 1


def test_a_dead_fleet_takes_one_attempt(tmp_path: Path) -> None:
    with LoopbackServer(silent) as server:
        port = server.port
    report = fleet_of(tmp_path, {f"web{n}": (f"127.0.0.{n}", port) for n in range(1, 9)}).exec(
        "true", "all"
    )
    assert {result.attempts for result in report} == {1}
    assert {result.error.phase for result in report if result.error} == {"tcp"}


def test_ping_and_trust_get_through_as_well(tmp_path: Path) -> None:
    with Counting(allowed=2) as server:
        fleet = fleet_of(tmp_path, at(server, 12))
        assert everybody(fleet.ping("all")) == {"ok"}
        assert server.crowd.dropped > 0
    with Dropping(3) as server:
        events = stream(fleet_of(tmp_path, at(server, 1)), "trust")
        [result] = [event for event in events if isinstance(event, Result)]
        assert (str(result.outcome), result.attempts) == ("ok", 4)


def test_what_broke_after_it_was_sent_is_not_sent_again(tmp_path: Path) -> None:
    """The server drops a login, then lets one in and hangs up on its command."""

    def hang_up(command: evil.Command) -> None:
        command.server.hang_up()

    with Dropping(1) as server:
        server.run = hang_up
        [result] = fleet_of(tmp_path, at(server, 1)).exec("touch x", "all")
        assert (str(result.outcome), result.attempts) == ("lost", 2)
        assert (server.commands, server.seen) == ([b"touch x"], 2)


# -- jump hosts, and what is learnt


def test_what_a_server_taught_is_known_to_the_next_run(tmp_path: Path) -> None:
    with Counting(allowed=1) as server, fleet_of(tmp_path, at(server, 8)) as fleet:
        assert everybody(fleet.exec("true", "all")) == {"ok"}
        assert server.crowd.dropped > 0
        lane = only_lane(fleet)
        taught, logins = lane.limit, lane.progress
        assert taught < lane.bound
        assert everybody(fleet.ping("all")) == {"ok"}
        # How many are dropped this time is luck; that the turns are taken in the same lane isn't.
        assert only_lane(fleet) is lane
        assert lane.progress == logins + 8


def only_lane(fleet: Fleet) -> Lane:
    """The lane of the one server that a fleet in a ``with`` block has logged in to."""
    assert fleet._lines.kept is not None
    pacer = fleet._lines.kept.fleetway(None, 0)._pacer
    assert pacer is not None
    [lane] = pacer._lanes.values()
    return lane


def config_of(tmp_path: Path, bastion: Lab) -> Path:
    """What ssh_config has to say of a bastion."""
    [host] = bastion.hosts
    config = tmp_path / "config"
    config.write_text(
        f"Host {host.name}\n HostName {host.address}\n Port {host.port}\n User {bastion.user}\n"
        f" IdentityFile {bastion.private_key}\n UserKnownHostsFile {bastion.known_hosts}\n"
    )
    return config


@pytest.mark.sshd
def test_tunnels_through_a_jump_host_are_bounded(tmp_path: Path, sshd: Callable[..., Lab]) -> None:
    """As many servers as there are hosts behind it; together they never see more than that."""
    config = config_of(tmp_path, sshd(hosts=["b1"]))
    crowd = Crowd(hold_until=PER_HOP)
    with ExitStack() as stack:
        servers = [stack.enter_context(Counting(crowd=crowd)) for _ in range(PER_HOP + 10)]
        places = {f"web{n:02}": ("127.0.0.1", each.port) for n, each in enumerate(servers)}
        report = fleet_of(tmp_path, places, ssh_config=config, jump="b1").exec("true", "all")
        assert everybody(report) == {"ok"}
        assert (crowd.most, crowd.logins) == (PER_HOP, PER_HOP + 10)


@pytest.mark.sshd
def test_names_of_one_server_behind_a_jump_host_are_bounded_as_well(
    tmp_path: Path, sshd: Callable[..., Lab]
) -> None:
    config = config_of(tmp_path, sshd(hosts=["b1"]))
    with Counting(hold_until=PER_ADDRESS) as server:
        places = at(server, 12)
        report = fleet_of(tmp_path, places, ssh_config=config, jump="b1").exec("true", "all")
        assert everybody(report) == {"ok"}
        assert server.crowd.most == PER_ADDRESS


def behind(tmp_path: Path, bastion: EvilSSH, server: EvilSSH, names: int) -> Fleet:
    """Names of a server that is reached through a jump host, which takes any key."""
    key = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    config = tmp_path / "config"
    config.write_text(
        f"Host b1\n HostName 127.0.0.1\n Port {bastion.port}\n User alice\n"
        f" IdentityFile {key}\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n"
    )
    return fleet_of(tmp_path, at(server, names), ssh_config=config, jump="b1")


def test_a_jump_host_that_is_short_of_resources_is_asked_again(tmp_path: Path) -> None:
    """RFC 4254 section 5.1: it has too much to do, and says so tunnel by tunnel."""
    codes = [paramiko.OPEN_FAILED_RESOURCE_SHORTAGE] * 3

    def short_at_first(server: EvilSSH) -> int:
        return codes.pop() if codes else paramiko.OPEN_SUCCEEDED

    with (
        EvilSSH(on_key=lambda key: True, on_tunnel=short_at_first) as bastion,
        EvilSSH() as server,
    ):
        events = list(behind(tmp_path, bastion, server, 12).stream("true", "all"))
        results = [event for event in events if isinstance(event, Result)]
        assert {str(result.outcome) for result in results} == {"ok"}
        assert sum(result.attempts - 1 for result in results) == 3
        assert bastion.accepted == 1, "its own login stands"
        assert {retry.error.phase for retry in events if isinstance(retry, Retry)} == {"tcp"}


def test_a_jump_host_that_stays_short_of_resources_is_given_up(tmp_path: Path) -> None:
    asked: list[int] = []

    def short(server: EvilSSH) -> int:
        asked.append(paramiko.OPEN_FAILED_RESOURCE_SHORTAGE)
        return asked[-1]

    with EvilSSH(on_key=lambda key: True, on_tunnel=short) as bastion, EvilSSH() as server:
        [result] = behind(tmp_path, bastion, server, 1).exec("true", "all")
        assert result.outcome == "unreachable"
        assert result.error is not None
        assert result.error.phase == "tcp"
        assert "jump host b1: " in result.error.message
        assert "Resource shortage" in result.error.message
        assert "too much to do" in result.error.hint
        assert result.attempts == len(asked) == 1 + UNASKED
        assert (bastion.accepted, server.accepted) == (1, 0)


# -- who waits can be woken


def target_at(port: int, host: str = "web01") -> SSHTarget:
    return SSHTarget(host, "127.0.0.1", port, "alice")


def test_closing_wakes_who_waits_for_a_turn(engine: Engine) -> None:
    told: list[str] = []
    shared = SSHShared(
        engine,
        lambda target: (),
        lambda *key: None,
        lambda target: (),
        trace=lambda host, line: told.append(line),
        pacer=Pacer(engine),
    )
    errors: list[ConnectionFailed] = []

    def connect(transport: SSHTransport) -> None:
        try:
            transport.connect()
        except ConnectionFailed as error:
            errors.append(error)

    with LoopbackServer(silent) as server:
        transports = [SSHTransport(target_at(server.port), shared) for _ in range(PER_ADDRESS + 1)]
        tasks = [engine.spawn(connect, transport) for transport in transports[:-1]]
        until(engine, lambda: server.accepted == PER_ADDRESS)
        last = engine.spawn(connect, transports[-1])
        until(engine, lambda: any("waiting for a turn" in line for line in told))
        transports[-1].close()
        assert last.join(LONG)
        assert [error.message for error in errors] == ["given up"]
        assert server.accepted == PER_ADDRESS
        for transport in transports:
            transport.close()
        assert all(task.join(LONG) for task in tasks)


class FewLogins:
    """A transport to a jump host that is dropped so often, and then let in."""

    is_alive = True
    left = 0

    def connect(self) -> FewLogins:
        if FewLogins.left == 0:
            return self
        FewLogins.left -= 1
        error = ConnectionFailed("the server closed the connection", host="b1", phase="banner")
        error.drop = Drop()
        raise error

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("drops", "fails"), [(0, False), (UNASKED, False), (UNASKED + 1, True)])
def test_the_login_at_a_jump_host_is_tried_again_too(
    engine: Engine, drops: int, fails: bool
) -> None:
    warned: list[str] = []
    FewLogins.left = drops
    bastions = Bastions(
        engine, lambda hop: cast(SSHTransport, FewLogins()), lambda host, words: warned.append(host)
    )
    login = bastions.login(target_at(22, "b1"), "web01")
    login.wait("web01", engine.event(), lambda: False)
    assert (login.failure is not None) is fails
    assert warned == ["b1"] * min(drops, UNASKED)
    bastions.close()


def test_the_end_of_a_run_ends_the_pause_of_a_jump_hosts_login(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perseverance, "FIRST", 10 * LONG)
    warned = engine.event()
    FewLogins.left = 1
    bastions = Bastions(
        engine, lambda hop: cast(SSHTransport, FewLogins()), lambda host, words: warned.set()
    )
    login = bastions.login(target_at(22, "b1"), "web01")
    assert warned.wait(LONG)
    bastions.close()
    login.wait("web01", engine.event(), lambda: False)
    assert login.failure is not None
