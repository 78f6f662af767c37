"""Hosts behind jump hosts and proxy commands, on real sshd and on whichever engine there is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.processes import mentioning, wait_gone
from support.servers import LoopbackServer, hanging_up, silent

from opsrun import Fleet
from opsrun.events import Output, Result
from opsrun.lab import Lab
from opsrun.remote import perseverance

HOSTS = "web[01-12]"

RELAY = """\
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    os.write(1, data)
"""


def block(lab: Lab, host: str, *more: str) -> str:
    """What ssh_config has to say of a host of a lab's."""
    found = next(one for one in lab.hosts if one.name == host)
    lines = (
        f"Host {host}",
        f"HostName {found.address}",
        f"Port {found.port}",
        f"User {lab.user}",
        *more,
        f"IdentityFile {lab.private_key}",
        f"UserKnownHostsFile {lab.known_hosts}",
    )
    return "\n ".join(lines) + "\n"


@pytest.fixture
def bastions(sshd: Callable[..., Lab]) -> Lab:
    """Two hosts of their own, whose logs nobody else writes to."""
    return sshd(hosts=["b1", "b2"])


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Callable[..., Fleet]:
    """The hosts of the common lab, with a given ssh_config."""

    def make(config: str = "", **options: Any) -> Fleet:
        file = tmp_path / "config"
        file.write_text(config)
        return Fleet(lab.inventory, ssh_config=file, **options)

    return make


def logins(lab: Lab, host: str) -> int:
    """How many there were at a host of a lab's."""
    return lab.log(host).read_text().count("Accepted publickey")


def test_all_hosts_share_one_login_at_the_bastion(fleet: Any, bastions: Lab) -> None:
    report = fleet(block(bastions, "b1"), jump="b1").exec("echo $OPSRUN_HOST", HOSTS)
    assert {r.host: r.stdout.decode() for r in report} == {r.host: f"{r.host}\n" for r in report}
    assert len(report.ok) == 12
    assert logins(bastions, "b1") == 1


def test_two_bastions_one_behind_the_other(fleet: Any, bastions: Lab) -> None:
    config = block(bastions, "b1") + block(bastions, "b2")
    report = fleet(config, jump="b1,b2").exec("echo $OPSRUN_HOST", HOSTS)
    assert len(report.ok) == 12
    assert [logins(bastions, host) for host in ("b1", "b2")] == [1, 1]


def test_bytes_both_ways_past_every_window(fleet: Any, bastions: Lab) -> None:
    data = os.urandom(1 << 20) * 5
    report = fleet(block(bastions, "b1"), jump="b1").exec("cat", "web01", stdin=data)
    assert report["web01"].stdout == data


def test_forwarding_is_refused(fleet: Any, sshd: Callable[..., Lab]) -> None:
    bastion = sshd("AllowTcpForwarding no", hosts=["b1"])
    report = fleet(block(bastion, "b1"), jump="b1").exec("true", "web[01-03]", retries=2)
    assert len(report.unreachable) == 3
    for result in report:
        assert result.error is not None
        assert result.error.phase == "tcp"
        assert "through jump host b1: it refuses to forward" in result.error.message
        assert "AllowTcpForwarding" in result.error.hint
        assert result.attempts == 1, "an answer that will stay the same is not asked for again"
    assert logins(bastion, "b1") == 1


