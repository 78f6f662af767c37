"""Packages that are left to a real machine (``async``): the result is that of the plain task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.cli import opsrun
from support.rpm_box import obstacle, rpm_box

pytestmark = pytest.mark.root

WHEEL = r"""
mkdir -p /srv/w && cd /srv/w && python3 - <<'END'
import zipfile
with zipfile.ZipFile("demo-1.0-py3-none-any.whl", "w") as z:
    z.writestr("demo.py", "x = 1\n")
    z.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    wheel = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    z.writestr("demo-1.0.dist-info/WHEEL", wheel)
    z.writestr("demo-1.0.dist-info/RECORD", "")
END
mkdir -p /srv/deb/DEBIAN && cd /srv
printf 'Package: made\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.x>\nDescription: x\n' \
  >deb/DEBIAN/control
dpkg-deb -b deb made.deb >/dev/null
# An rpm database that has become empty confuses zypper.
rpm -U /srv/r/repo/alpha-1.0-1.noarch.rpm 2>/dev/null
"""

TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "dnf": ({"name": ["beta", "tool"]}, "rpm -e beta gamma tool"),
    "community.general.zypper": ({"name": ["beta", "tool"]}, "rpm -e beta gamma tool"),
    "pip": (
        {
            "name": "demo",
            "extra_args": "--no-index --find-links=/srv/w",
            "break_system_packages": True,
        },
        "python3 -m pip uninstall -qy demo --break-system-packages",
    ),
    "apt": ({"deb": "/srv/made.deb"}, "dpkg --purge made >/dev/null"),
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with rpm_box(tmp_path_factory.mktemp("jobs") / "box") as made:
        made.sh(WHEEL)
        yield made


def _tasks() -> Iterator[dict[str, Any]]:
    for name, (args, undo) in TASKS.items():
        for more in ({}, {"async": 300, "poll": 1}, {"async": 300, "poll": 1}):
            yield {"name": name, name: args, **more}
        yield {"name": "undo", "shell": undo}
        yield {"name": name, name: args, "async": 300, "poll": 1}
        yield {"name": "undo", "shell": undo}


def test_jobs_come_to_what_tasks_come_to(box: disposable.Machine, tmp_path: Path) -> None:
    play = {"hosts": "box", "gather_facts": False, "tasks": list(_tasks())}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    words = ["playbook", "-i", str(box.inventory()), "-o", "jsonl", str(tmp_path / "play.yml")]
    ran = opsrun(*words, cwd=tmp_path)
    told: dict[str, list[dict[str, Any]]] = {}
    for line in ran.lines:
        if line["type"] == "task_result":
            told.setdefault(line["name"], []).append(line["result"])
    assert ran.status == 0, ran.lines[-5:]
    for name in TASKS:
        plain, nothing, nothing_again, done = map(_plain, told[name])
        assert plain["changed"], plain
        assert done == plain
        assert not nothing["changed"]
        assert nothing == nothing_again


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    """Without what is a job's own, be it that it says that it printed nothing, and without what apt
    says of time."""
    own = ("ansible_job_id", "results_file", "started", "finished", "cache_update_time")
    streams = ("stdout", "stdout_lines", "stderr", "stderr_lines")
    silent = [name for name in streams if not result.get(name)]
    return {key: value for key, value in result.items() if key not in (*own, *silent)}
