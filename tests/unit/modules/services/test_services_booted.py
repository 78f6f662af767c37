"""Services on a machine that systemd has booted, as the dialect's own engine leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import booted, disposable
from support.machine_cases import inside
from support.scripts import Listening, cover, lines
from support.shellcheck import FEW, findings
from support.shells import shared_shells

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := disposable.no_systemd():
        pytest.skip(reason)
    with disposable.machine(
        tmp_path_factory.mktemp("booted") / "box", booted.PREPARE, booted=True
    ) as made:
        yield made


def test_every_step_is_as_recorded(box: disposable.Machine, tmp_path: Path) -> None:
    wrong: list[Any] = []
    with inside(box, tmp_path) as host:
        for step in booted.steps():
            got = booted.told(
                host.run(step["module"], step["args"], check=step.get("check", False))
            )
            if "differs" in step:
                assert got != step["result"], step
            elif got != step["result"]:
                wrong.append((step["module"], step["args"], got, step["result"]))
    assert not wrong


def test_what_has_been_done_is_left_alone(box: disposable.Machine, tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "good", "state": "stopped", "enabled": False},
        {"name": "good", "state": "started", "enabled": True},
        {"name": "fixed", "state": "started", "enabled": False},
        {"name": "tick.timer", "state": "stopped", "enabled": False},
        {"name": "later.service", "masked": True},
        {"name": "later.service", "masked": False},
    ]
    with inside(box, tmp_path) as host:
        for args in tasks:
            first = host.run("systemd", args)
            assert not first.get("failed"), first
            assert not host.run("systemd", args)["changed"], args
    assert box.sh("systemctl is-enabled good").strip() == "enabled"


def test_the_last_lines_of_the_journal_are_told(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        told = host.run("service", {"name": "bad", "state": "started"})
    assert told["failed"]
    assert "Unable to start service bad: Job for bad.service failed" in told["msg"]
    assert "cannot read /etc/bad.conf: line 3: no such directive" in told["msg"]
    assert "It is failed (exit-code)." in told["msg"]


def test_a_unit_that_ends_at_once_was_not_started(box: disposable.Machine, tmp_path: Path) -> None:
    # systemctl says that it has begun: its program ran, and it is over what came behind that.
    unit = (
        "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=60\n"
        "ExecStartPost=/bin/sleep 0.2\n"
    )
    box.run("sh", "-c", "cat >/run/systemd/system/brief.service", stdin=unit.encode())
    box.sh("systemctl daemon-reload")
    with inside(box, tmp_path) as host:
        told = host.run("systemd", {"name": "brief", "state": "restarted"})
    assert told["failed"]
    assert "service brief: " in told["msg"]


def test_units_of_a_similar_name(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        told = host.run("systemd", {"name": "god", "state": "started"})
        assert "Could not find the requested service god: host" in told["msg"]
        assert "good" in told["msg"]
        told = host.run("systemd", {"name": "tik.timer", "enabled": True}, check=True)
        assert "tick.timer" in told["msg"]


def test_files_are_read_again_first(box: disposable.Machine, tmp_path: Path) -> None:
    box.sh(
        "systemctl start noreload; sed -i 's/100000/99999/' /etc/systemd/system/noreload.service"
    )
    task = {"name": "noreload", "state": "restarted", "daemon_reload": True}
    with inside(box, tmp_path) as host:
        assert host.run("systemd", task, check=True)["changed"]
        assert "99999" not in box.sh("systemctl show -p ExecStart noreload")
        assert host.run("systemd", task)["status"]["NeedDaemonReload"] == "no"
    assert "99999" in box.sh("systemctl show -p ExecStart noreload")


def test_a_file_that_is_no_units(box: disposable.Machine, tmp_path: Path) -> None:
    box.run("sh", "-c", "cat >/run/systemd/system/broken.service", stdin=b"[Service]\nType=odd\n")
    with inside(box, tmp_path) as host:
        told = host.run("systemd", {"name": "broken", "state": "started", "daemon_reload": True})
    assert told["failed"]
    assert "Error loading unit file 'broken'" in told["msg"]


def test_every_shell_finds_the_same(box: disposable.Machine, tmp_path: Path) -> None:
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("systemd", {"name": "good", "state": "stopped", "enabled": False}),
        ("systemd", {"name": "good", "state": "started", "enabled": True, "no_block": False}),
        ("service", {"name": "old", "state": "restarted"}),
        ("systemd", {"name": "bad", "state": "started"}),
        ("systemd", {"name": "god", "state": "started"}),
        ("service", {"name": "good", "state": "reloaded", "daemon_reload": True}),
        ("service_facts", {}),
    ]
    box.sh("systemctl enable --now good; systemctl start old")
    found = {}
    scripts: set[str] = set()
    for shell in ("dash", "busybox ash", "mksh"):
        with inside(box, tmp_path, shared_shells(shell, "system").words) as host:
            listening = Listening(host.hands)
            host.hands = listening  # type: ignore[assignment]
            found[shell] = [booted.told(host.run(*task)) for task in tasks]
            scripts |= set(listening.scripts)
    assert all(each == found["dash"] for each in found.values()), found
    few = cover({each: lines([each], "/t") for each in sorted(scripts)})
    assert findings(few, tmp_path / "scripts", FEW) == ""
