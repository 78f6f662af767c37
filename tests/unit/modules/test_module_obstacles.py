"""What is in the way of a file: the host's own words, the old content, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.disposable import Machine, machine, obstacle
from support.module_host import ModuleHost, module_host

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root"),
]

_PREPARE = r"""
mkdir -p /srv/w /srv/ro /srv/full /srv/elsewhere
cd /srv
echo old >ro/f; mkdir ro/d; mount -t tmpfs none /srv/elsewhere
mount --bind ro ro; mount -o remount,bind,ro ro
mount -t tmpfs -o size=1m none full
echo old >full/f
dd if=/dev/zero of=full/rest bs=4096 2>/dev/null || :
echo old >w/f; mkdir w/d; echo in >w/d/in; ln -s f w/l; ln -s nowhere w/dangling; ln -s loop w/loop
echo below >w/below; echo hidden >w/mount; mount --bind w/below w/mount
mkfifo w/fifo
echo old >w/locked; chattr +i w/locked 2>/dev/null || :
mkdir w/closed; echo old >w/closed/f; chattr +i w/closed 2>/dev/null || :
head -c 2000000 /dev/zero >w/large
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    why = obstacle()
    if why is not None:
        pytest.skip(why)
    directory = tmp_path_factory.mktemp("obstacles")
    with machine(directory, _PREPARE) as made:
        yield made
        made.sh("chattr -i /srv/w/locked /srv/w/closed 2>/dev/null || :")


@pytest.fixture
def hosted(box: Machine, tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, prefix=box.entering("/bin/sh", "-c")) as host:
        yield host


def _all(box: Machine) -> str:
    return box.sh(
        "cd /srv && find . -exec stat -c '%n %f %u %g %s' {} + | sort &&"
        " find . -type f ! -name rest ! -name large -exec sha1sum {} + | sort"
    )


@dataclass(frozen=True)
class Case:
    name: str
    module: str
    args: dict[str, Any]
    words: str
    """Of the host's, or ours."""
    checked: bool
    """Whether check mode knows it beforehand."""
    locks: bool = False


BIG = "x" * 900_000 + "\n"
CASES = [
    Case("copy to read-only", "copy", {"dest": "/srv/ro/f"}, "Read-only file system", False),
    Case("new to read-only", "copy", {"dest": "/srv/ro/new"}, "Read-only file system", False),
    Case("mode, read-only", "file", {"path": "/srv/ro/f", "mode": "0600"}, "Read-only", False),
    Case("touch, read-only", "file", {"path": "/srv/ro/n", "state": "touch"}, "Read-only", False),
    Case("mkdir, ro", "file", {"path": "/srv/ro/n/m", "state": "directory"}, "Read-only", False),
    Case("absent, ro", "file", {"path": "/srv/ro/f", "state": "absent"}, "Read-only", False),
    Case(
        "link, ro", "file", {"path": "/srv/ro/n", "src": "f", "state": "link"}, "Read-only", False
    ),
    Case("no space", "copy", {"dest": "/srv/full/f", "content": BIG}, "No space left", False),
    Case("no space, new", "copy", {"dest": "/srv/full/n", "content": BIG}, "No space left", False),
    Case(
        "no space, there",
        "copy",
        {"dest": "/srv/full/f", "src": "/srv/w/large", "remote_src": True},
        "No space left",
        False,
    ),
    Case("immutable", "copy", {"dest": "/srv/w/locked"}, "immutable", False, True),
    Case(
        "immutable, there",
        "copy",
        {"dest": "/srv/w/locked", "src": "/srv/w/below", "remote_src": True},
        "not permitted",
        False,
        True,
    ),
    Case("mode of it", "file", {"path": "/srv/w/locked", "mode": "0600"}, "permitted", False, True),
    Case("away", "file", {"path": "/srv/w/locked", "state": "absent"}, "permitted", False, True),
    Case("in a closed directory", "copy", {"dest": "/srv/w/closed/f"}, "immutable", False, True),
    Case("a directory", "copy", {"dest": "/srv/w/d"}, "dir as dest", True),
    Case(
        "a file where a directory", "file", {"path": "/srv/w/f", "state": "directory"}, "file", True
    ),
    Case(
        "a directory where a file", "file", {"path": "/srv/w/d", "state": "file"}, "director", True
    ),
    Case("a fifo", "file", {"path": "/srv/w/fifo", "state": "touch"}, "special", True),
    Case("fifo written", "copy", {"dest": "/srv/w/fifo"}, "neither a file nor", False),
    Case("a link in circles", "copy", {"dest": "/srv/w/loop/f"}, "Too many levels", True),
    Case("a mount", "copy", {"dest": "/srv/w/mount"}, "busy", False),
    Case("a mount away", "file", {"path": "/srv/w/mount", "state": "absent"}, "busy", False),
    Case(
        "a link over a mount",
        "file",
        {"path": "/srv/w/mount", "state": "link", "src": "f", "force": True},
        "busy",
        False,
    ),
    Case(
        "a mount, there",
        "copy",
        {"dest": "/srv/w/mount", "src": "/srv/w/f", "remote_src": True},
        "busy",
        False,
    ),
    Case("below a file", "copy", {"dest": "/srv/w/f/g"}, "does not exist", False),
    Case("below a file, kept", "file", {"path": "/srv/w/f/g", "mode": "0600"}, "absent", True),
    Case(
        "touch below a file", "file", {"path": "/srv/w/f/g", "state": "touch"}, "Not a dir", False
    ),
    Case(
        "mkdir below it", "file", {"path": "/srv/w/f/g", "state": "directory"}, "Not a dir", False
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_in_the_way(box: Machine, hosted: ModuleHost, case: Case) -> None:
    if case.locks and "i" not in box.sh("lsattr -d /srv/w/locked", check=False)[:22]:
        pytest.skip("nothing can be made immutable there")
    args = dict(case.args)
    if case.module == "copy" and "src" not in args and "content" not in args:
        args["content"] = "new"
    before = _all(box)
    checked = hosted.run(case.module, args, check=True, diff=True)
    assert _all(box) == before
    told = hosted.run(case.module, args)
    assert _all(box) == before
    assert told["failed"]
    assert case.words in told["msg"]
    assert bool(checked.get("failed")) == case.checked
