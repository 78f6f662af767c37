"""Machines to be thrown away: what is done in one is nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import disposable
from support.cli import opsrun

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[disposable.Machine]:
    if reason := disposable.obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path / "box", 'echo "$1" >/etc/prepared', "so") as made:
        yield made


def test_it_is_reached_like_any_host_and_leaves_nothing(box: disposable.Machine) -> None:
    script = "cat /etc/prepared; touch /etc/opsrun-was-here; hostname; ls /proc | grep -c '^[0-9]'"
    ran = opsrun("exec", "-i", box.inventory(), "--hosts", "box", "-o", "text", script)
    assert ran.status == 0, ran.err
    assert [line.split()[-1] for line in ran.out.splitlines()[:2]] == ["so", "disposable"]
    assert box.sh("ls /etc/opsrun-was-here") == "/etc/opsrun-was-here\n"
    assert not Path("/etc/opsrun-was-here").exists()
    assert not Path("/etc/prepared").exists()


def test_its_users_and_network_are_its_own(box: disposable.Machine) -> None:
    box.sh("useradd -m somebody")
    assert "somebody" not in Path("/etc/passwd").read_text()
    assert "lo:" in box.sh("cat /proc/net/dev")
    assert "eth0" not in box.sh("cat /proc/net/dev")
    assert box.run("sh", "-c", "echo 1 >/proc/sys/vm/swappiness", check=False).returncode != 0


def test_its_clock_is_this_machines_and_not_to_be_set(box: disposable.Machine) -> None:
    assert box.run("date", "-s", "+1 hour", check=False).returncode != 0
    tried = opsrun("exec", "-i", box.inventory(), "--hosts", "box", "date -s '+1 hour'")
    assert tried.status != 0
    assert "Operation not permitted" in tried.out + tried.err