def test_the_host_behind_the_bastion_is_not_there(bastions: Lab, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(block(bastions, "b1"))
    fleet = Fleet("127.0.0.1:1,", ssh_config=config, jump="b1")
    [result] = fleet.exec("true", "all")
    assert result.error is not None
    assert result.outcome == "unreachable"
    assert "through jump host b1: " in result.error.message
    assert "refused" in result.error.message.lower()
    assert result.error.phase == "tcp"


def at(server: LoopbackServer, lab: Lab) -> str:
    """What ssh_config has to say of a bastion that is no SSH server."""
    where = f"Host b1\n HostName {server.address}\n Port {server.port}\n"
    return f"{where} IdentityFile {lab.private_key}\n"


def test_an_unreachable_bastion_is_dialled_once_for_all(
    fleet: Any, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One login with its attempts, not twelve."""
    monkeypatch.setattr(perseverance, "FIRST", 0.0)
    with LoopbackServer(hanging_up) as server:
        config = at(server, lab)
        report = fleet(config, jump="b1").exec("true", HOSTS)
        assert len(report.unreachable) == 12
        [words] = {r.error.message for r in report if r.error}
        assert words.startswith(f"jump host b1: {server.address} port {server.port}: ")
        assert {r.error.phase for r in report if r.error} == {"banner"}
        assert server.accepted == 1 + perseverance.UNASKED


def test_a_silent_bastion_is_bounded_by_its_own_deadline(fleet: Any, lab: Lab) -> None:
    with LoopbackServer(silent) as server:
        report = fleet(f"{at(server, lab)} ConnectTimeout 1\n", jump="b1").exec("true", HOSTS)
        assert len(report.unreachable) == 12
        assert server.accepted == 1
        assert all(r.error and "nothing within 1 s" in r.error.message for r in report)


def test_a_key_that_the_bastion_refuses(fleet: Any, bastions: Lab, sshd: Any) -> None:
    other = sshd(hosts=["other1"])
    config = block(bastions, "b1").replace(str(bastions.private_key), str(other.private_key))
    before = bastions.log("b1").read_text().count("Connection from")
    report = fleet(config, jump="b1").exec("true", HOSTS)
    assert len(report.unreachable) == 12
    for result in report:
        assert result.error is not None
        assert result.error.phase == "auth"
        assert result.error.message.startswith("jump host b1: ")
        assert "permission denied" in result.error.message
    assert bastions.log("b1").read_text().count("Connection from") == before + 1


def test_the_password_of_the_hosts_is_not_the_bastions(fleet: Any, bastions: Lab) -> None:
    config = block(bastions, "b1", "PubkeyAuthentication no")
    [result] = fleet(config, jump="b1", password="hidden").exec("true", "web01")
    assert result.error is not None
    assert (result.outcome, result.error.phase) == ("unreachable", "auth")
    assert result.error.message == "jump host b1: there is nothing to log in with"


def test_a_bastion_whose_key_is_unknown(fleet: Any, bastions: Lab, tmp_path: Path) -> None:
    config = block(bastions, "b1").replace(str(bastions.known_hosts), str(tmp_path / "none"))
    report = fleet(config, jump="b1").exec("true", HOSTS)
    assert len(report.unreachable) == 12
    for result in report:
        assert result.error is not None
        assert result.error.phase == "hostkey"
        assert result.error.message.startswith("jump host b1: no key is on record for")
    log = bastions.log("b1").read_text()
    assert "publickey" not in log, "nothing was offered to a host that may be anybody"


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, those behind them too, and that still run."""
    mine = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*mine, *(each for child in mine for each in descendants(child))]


def test_a_bastion_that_dies_takes_its_hosts_along(fleet: Any, bastions: Lab) -> None:
    server = bastions.state.process_of("b1")
    assert server is not None
    seen: set[str] = set()
    ended: list[Result] = []
    stream = fleet(block(bastions, "b1"), jump="b1").stream("echo up; sleep 600", "web[01-03]")
    for event in stream:
        if isinstance(event, Output):
            seen.add(event.host)
            if len(seen) == 3:
                for child in descendants(server.pid):
                    os.kill(child, signal.SIGKILL)
        if isinstance(event, Result):
            ended.append(event)
    assert sorted(r.outcome for r in ended) == ["lost"] * 3
    for result in ended:
        assert result.error is not None
        assert "the connection to jump host b1 broke: " in result.error.message
        assert result.stdout == b"up\n"


def test_a_port_is_waited_for_through_the_bastion(fleet: Any, lab: Lab, bastions: Lab) -> None:
    port = lab.hosts[0].port
    behind = fleet(block(bastions, "b1"), jump="b1")
    assert len(behind.wait(f"tcp:{port}", "web[01-03]", timeout=30).ok) == 3
    assert logins(bastions, "b1") == 1
    for patience in (0.3, 30.0):  # the first is enough, unless this machine is busy
        [result] = behind.wait("tcp:1", "web01", timeout=patience)
        if result.error is not None and "; last: " in result.error.message:
            break
    assert result.error is not None
    assert "through jump host b1: " in result.error.message


def test_a_port_is_free_when_the_bastion_was_told_so(
    fleet: Any, lab: Lab, bastions: Lab, tmp_path: Path
) -> None:
    behind = fleet(block(bastions, "b1"), jump="b1")
    [result] = behind.wait("port-free:1", "web01", timeout=60)
    assert result.outcome == "ok", result.error
    port = lab.hosts[0].port
    taken = behind.exec("true", "web01", when_ready=f"port-free:{port}", ready_timeout=1.0)["web01"]
    assert taken.error is not None
    assert f"port-free:{port} was not ready" in taken.error.message


def test_a_port_behind_a_command_is_not_dialled(fleet: Any, lab: Lab) -> None:
    behind = fleet(ssh_options=["ProxyCommand=false"])
    # For ever, if it were tried again.
    [result] = behind.wait(f"tcp:{lab.hosts[0].port}", "web01", timeout=None)
    assert result.outcome == "failed"
    assert result.error is not None
    assert "can't be dialled through a ProxyCommand; wait for ssh" in result.error.message
    assert result.error.phase == "wait"


# -- proxy commands


@pytest.fixture
def relay(tmp_path: Path) -> str:
    """A ProxyCommand that leads to the host."""
    file = tmp_path / "relay.py"
    file.write_text(RELAY)
    return f"{sys.executable} -I {file} %h %p"


def test_through_a_command_that_is_gone_afterwards(fleet: Any, relay: str, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 3
    report = fleet(ssh_options=[f"ProxyCommand={relay}"]).exec("cat", "web[01-03]", stdin=data)
    assert [result.stdout == data for result in report] == [True] * 3
    for pid in mentioning(tmp_path / "relay.py"):
        assert wait_gone(pid)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo first >&2; echo no way out >&2; exit 7", "ended with status 7: no way out"),
        ("kill -9 $$", "was killed by signal 9"),
        ("exec >&- <&-; exit 3", "ended with status 3"),
        ("exit 0", "ended with status 0"),
    ],
)
def test_a_command_that_dies_at_once_says_why(fleet: Any, command: str, words: str) -> None:
    line = f"sh -c '{command}'"
    [result] = fleet(ssh_options=[f"ProxyCommand={line}"]).exec("true", "web01")
    assert result.outcome == "unreachable"
    assert result.error is not None
    assert (result.error.phase, words in result.error.message) == ("banner", True)
    assert " through ProxyCommand: the command " in result.error.message


