"""Mounts of a real kernel, where the dialect's own engine does otherwise or nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import disposable
from support.machine_cases import PREPARE, inside
from support.module_host import ModuleHost

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := disposable.obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path_factory.mktemp("mounting") / "box", PREPARE) as made:
        yield made


@pytest.fixture(scope="module")
def host(box: disposable.Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    with inside(box, tmp_path_factory.mktemp("mounting")) as made:
        yield made


def _mounts(box: disposable.Machine, path: str) -> list[str]:
    script = "awk -v p=\"$1\" '$2 == p { print $3, substr($4, 1, 2) }' /proc/mounts"
    return list(box.sh(script, path).splitlines())


def test_a_bound_directory_is_read_only_and_its_file_system_is_not(
    box: disposable.Machine, host: ModuleHost
) -> None:
    box.sh("mkdir -p /srv/from && echo x >/srv/from/file")
    args = {"path": "/srv/to", "src": "/srv/from", "fstype": "none", "opts": "bind,ro"}
    assert host.run("mount", {**args, "state": "mounted"})["changed"]
    assert _mounts(box, "/srv/to") == ["overlay ro"]
    assert not host.run("mount", {**args, "state": "mounted"})["changed"]
    changed = {**args, "opts": "bind,ro,noexec", "state": "mounted"}
    assert host.run("mount", changed)["changed"]
    box.sh("echo y >/srv/from/file && ! echo z >/srv/to/file")
    assert host.run("mount", {"path": "/srv/to", "state": "absent"})["changed"]
    assert "/srv/to" not in box.sh("cat /etc/fstab; ls /srv")


def test_through_a_link_it_is_mounted_once(box: disposable.Machine, host: ModuleHost) -> None:
    box.sh("mkdir /srv/real && ln -s real /srv/link")
    args = {"path": "/srv/link", "src": "none", "fstype": "tmpfs"}
    assert host.run("mount", {**args, "state": "mounted"})["changed"]
    assert not host.run("mount", {**args, "state": "mounted"})["changed"]
    assert _mounts(box, "/srv/real") == ["tmpfs rw"]
    assert host.run("mount", {"path": "/srv/link", "state": "unmounted"})["changed"]
    assert _mounts(box, "/srv/real") == []


def test_a_busy_one_stays_and_so_does_its_line(box: disposable.Machine, host: ModuleHost) -> None:
    args = {"path": "/srv/busy", "src": "none", "fstype": "tmpfs", "state": "mounted"}
    assert host.run("mount", args)["changed"]
    pid = box.sh("cd /srv/busy && sleep 1000 >/dev/null 2>&1 </dev/null & echo $!").strip()
    told = host.run("mount", {"path": "/srv/busy", "state": "absent"})
    assert told["failed"]
    assert "busy" in told["msg"]
    assert "/srv/busy" in box.sh("cat /etc/fstab")
    assert _mounts(box, "/srv/busy") == ["tmpfs rw"]
    box.sh('kill "$1"; while [ -e "/proc/$1/cwd/" ]; do :; done', pid)
    assert host.run("mount", {"path": "/srv/busy", "state": "absent"})["changed"]


def test_the_table_holds_bytes_that_are_no_text(box: disposable.Machine, host: ModuleHost) -> None:
    box.sh("printf '# caf\\351\\n\\tLABEL=x   /x  ext4 ro\\r\\n' >/srv/fstab")
    args = {"path": "/srv/new", "src": "none", "fstype": "tmpfs", "fstab": "/srv/fstab"}
    assert host.run("mount", {**args, "state": "present"})["changed"]
    wanted = b"# caf\xe9\n\tLABEL=x   /x  ext4 ro\r\nnone /srv/new tmpfs defaults 0 0\n"
    assert box.run("cat", "/srv/fstab").stdout == wanted


def test_what_cannot_be_written_is_not_mounted(box: disposable.Machine, host: ModuleHost) -> None:
    box.sh("mkdir /srv/fixed && : >/srv/fixed/fstab && mount --bind /srv/fixed /srv/fixed")
    box.sh("mount -o remount,bind,ro /srv/fixed")
    args = {"path": "/srv/never", "src": "none", "fstype": "tmpfs", "fstab": "/srv/fixed/fstab"}
    told = host.run("mount", {**args, "state": "mounted"})
    assert told["failed"]
    assert "Read-only file system" in told["msg"]
    assert _mounts(box, "/srv/never") == []


def test_what_is_in_the_way(box: disposable.Machine, host: ModuleHost) -> None:
    box.sh("echo x >/srv/file")
    args = {"src": "none", "fstype": "tmpfs", "state": "mounted"}
    assert "is no directory" in host.run("mount", {**args, "path": "/srv/file"})["msg"]
    bad = {**args, "path": "/srv/odd", "src": "/dev/no-such", "fstype": "ext4"}
    told = host.run("mount", bad)
    assert told["failed"]
    assert "/dev/no-such" in told["msg"]
    assert "odd" not in box.sh("cat /etc/fstab; ls /srv")


def test_a_line_with_too_many_fields_is_told(box: disposable.Machine, host: ModuleHost) -> None:
    box.sh("echo 'a /srv/more tmpfs ro 0 0 # ours' >/srv/more.tab")
    args = {"path": "/srv/more", "src": "b", "fstype": "tmpfs", "fstab": "/srv/more.tab"}
    told = host.run("mount", {**args, "state": "present"})
    assert told["changed"]
    assert "line 1" in told["warnings"][0]
