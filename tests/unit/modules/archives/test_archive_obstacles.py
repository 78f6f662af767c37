"""archive, unarchive and fetch where something is in the way: the old content stays."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.disposable import Machine, machine, obstacle
from support.module_host import ModuleHost, module_host

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root"),
]

_PREPARE = r"""
mkdir -p /srv/w/d /srv/ro /srv/full /srv/into
cd /srv
echo old >ro/o.tgz; mkdir ro/into
mount --bind ro ro; mount -o remount,bind,ro ro
mount -t tmpfs -o size=300k none full
echo old >full/o.tgz; echo old >full/got; mkdir full/into
head -c 200000 /dev/urandom >full/rest
head -c 400000 /dev/urandom >w/large
cd w
echo in >d/in; mkfifo fifo
tar -czf good.tgz d; tar -czf large.tgz large
head -c 200000 large.tgz >cut.tgz
echo below >below; echo old >mounted; mount --bind below mounted
for n in a b c d; do head -c 100000 /dev/zero | tr '\0' $n >from-$n; done
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    why = obstacle()
    if why is not None:
        pytest.skip(why)
    with machine(tmp_path_factory.mktemp("obstacles"), _PREPARE) as made:
        yield made


@pytest.fixture(scope="module")
def hosted(box: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    directory = tmp_path_factory.mktemp("controller")
    (directory / "large.tgz").write_bytes(box.run("cat", "/srv/w/large.tgz").stdout)
    with module_host(directory, prefix=box.entering("/bin/sh", "-c")) as host:
        yield host


def _all(box: Machine) -> str:
    return box.sh("cd /srv && find . -type f -exec sha1sum {} + | sort; find . | sort; ls /tmp")


LARGE, IN = "/srv/w/large", "/srv/w/d"
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("archive", {"path": LARGE, "dest": "/srv/full/o.tgz"}, "No space left on device"),
    ("archive", {"path": LARGE, "dest": "/srv/full/new", "format": "tar"}, "No space left"),
    ("archive", {"path": LARGE, "dest": "/srv/full/o.tgz", "remove": True}, "No space left"),
    ("archive", {"path": IN, "dest": "/srv/ro/o.tgz"}, "Read-only file system"),
    ("archive", {"path": IN, "dest": "/srv/w/fifo"}, "is a device, a fifo or a socket"),
    ("archive", {"path": IN, "dest": "/srv/w/mounted"}, "busy"),
    ("archive", {"path": IN, "dest": "/srv/none/o.tgz"}, "is no directory"),
    ("archive", {"path": IN, "dest": "/srv/w/o.tgz", "mode": "u=foo"}, "octal or symbolic"),
    ("unarchive", {"src": "/srv/w/good.tgz", "dest": "/srv/ro/into"}, "Read-only file system"),
    ("unarchive", {"src": "/srv/w/cut.tgz", "dest": "/srv/into"}, "unexpected end of file"),
    ("unarchive", {"src": "/srv/w/good.tgz", "dest": "/srv/into", "mode": "x"}, "octal or"),
]


@pytest.mark.parametrize(("module", "args", "words"), CASES)
def test_what_is_in_the_way(
    box: Machine, hosted: ModuleHost, module: str, args: dict[str, Any], words: str
) -> None:
    before = _all(box)
    told = hosted.run(module, {"remote_src": True, **args} if module == "unarchive" else args)
    assert told["failed"], told
    assert words in told["msg"]
    assert _all(box) == before


def test_a_full_disk_while_unpacking(box: Machine, hosted: ModuleHost) -> None:
    """What was unpacked so far stays, as with tar(1); it is said, and nothing else is touched."""
    before = box.sh("ls /tmp")
    for remote, src in ((True, "/srv/w/large.tgz"), (False, "large.tgz")):
        args = {"src": src, "dest": "/srv/full/into", "remote_src": remote}
        told = hosted.run("unarchive", args)
        assert told["failed"]
        assert "was not unpacked whole" in told["msg"]
        assert "No space left on device" in told["msg"]
        assert box.sh("cat /srv/full/got") == "old\n"
        assert box.sh("ls /tmp") == before
        box.sh("rm -f /srv/full/into/*")


def test_a_mount_that_may_be_written_to(box: Machine, hosted: ModuleHost) -> None:
    args = {"path": IN, "dest": "/srv/w/mounted", "unsafe_writes": True}
    assert hosted.run("archive", args)["changed"]
    assert not hosted.run("archive", args)["changed"]
    assert box.sh("tar -tzf /srv/w/below") == "d/in\n"


def _fetched(box: Machine, task: dict[str, Any], names: str) -> tuple[int, str]:
    """A playbook inside the machine, which is host and controller."""
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"fetch": task}]}]
    inventory = {"all": {"hosts": {n: {"ansible_connection": "local"} for n in names}}}
    box.sh(
        'mkdir -p /root/p && printf "%s" "$1" >/root/p/p.yml && printf "%s" "$2" >/root/p/i.yml',
        json.dumps(play),
        json.dumps(inventory),
    )
    words = ("-m", "opsrun", "playbook", "/root/p/p.yml", "-i", "/root/p/i.yml")
    ended = box.run(
        "sh", "-c", 'cd /root/p && exec "$@"', "sh", sys.executable, *words, check=False
    )
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def test_a_full_disk_on_the_controller(box: Machine) -> None:
    before = _all(box)
    status, told = _fetched(box, {"src": LARGE, "dest": "/srv/full/got", "flat": True}, "a")
    assert status != 0
    assert "No space left on device" in told
    assert _all(box) == before


def test_several_hosts_to_one_name(box: Machine) -> None:
    """One of them is there in the end, whole."""
    task = {"src": "/srv/w/from-{{ inventory_hostname }}", "dest": "/srv/into/one", "flat": True}
    status, told = _fetched(box, task, "abcd")
    assert status == 0, told
    found = box.sh("cat /srv/into/one")
    assert len(found) == 100_000
    assert len(set(found)) == 1
    assert box.sh("ls -A /srv/into") == "one\n"
