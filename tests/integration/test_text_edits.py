"""Text files that can't simply be replaced: on machines that are thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.disposable import Machine, machine, obstacle
from support.module_host import ModuleHost, module_host

WHY_NOT = obstacle()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

EDIT = {"path": "/srv/d/f", "line": "b"}


@contextmanager
def _host(tmp_path: Path, prepare: str, *before: str) -> Iterator[tuple[ModuleHost, Machine]]:
    script = f"mkdir -p /srv/d && echo a >/srv/d/f && chmod 640 /srv/d/f && {prepare}"
    with machine(tmp_path / "box", script) as box:
        enter = ["nsenter", f"--target={box.pid}", "--all", f"--root=/proc/{box.pid}/root"]
        words = (*enter, "--wd=/", *before, "/bin/sh", "-c")
        with module_host(tmp_path, prefix=words) as host:
            yield host, box


def _left(box: Machine) -> str:
    """What is in the file, and what lies beside it."""
    return box.sh("cat /srv/d/f; ls -A /srv/d")


REFUSALS = {
    "read-only file system": (
        "mount -t tmpfs none /srv/d && echo a >/srv/d/f && mount -o remount,ro /srv/d",
        "Read-only file system",
        {},
    ),
    "a mount of its own": (
        "touch /srv/g && echo a >/srv/g && mount --bind /srv/g /srv/d/f",
        "unsafe_writes",
        {},
    ),
    "no space": (
        "mount -t tmpfs -o size=8k none /srv/d && echo a >/srv/d/f",
        "No space left on device",
        {"line": "b" * 9000},
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_leaves_the_old_content(tmp_path: Path, name: str) -> None:
    prepare, why, more = REFUSALS[name]
    with _host(tmp_path, prepare) as (host, box):
        told = host.run("lineinfile", {**EDIT, **more})
        assert told["failed"]
        assert why in told["msg"]
        assert _left(box) == "a\nf\n"


def test_a_mount_of_its_own_is_written_into_where_that_is_allowed(tmp_path: Path) -> None:
    prepare = "echo a >/srv/g && mount --bind /srv/g /srv/d/f"
    with _host(tmp_path, prepare) as (host, box):
        allowed: dict[str, Any] = {**EDIT, "unsafe_writes": True, "mode": "0600"}
        assert host.run("lineinfile", allowed)["changed"]
        assert box.sh("cat /srv/g; stat -c %a /srv/g; ls -A /srv/d") == "a\nb\n600\nf\n"
        assert not host.run("lineinfile", allowed)["changed"]


def test_owner_and_mode_stay(tmp_path: Path) -> None:
    with _host(tmp_path, "chown 12:34 /srv/d/f && chmod 6755 /srv/d/f") as (host, box):
        assert host.run("replace", {"path": "/srv/d/f", "regexp": "a", "replace": "b"})["changed"]
        assert box.sh("stat -c '%u:%g %a' /srv/d/f") == "12:34 6755\n"


def test_access_lists_stay(tmp_path: Path) -> None:
    with _host(tmp_path, ":") as (host, box):
        if box.run("sh", "-c", "setfacl -m u:13:rw /srv/d/f", check=False).returncode:
            pytest.skip("there is no setfacl, or no file system that takes it")
        before = box.sh("getfacl -cn /srv/d/f")
        assert host.run("lineinfile", EDIT)["changed"]
        assert box.sh("getfacl -cn /srv/d/f") == before


def test_others_files_in_a_directory_of_ours(tmp_path: Path) -> None:
    """Whoever may replace a file may edit it; whoever may not is told by the host."""
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with _host(tmp_path, "chmod 644 /srv/d/f && chmod 777 /srv/d", *user) as (host, box):
        assert host.run("lineinfile", EDIT)["changed"]
        assert box.sh("stat -c '%u %a' /srv/d/f; cat /srv/d/f") == "65534 644\na\nb\n"
    with _host(tmp_path / "2", "chmod 600 /srv/d/f", *user) as (host, box):
        told = host.run("lineinfile", EDIT)
        assert told["failed"]
        assert "ermission denied" in told["msg"]
        assert _left(box) == "a\nf\n"
    with _host(tmp_path / "3", "chmod 666 /srv/d/f", *user) as (host, box):
        assert "ermission denied" in host.run("lineinfile", EDIT)["msg"]
        assert host.run("lineinfile", {**EDIT, "unsafe_writes": True})["changed"]
        assert _left(box) == "a\nb\nf\n"
