"""Handshakes at one server and through one jump host: bounded, adapting, and tried again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from support import evil
from support.evil import EvilSSH
from support.servers import LoopbackServer, silent

from opsrun import Fleet
from opsrun.composition.actions import ExecAction
from opsrun.engine.dispatch import Plan
from opsrun.events import Result, Retry
from opsrun.lab import Lab
from opsrun.remote import perseverance
from opsrun.remote.command import Command
from opsrun.report import Report
from opsrun.transports.ssh.pacing import PER_ADDRESS

LONG = 30.0


class Counting(EvilSSH):
    """A server that counts who is between its accept and its yes, and may drop some."""

    def __init__(self, allowed: int = 1 << 20, hold_until: int = 0) -> None:
        self.inside = self.most = self.dropped = self.logins = 0
        self._allowed = allowed
        self._hold_until = hold_until
        self._lock = threading.Lock()
        self._full = threading.Event()
        super().__init__(on_password=self._accept)

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            drop = self.inside >= self._allowed
            if drop:
                self.dropped += 1
            else:
                self.inside += 1
                self.most = max(self.most, self.inside)
                if self.inside >= self._hold_until:
                    self._full.set()
        if drop:
            connection.sendall(b"Exceeded MaxStartups\r\n")
            return
        super()._serve(connection)

    def _accept(self, server: EvilSSH) -> int:
        # Nobody is let in before as many are here at once as ever will be.
        self._full.wait(LONG)
        with self._lock:
            self.inside -= 1
            self.logins += 1
        return paramiko.AUTH_SUCCESSFUL


@pytest.fixture(autouse=True)
def _brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perseverance, "FIRST", 0.05)


def fleet_of(
    tmp_path: Path, places: dict[str, tuple[str, int]], *more: str, **options: Any
) -> Fleet:
    """Hosts by name, each at an address and port; they know the evil servers' key and password."""
    key = evil.host_key()
    known = tmp_path / "known_hosts"
    lines = {
        f"[{address}]:{port} {key.get_name()} {key.get_base64()}\n"
        for address, port in places.values()
    }
    known.write_text("".join(lines))
    inventory = tmp_path / "inventory.ini"
    hosts = [f"{n} ansible_host={a} ansible_port={p}" for n, (a, p) in places.items()]
    variables = [
        "[all:vars]",
        "ansible_user=alice",
        f"ansible_password={evil.FULL}",
        f"ansible_ssh_common_args=-o UserKnownHostsFile={known} -o PubkeyAuthentication=no",
    ]
    inventory.write_text("\n".join([*hosts, *variables, *more]) + "\n")
    return Fleet(inventory, ssh_config="none", **{"forks": 64} | options)


def at(server: Any, names: int) -> dict[str, tuple[str, int]]:
    """So many names of one server."""
    return {f"web{number:02}": ("127.0.0.1", server.port) for number in range(names)}


def everybody(report: Report) -> set[str]:
    """Outcomes, and what is wrong with those that are not well."""
    return {f"{r.outcome}: {r.error.message}" if r.error else str(r.outcome) for r in report}


# -- the bound


def test_a_server_never_sees_more_than_the_bound(tmp_path: Path) -> None:
    with Counting(hold_until=PER_ADDRESS) as server:
        report = fleet_of(tmp_path, at(server, 30)).exec("true", "all")
        assert everybody(report) == {"ok"}
        assert server.most == PER_ADDRESS, "and as many are used"
        assert {result.attempts for result in report} == {1}


def test_two_servers_have_a_bound_each(tmp_path: Path) -> None:
    """Neither lets anybody in before both have all that they ever get at once."""
    with Counting(hold_until=PER_ADDRESS) as one, Counting(hold_until=PER_ADDRESS) as two:
        places = {f"a{n}": ("127.0.0.1", one.port) for n in range(12)}
        places |= {f"b{n}": ("127.0.0.1", two.port) for n in range(12)}
        assert everybody(fleet_of(tmp_path, places).exec("true", "all")) == {"ok"}
        assert (one.most, two.most) == (PER_ADDRESS, PER_ADDRESS)


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
        assert server.dropped > 0
        retries = [event for event in events if isinstance(event, Retry)]
        assert len(retries) == server.dropped
        assert sum(result.attempts - 1 for result in results) == server.dropped
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
