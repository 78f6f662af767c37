"""get from a shell of this machine and from a real sshd: whole, checked, and nothing but files."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from support.copying import PRESERVING, Copying, bad, copying, good, left_behind, mode
from support.reach import Reach, local, over_ssh
from support.tangled import tangled
from unit.trees.shapes import Node, build, seen, two_directories

import opsrun.adhoc.meter as meter
from opsrun.adhoc.get import GetOptions
from opsrun.adhoc.transfer import Finish
from opsrun.composition.transfers import GetAction
from opsrun.engine.base import Engine
from opsrun.events import Notice, Outcome, Progress
from opsrun.lab import Lab
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.trees.exclude import parse_excludes
from opsrun.trees.modes import Mode

OK, CHANGED = Outcome.OK, Outcome.CHANGED


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def fetched(make: Callable[[Engine], Reach], tree: Node) -> None:
    """Get a tree under its own name, without -p, and once more."""
    with two_directories() as (there, here):
        top = there + b"/it"
        build(tree, top)
        with copying(make) as copy:
            good(copy.get(top, here + b"/"), CHANGED)
            facts = {
                path: (kind, *rest[-1:]) if kind != "directory" else (kind, rest[0])
                for path, (kind, *rest) in seen(top).items()
                if kind != "link"
            }
            links = seen(top, link_times=False)
            for path, (kind, *rest) in seen(here + b"/it").items():
                if kind == "file":
                    assert (kind, rest[-1]) == facts.pop(path)
                elif kind == "directory":
                    assert rest[0] == facts.pop(path)[1] & ~0o022
                else:
                    assert rest[0] == links[path][1]
            assert not facts
            assert good(copy.get(top, here + b"/"), OK)["transferred"] == 0


@settings(max_examples=10)
@given(tree=tangled)
def test_trees(tree: Node) -> None:
    fetched(local, tree)


@settings(max_examples=2)
@given(tree=tangled)
def test_trees_over_ssh(lab: Lab, tree: Node) -> None:
    fetched(lambda engine: over_ssh(engine, lab, "web01", "sshd", kills=True), tree)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A directory of the host's with a file in it."""
    top = tmp_path / "there"
    top.mkdir()
    (top / "log").write_bytes(b"first line\n")
    return top


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where it is to go."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def names(top: Path) -> list[str]:
    return sorted(os.path.relpath(path, top) for path in top.rglob("*"))


# -- what a result says


def test_what_a_result_says(copy: Copying, there: Path, here: Path) -> None:
    digest = hashlib.sha256(b"first line\n").hexdigest()
    data = good(copy.get(there / "log", here), CHANGED)
    assert data.pop("seconds") > 0
    assert data == {
        "changed": True, "verb": "fetched", "files": 1, "bytes": 11, "transferred": 11, "others": 0,
        "attributes": 0, "deleted": 0, "unchanged": 0, "changes": ["+ log"], "checksum": digest,
    }  # fmt: skip
    data = good(copy.get(there / "log", here), OK)
    assert data.pop("seconds") > 0
    assert data == {
        "changed": False, "verb": "fetched", "files": 0, "bytes": 0, "transferred": 0, "others": 0,
        "attributes": 0, "deleted": 0, "unchanged": 1, "changes": [], "checksum": digest,
    }  # fmt: skip


def test_progress_begins_at_nothing_and_ends_with_all(
    near: Copying, there: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "EVERY", 0.0)
    (there / "big").write_bytes(os.urandom(3 << 20))
    good(near.get(there / "big", here), CHANGED)
    told = near.of(Progress)
    assert (told[0].done, told[0].total) == (0, 3 << 20)
    assert (told[-1].done, told[-1].total) == (3 << 20, 3 << 20)


def test_round_trips_do_not_grow_with_the_tree(near: Copying, there: Path, here: Path) -> None:
    for part in range(10):
        (there / f"{part}").mkdir()
        for number in range(30):
            (there / f"{part}/{number}").write_text(f"{part} {number}")
    good(near.get(there, f"{here}/"), CHANGED)
    first = len(near.frames)
    good(near.get(there, f"{here}/"), OK)
    again = len(near.frames)
    # A look, wildcards, the parent, the directory, its tree; archives and their checksums.
    assert first == 7
    assert again == 6, "checksums alone"


# -- what comes, and where to


def test_a_folder_for_each_host(there: Path, here: Path) -> None:
    with copying(local, ("web01", "web/02")) as copy:
        results = copy.all(GetAction.prepare([there / "log"], here))
        assert {result.outcome for result in results.values()} == {CHANGED}
    folders = sorted(path.name for path in here.iterdir())
    assert len(folders) == 2
    assert "web01" in folders
    assert all((here / folder / "log").read_bytes() == b"first line\n" for folder in folders)
    assert left_behind(here) == []


