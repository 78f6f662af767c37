"""What is in the way of a file: the host's own words, the old content, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
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
echo old >full/g; : >w/full; mount --bind full/g w/full
dd if=/dev/zero of=full/rest bs=4096 2>/dev/null || :
echo old >w/f; mkdir w/d; echo in >w/d/in; ln -s f w/l; ln -s nowhere w/dangling; ln -s loop w/loop
echo below >w/below; echo hidden >w/mount; mount --bind w/below w/mount
mkfifo w/fifo
echo old >w/locked; chattr +i w/locked 2>/dev/null || :
mkdir w/closed; echo old >w/closed/f; chattr +i w/closed 2>/dev/null || :
head -c 2000000 /dev/zero >w/large
mkdir w/parts w/big; echo new >w/parts/1; head -c 900000 /dev/zero >w/big/1
mkdir /srv/theirs; echo old >/srv/theirs/f
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


@pytest.fixture(scope="module")
def hosted(box: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    directory = tmp_path_factory.mktemp("controller")
    (directory / "new").write_text("new\n")
    (directory / "large").write_text(BIG)
    with module_host(directory, prefix=box.entering("/bin/sh", "-c")) as host:
        yield host


@pytest.fixture(scope="module")
def nobody(box: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    directory = tmp_path_factory.mktemp("nobody")
    (directory / "new").write_text("new\n")
    words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c")
    with module_host(directory, prefix=box.entering(*words)) as host:
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
    Case("mode, read-only", "file", {"path": "/srv/ro/f", "mode": "0600"}, "Read-only", False),
    Case("touch, read-only", "file", {"path": "/srv/ro/n", "state": "touch"}, "Read-only", False),
    Case("mkdir, ro", "file", {"path": "/srv/ro/n/m", "state": "directory"}, "Read-only", False),
    Case("absent, ro", "file", {"path": "/srv/ro/f", "state": "absent"}, "Read-only", False),
    Case(
        "link, ro", "file", {"path": "/srv/ro/n", "src": "f", "state": "link"}, "Read-only", False
    ),
    Case("mode of it", "file", {"path": "/srv/w/locked", "mode": "0600"}, "permitted", False, True),
    Case("away", "file", {"path": "/srv/w/locked", "state": "absent"}, "permitted", False, True),
    Case(
        "a file where a directory", "file", {"path": "/srv/w/f", "state": "directory"}, "file", True
    ),
    Case(
        "a directory where a file", "file", {"path": "/srv/w/d", "state": "file"}, "director", True
    ),
    Case("a fifo", "file", {"path": "/srv/w/fifo", "state": "touch"}, "special", True),
    Case("fifo written", "copy", {"dest": "/srv/w/fifo"}, "neither a file nor", False),
    Case("a link in circles", "copy", {"dest": "/srv/w/loop/f"}, "Too many levels", True),
    Case("a mount away", "file", {"path": "/srv/w/mount", "state": "absent"}, "busy", False),
    Case(
        "a link over a mount",
        "file",
        {"path": "/srv/w/mount", "state": "link", "src": "f", "force": True},
        "busy",
        False,
    ),
    Case("below a file, kept", "file", {"path": "/srv/w/f/g", "mode": "0600"}, "absent", True),
    Case(
        "touch below a file",
        "file",
        {"path": "/srv/w/f/g", "state": "touch"},
        "is not a directory",
        True,
    ),
    Case(
        "mkdir below it",
        "file",
        {"path": "/srv/w/f/g", "state": "directory"},
        "is not a directory",
        True,
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


# -- whatever writes a file

WRITERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "copy": ("dest", {"content": "new\n"}, {"content": BIG}),
    "copy there": (
        "dest",
        {"src": "/srv/w/parts/1", "remote_src": True},
        {"src": "/srv/w/large", "remote_src": True},
    ),
    "template": ("dest", {"src": "new"}, {"src": "large"}),
    "lineinfile": ("path", {"line": "new", "create": True}, {"line": BIG}),
    "blockinfile": ("path", {"block": "new", "create": True}, {"block": BIG}),
    "replace": ("path", {"regexp": "old|below|^", "replace": "new"}, {"replace": BIG}),
    "community.general.ini_file": (
        "path",
        {"section": "a", "option": "new", "value": "new"},
        {"value": BIG},
    ),
    "community.general.htpasswd": (
        "path",
        {"name": "new", "password": "new", "hash_scheme": "plaintext"},
        {"password": BIG.replace("\n", "-")},
    ),
    "assemble": ("dest", {"src": "/srv/w/parts"}, {"src": "/srv/w/big"}),
    "get_url": ("dest", {"url": "file:///srv/w/parts/1", "force": True}, {}),
    "uri": ("dest", {"url": "file:///srv/w/parts/1"}, {}),
}
"""By name: what the path is called, what makes other content of it, and what makes much of it."""
for _each in ("get_url", "uri"):
    WRITERS[_each][2]["url"] = "file:///srv/w/large"

IN_THE_WAY: dict[str, tuple[str, tuple[str, ...]]] = {
    "read-only": ("/srv/ro/f", ("Read-only file system", "mounted read-only")),
    "new, read-only": ("/srv/ro/new", ("Read-only file system", "mounted read-only")),
    "full": ("/srv/full/f", ("No space left on device", "full")),
    "immutable": ("/srv/w/locked", ("not permitted", "immutable")),
    "in an immutable directory": ("/srv/w/closed/f", ("not permitted", "immutable")),
    "a directory": ("/srv/w/d", ("dir",)),
    "a mount": ("/srv/w/mount", ("busy", "mount")),
    "below a file": ("/srv/w/f/g", ("/srv/w/f",)),
    "another's": ("/srv/theirs/f", ("Permission denied",)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_in_the_way_of_whatever_writes(
    box: Machine, hosted: ModuleHost, nobody: ModuleHost, name: str
) -> None:
    where, args, much = WRITERS[name]
    locks = "i" in box.sh("lsattr -d /srv/w/locked", check=False)[:22]
    wrong = []
    before = _all(box)
    for what, (place, words) in IN_THE_WAY.items():
        if ("immutable" in what and not locks) or (name == "replace" and what == "new, read-only"):
            continue
        path = place
        if what == "a directory" and name in ("copy there", "template", "get_url", "uri"):
            # It keeps the name of what is put there, which is a directory's.
            path = "/srv/w"
            box.sh("mkdir -p /srv/w/1 /srv/w/new")
            before = _all(box)
        host = nobody if what == "another's" else hosted
        given = {where: path, **args, **(much if what == "full" else {})}
        checked = host.run(name.partition(" ")[0], given, check=True, diff=True)
        told = host.run(name.partition(" ")[0], given)
        now = _all(box)
        if now != before:
            wrong.append(f"{what}: {sorted(set(now.split()) ^ set(before.split()))}")
        if not told.get("failed") or not all(each in told["msg"] for each in words):
            wrong.append(f"{what}: {told}")
        if what in ("a directory", "below a file") and not (
            checked.get("failed") or checked.get("skipped")
        ):
            wrong.append(f"{what}, check mode: {checked}")
    assert wrong == []


@pytest.mark.parametrize("name", WRITERS)
def test_what_can_not_be_replaced_is_written_into_where_a_task_allows_it(
    box: Machine, hosted: ModuleHost, name: str
) -> None:
    where, args, much = WRITERS[name]
    box.sh("echo old >/srv/w/mount; chmod 640 /srv/w/mount")
    before = _all(box)
    unsafe = {**args, "unsafe_writes": True}
    full = hosted.run(name.partition(" ")[0], {**unsafe, where: "/srv/w/full", **much})
    assert full["failed"]
    assert "No space left" in full["msg"]
    assert _all(box) == before
    told = hosted.run(name.partition(" ")[0], {**unsafe, where: "/srv/w/mount", "mode": "0600"})
    assert (told["changed"], told.get("failed")) == (True, None)
    assert "new" in box.sh("cat /srv/w/below; [ $(stat -c %a /srv/w/below) = 600 ]")
    assert box.sh("ls -A /srv/w | grep opsrun || :") == ""
    box.sh("echo hidden >/srv/w/mount")
