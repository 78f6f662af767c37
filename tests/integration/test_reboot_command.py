"""``--then-wait`` on a real sshd whose host goes down and comes back with another boot id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import opsrun
from support.lab_fixtures import SSHDFactory
from support.rebooting import HANG_UP, REBOOT, Machine, boot_id, obstacle

import opsrun.engine.gates as gates
from opsrun import Fleet
from opsrun.events import Outcome, Result, Waiting
from opsrun.lab import Lab

WAIT = ("--then-wait", "ssh", "--then-timeout", "90")


@pytest.fixture
def machine(sshd: SSHDFactory, tmp_path: Path) -> Iterator[tuple[Lab, Machine]]:
    if reason := obstacle():
        pytest.skip(reason)
    lab = sshd(hosts=["web01"])
    folder = tmp_path / "machine"
    folder.mkdir()
    machine = Machine(lab, folder)
    try:
        ready = opsrun("ping", "-i", lab.inventory, "-w", "web01", "--wait", "60")
        assert ready.status == 0, ready.err + (folder / "log").read_text()
        yield lab, machine
    finally:
        machine.close()


Reboot = tuple[Lab, Machine]


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_a_reboot_is_waited_for(machine: Reboot, engine: str) -> None:
    lab, _ = machine
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web01", "--engine", engine, "-o", "json",
        *WAIT, "--", f"echo going; {REBOOT}; sleep 60",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    result = ran.results["web01"]
    assert (result["outcome"], result["rc"], result["error"]) == ("ok", None, None)
    assert result["stdout"] == "going\n"
    assert result["data"]["ended_by_shutdown"] is True
    waited = result["data"]["then_wait"]["ssh"]
    assert waited["before"]["boot_id"] == boot_id(1)
    assert waited["after"]["boot_id"] == boot_id(2)
    assert waited["seconds"] > 0


def test_without_waiting_it_is_a_connection_that_broke(machine: Reboot) -> None:
    lab, _ = machine
    ran = opsrun("exec", "-i", lab.inventory, "-w", "web01", "--", f"{REBOOT}; sleep 60")
    assert ran.status == 4
    assert "lost" in ran.err


def test_people_are_told_of_it_as_what_it_is(machine: Reboot) -> None:
    lab, _ = machine
    ran = opsrun(
        "exec", "-v", "-i", lab.inventory, "-w", "web01", *WAIT, "--", f"{REBOOT}; sleep 60"
    )
    assert ran.status == 0, ran.err
    assert "as it does when a host goes down; waiting for the host to be back" in ran.err
    assert "started anew, and back after" in ran.err
    assert "lost" not in ran.err


def test_a_command_that_only_asks_for_it_may_end_first(machine: Reboot) -> None:
    """As reboot(8) does: it returns, and some time later the host goes down."""
    lab, _ = machine
    later = f"(sleep 1; {REBOOT}) >/dev/null 2>&1 </dev/null &"
    ran = opsrun("exec", "-i", lab.inventory, "-w", "web01", "-o", "json", *WAIT, "--", later)
    assert ran.status == 0, ran.err
    result = ran.results["web01"]
    assert (result["rc"], result["data"]["then_wait"]["ssh"]["after"]["boot_id"]) == (0, boot_id(2))


def test_a_host_that_did_not_go_down_has_failed(machine: Reboot) -> None:
    lab, _ = machine
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web01", "-o", "json",
        "--then-wait", "ssh", "--then-timeout", "2", "--", "true",
    )  # fmt: skip
    assert ran.status == 1
    result = ran.results["web01"]
    assert (result["outcome"], result["rc"], result["error"]["phase"]) == ("failed", 0, "wait")
    assert "still up: it was not started anew since the command" in result["error"]["message"]


def test_a_connection_that_broke_for_another_reason_is_no_reboot(machine: Reboot) -> None:
    """The host is there as before, and what the command did is not known."""
    lab, _ = machine
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web01", "-o", "json",
        "--then-wait", "ssh", "--then-timeout", "3", "--", f"{HANG_UP}; sleep 60",
    )  # fmt: skip
    assert ran.status == 4, ran.out
    message = ran.results["web01"]["error"]["message"]
    assert "then ssh was not ready after" in message
    assert "still up" in message


def test_seen_to_be_gone_and_then_back(machine: Reboot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power stays off until somebody has said that nobody answers there."""
    lab, host = machine
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.05)
    host.power(on=False)
    fleet = Fleet(str(lab.inventory), engine="threads")
    waits: list[Waiting] = []
    results: list[Result] = []
    for event in fleet.stream(f"{REBOOT}; sleep 60", hosts="web01", then_wait="ssh"):
        if isinstance(event, Waiting) and "refused" in event.last_error:
            if not waits:
                host.power(on=True)
            waits.append(event)
        elif isinstance(event, Result):
            results.append(event)
    [result] = results
    waited = result.data["then_wait"]["ssh"]
    assert result.outcome is Outcome.OK
    assert waited["after"]["boot_id"] == boot_id(2)
    assert 0 <= waited["gone_after"] <= waited["seconds"]
    assert waits[0].gate == "ssh"


def test_connections_that_are_kept_are_made_anew(machine: Reboot) -> None:
    lab, _ = machine
    with Fleet(str(lab.inventory), engine="threads") as fleet:
        show = "cat /proc/sys/kernel/random/boot_id"
        assert fleet.exec(show, hosts="web01")["web01"].stdout.decode().strip() == boot_id(1)
        fleet.exec(
            f"{REBOOT}; sleep 60", hosts="web01", then_wait=["ssh", "cmd:true"], then_timeout=90
        ).raise_for_failures()
        assert fleet.exec(show, hosts="web01")["web01"].stdout.decode().strip() == boot_id(2)


def test_one_after_the_other_with_a_word_on_the_health(machine: Reboot) -> None:
    """A canary of one, which is all there is, and which has to come back well."""
    lab, _ = machine
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web01", "-o", "json", *WAIT, "--canary", "1",
        "--health", f"cmd:grep -q {boot_id(2)} /proc/sys/kernel/random/boot_id",
        "--", f"{REBOOT}; sleep 60",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert len(ran.results["web01"]["data"]["health"]) == 1