def test_two_hosts_in_one_place_are_refused(there: Path, here: Path) -> None:
    with copying(local, ("web01", "web02")) as copy:
        results = copy.all(GetAction.prepare([there / "log"], here, GetOptions(flat=True)))
        outcomes = sorted(result.outcome for result in results.values())
        assert outcomes == [CHANGED, Outcome.FAILED]
        [loser] = [result for result in results.values() if result.error]
        assert "file already" in bad(loser)
        assert "{host}" in bad(loser)
        options = GetOptions(flat=True)
        results = copy.all(GetAction.prepare([there / "log"], f"{here}/{{host}}.log", options))
        assert {result.outcome for result in results.values()} == {CHANGED}
    assert names(here) == ["log", "web01.log", "web02.log"]


def test_a_single_file_under_another_name(copy: Copying, there: Path, here: Path) -> None:
    good(copy.get(there / "log", here / "other"), CHANGED)
    assert names(here) == ["other"]
    good(copy.get(there / "log", f"{here}/deep/er/"), CHANGED)
    assert (here / "deep/er/log").read_bytes() == b"first line\n"


def test_patterns_are_the_hosts(copy: Copying, there: Path, here: Path) -> None:
    (there / "b.log").write_text("b")
    (there / "[c].log").write_text("c")
    (there / "$(id).log").write_text("$")
    (there / "other").write_text("no")
    good(copy.get(f"{there}/*.log", here), CHANGED)
    assert names(here) == ["$(id).log", "[c].log", "b.log"]
    assert "no file fits" in bad(copy.get(f"{there}/*.nothing", here))
    words = bad(copy.get([there / "log", there / "absent"], here))
    assert "there is no" in words
    assert "absent" in words


def test_excluded_names_do_not_come(near: Copying, there: Path, here: Path) -> None:
    (there / "cache").mkdir()
    (there / "cache/x").write_text("x")
    (there / "old.gz").write_text("x")
    good(near.get(there, here, exclude=parse_excludes(["cache/", "*.gz"])), CHANGED)
    assert names(here) == ["there", "there/log"]


def test_what_is_no_file_is_left_out_and_told(copy: Copying, there: Path, here: Path) -> None:
    os.mkfifo(there / "pipe")
    (there / "out").symlink_to("/etc/passwd")
    (there / "up").symlink_to("../../../etc/passwd")
    (there / "in").symlink_to("log")
    data = good(copy.get(there, f"{here}/"), CHANGED)
    assert names(here) == ["there", "there/in", "there/log"]
    assert len(data["skipped"]) == 3
    told = " ".join(notice.message for notice in copy.of(Notice))
    assert all(name in told for name in ("there/pipe", "there/out", "there/up"))
    assert "neither a file nor a directory" in bad(copy.get(there / "pipe", here))


def test_links_that_lead_outside_come_if_they_are_asked_for(
    near: Copying, there: Path, here: Path
) -> None:
    (there / "out").symlink_to("/etc/passwd")
    good(near.get(there, f"{here}/", unsafe_links=True), CHANGED)
    assert os.readlink(here / "there/out") == "/etc/passwd"


def test_setuid_is_dropped_unless_it_is_to_be_kept(near: Copying, there: Path, here: Path) -> None:
    (there / "log").chmod(0o6755)
    for many in (False, True):
        for number in range(8 if many else 0):
            (there / f"{number}").write_text(f"{number}")
        good(near.get(f"{there}/", f"{here}/{many}/", finish=PRESERVING), CHANGED)
        assert mode(here / f"{many}/log") == 0o755
        keeping = Finish(preserve=True, keep_setuid=True)
        good(near.get(f"{there}/", f"{here}/{many}/", finish=keeping), CHANGED)
        assert mode(here / f"{many}/log") == 0o6755


def test_modes(near: Copying, there: Path, here: Path) -> None:
    (there / "log").chmod(0o666)
    good(near.get(there / "log", here), CHANGED)
    assert mode(here / "log") == 0o644, "less the umask"
    (here / "log").chmod(0o600)
    (there / "log").write_text("another")
    good(near.get(there / "log", here), CHANGED)
    assert mode(here / "log") == 0o600, "as it was"
    good(near.get(there / "log", here, finish=Finish(mode=Mode.parse("0640"))), CHANGED)
    assert mode(here / "log") == 0o640
    good(near.get(there / "log", here, finish=Finish(mode=Mode.parse("0640"))), OK)


