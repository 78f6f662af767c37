"""Scanning host keys, on whichever engine there is: nothing is left behind, whatever the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.servers import LoopbackServer, hanging_up, silent

from opsrun import Fleet
from opsrun.composition.actions import TrustAction
from opsrun.engine.dispatch import Plan
from opsrun.events import HostStarted
from opsrun.lab import Lab
from opsrun.remote import perseverance


def fleet_of(known: Path, *places: str) -> Fleet:
    options = (f"UserKnownHostsFile={known}", "HashKnownHosts=no")
    return Fleet(",".join(places) + ",", ssh_config="none", ssh_options=options)


def test_what_a_list_has_is_recorded_and_the_rest_refused(lab: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    expected = tmp_path / "expected"
    lines = lab.known_hosts.read_text().splitlines(keepends=True)
    expected.write_text(lines[0])
    places = [f"{host.address}:{host.port}" for host in lab.hosts[:2]]
    fleet = fleet_of(known, *places)
    report = fleet.trust("all", expect=expected)
    # A report is in the order in which the hosts ended.
    results = [report[host] for host in fleet.hosts()]
    assert [result.outcome for result in results] == ["ok", "failed"]
    assert [key["expected"] for result in results for key in result.data["keys"]] == [True, False]
    assert known.read_text().split() == lines[0].split()[:3]


def test_a_server_that_hangs_up_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perseverance, "FIRST", 0.0)
    with LoopbackServer(hanging_up) as server:
        place = f"127.0.0.1:{server.port}"
        expected = tmp_path / "expected"
        expected.write_text(f"SHA256:{'A' * 43}\n")
        [result] = fleet_of(tmp_path / "known", place).trust("all", expect=expected)
    assert result.outcome == "unreachable"
    assert result.error is not None
    assert result.error.phase == "banner"
    assert (result.attempts, server.accepted) == (1 + perseverance.UNASKED,) * 2


def test_a_scan_that_waits_ends_when_the_run_is_ended(tmp_path: Path) -> None:
    with LoopbackServer(silent) as server:
        fleet = fleet_of(tmp_path / "known", f"127.0.0.1:{server.port}")
        action = TrustAction()
        run = fleet.begin(action, fleet.inventory.select("all"), Plan())
        for event in run.stream():
            if isinstance(event, HostStarted):
                run.interrupt()
    [result] = run.report.results
    assert result.outcome == "cancelled"
    assert not action.findings