def test_a_command_that_is_not_there(fleet: Any) -> None:
    [result] = fleet(ssh_options=["ProxyCommand=/nonexistent/relay"]).exec("true", "web01")
    assert result.error is not None
    assert "/nonexistent/relay" in result.error.message


def test_a_command_that_talks_much_is_heard_out(fleet: Any, relay: str) -> None:
    noisy = f"sh -c 'head -c 3000000 /dev/zero >&2; exec {relay}'"
    [result] = fleet(ssh_options=[f"ProxyCommand={noisy}"]).exec("echo on", "web01")
    assert result.stdout == b"on\n"


def test_a_command_that_hangs_is_bounded_and_killed(fleet: Any, tmp_path: Path) -> None:
    marker = tmp_path / "hang.sh"
    marker.write_text("trap '' TERM HUP\necho $$ > \"$0.pid\"\nwhile :; do sleep 600; done\n")
    options = [f"ProxyCommand=sh {marker}", "ConnectTimeout=1"]
    [result] = fleet(ssh_options=options).exec("true", "web01")
    assert result.error is not None
    assert result.error.phase == "banner"
    assert wait_gone(int(marker.with_name("hang.sh.pid").read_text()))
    assert not mentioning(marker)


def test_a_command_that_dies_under_way_loses_the_host(
    fleet: Any, relay: str, tmp_path: Path
) -> None:
    stream = fleet(ssh_options=[f"ProxyCommand={relay}"]).stream("echo up; sleep 600", "web01")
    ended: list[Result] = []
    for event in stream:
        if isinstance(event, Output):
            for pid in mentioning(tmp_path / "relay.py"):
                os.kill(pid, signal.SIGKILL)
        if isinstance(event, Result):
            ended.append(event)
    [result] = ended
    assert result.outcome == "lost"
    assert result.error is not None
    assert "the command was killed by signal 9" in result.error.message


def test_a_bastion_behind_a_command(fleet: Any, bastions: Lab, relay: str) -> None:
    config = block(bastions, "b1", f"ProxyCommand {relay}")
    report = fleet(config, jump="b1").exec("echo $OPSRUN_HOST", "web[01-03]")
    assert len(report.ok) == 3
    assert logins(bastions, "b1") == 1


def test_no_thread_is_left(fleet: Any, bastions: Lab) -> None:
    before = set(threading.enumerate())
    fleet(block(bastions, "b1"), jump="b1").exec("true", "web[01-03]")
    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
        assert not thread.is_alive(), thread