def test_backup(near: Copying, there: Path, here: Path) -> None:
    (here / "log").write_text("old")
    data = good(near.get(there / "log", here, finish=Finish(backup=True)), CHANGED)
    [kept] = [path for path in here.iterdir() if path.name != "log"]
    assert kept.name.startswith("log.")
    assert kept.read_text() == "old"
    assert data["backups"] == [kept.name]


# -- what is in the way


def test_a_link_here_is_not_followed(near: Copying, there: Path, here: Path) -> None:
    (here / "victim").write_text("mine")
    (here / "log").symlink_to("victim")
    assert "link" in bad(near.get(there / "log", f"{here}/"))
    assert (here / "victim").read_text() == "mine"


def test_a_directory_where_a_file_should_be(near: Copying, there: Path, here: Path) -> None:
    (here / "log").mkdir()
    assert "directory" in bad(near.get(there / "log", f"{here}/"))
    assert names(here) == ["log"]


def test_a_file_where_a_directory_should_be(near: Copying, there: Path, here: Path) -> None:
    (here / "file").write_text("mine")
    assert "directory" in bad(near.get(there / "log", f"{here}/file/"))
    assert (here / "file").read_text() == "mine"


# -- files that won't keep still


def changing(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[], Any]) -> None:
    """Have something happen on the host just before files are read there."""
    method = getattr(RemoteFiles, name)

    def reading(files: RemoteFiles, *words: Any, **more: Any) -> Any:
        change()
        return method(files, *words, **more)

    monkeypatch.setattr(RemoteFiles, name, reading)


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def test_a_log_that_grows_comes_up_to_its_old_end(
    copy: Copying, there: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "log").write_text("old")
    changing(monkeypatch, "read", lambda: append(there / "log", b"more\n"))
    data = good(copy.get(there / "log", here), CHANGED)
    assert (here / "log").read_bytes() == b"first line\n"
    assert data["checksum"] == hashlib.sha256(b"first line\n").hexdigest()
    [notice] = copy.of(Notice)
    assert "was written to meanwhile" in notice.message
    assert left_behind(here) == []


def test_one_of_many_that_grows(
    near: Copying, there: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        (there / f"{number}").write_text(f"{number}")
    changing(monkeypatch, "pack", lambda: append(there / "log", b"more\n"))
    good(near.get(there, f"{here}/"), CHANGED)
    got = (here / "there/log").read_bytes()
    assert got in (b"first line\n", b"first line\nmore\n")
    assert len(names(here)) == 11


def test_a_file_that_keeps_changing_is_not_put_in_place(
    near: Copying, there: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "log").write_text("old")

    def rewrite() -> None:
        (there / "log").write_bytes(random.randbytes(5))

    changing(monkeypatch, "read", rewrite)
    changing(monkeypatch, "read_beginning", rewrite)
    words = bad(near.get(there / "log", here))
    assert "log" in words
    assert (here / "log").read_text() == "old"
    assert left_behind(here) == []


def test_a_file_that_vanishes(
    near: Copying, there: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "log").write_text("old")
    changing(monkeypatch, "read", lambda: (there / "log").unlink(missing_ok=True))
    assert "No such file" in bad(near.get(there / "log", here))
    assert (here / "log").read_text() == "old"
    assert left_behind(here) == []


def test_files_without_a_size(copy: Copying, here: Path) -> None:
    good(copy.get("/proc/version", here), CHANGED)
    assert (here / "version").read_bytes() == Path("/proc/version").read_bytes()
    good(copy.get("/proc/uptime", here), CHANGED)
    assert float((here / "uptime").read_text().split()[0]) > 0


@pytest.mark.soak
def test_a_sparse_file_beyond_4_gib(copy: Copying, there: Path, here: Path) -> None:
    size = (4 << 30) + 12_345
    with open(there / "disk", "wb") as file:
        file.write(b"begin")
        file.seek(size - 3)
        file.write(b"end")
    data = good(copy.get(there / "disk", here), CHANGED)
    assert data["bytes"] == size
    status = (here / "disk").stat()
    assert (status.st_size, status.st_blocks < 10_000) == (size, True)


def test_a_sparse_file_stays_one(near: Copying, there: Path, here: Path) -> None:
    with open(there / "disk", "wb") as file:
        file.write(b"begin")
        file.seek(20 << 20)
        file.write(b"end")
    data = good(near.get(there / "disk", here), CHANGED)
    assert (here / "disk").read_bytes() == (there / "disk").read_bytes()
    assert (here / "disk").stat().st_blocks * 512 < 1 << 20
    assert data["transferred"] < 1 << 20
