"""sync to a shell of this machine and to a real sshd: only what differs, as it was announced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.copying import Copying, bad, copying, good, left_behind, mode
from support.reach import Reach, local, over_ssh
from support.tangled import tangled
from unit.trees.shapes import Node, build, seen, two_directories

from opsrun.adhoc.transfer import Finish
from opsrun.engine.base import Engine
from opsrun.events import Notice, Outcome
from opsrun.lab import Lab
from opsrun.trees.exclude import parse_excludes
from opsrun.trees.modes import Mode

OK, CHANGED = Outcome.OK, Outcome.CHANGED


def mirrored(make: Callable[[Engine], Reach], before: Node, after: Node) -> None:
    """One tree, then another in its place: what -n says is done, and nothing twice."""
    with two_directories() as (source, there):
        mirror = there + b"/mirror"
        with copying(make) as copy:
            for tree in (before, after):
                shutil.rmtree(source)
                build(tree, source)
                planned = good(copy.sync(source, mirror, delete=True, dry_run=True), OK)
                data = copy.sync(source, mirror, delete=True).data
                assert data["changes"] == planned["changes"]
                assert seen(mirror, link_times=False) == seen(source, link_times=False)
                again = good(copy.sync(source, mirror, delete=True), OK)
                assert (again["changed"], again["transferred"]) == (False, 0)
                good(copy.sync(source, mirror, delete=True, checksum=True), OK)
        assert left_behind(os.fsdecode(there)) == []


@settings(max_examples=7)
@given(before=tangled, after=tangled)
def test_one_tree_after_another(before: Node, after: Node) -> None:
    mirrored(local, before, after)


@settings(max_examples=2)
@given(before=tangled, after=tangled)
def test_one_tree_after_another_over_ssh(lab: Lab, before: Node, after: Node) -> None:
    mirrored(lambda engine: over_ssh(engine, lab, "web01", "sshd", kills=True), before, after)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory with a few files."""
    top = tmp_path / "source"
    (top / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (top / name).write_text(name)
        os.utime(top / name, (1_000_000_000, 1_000_000_000))
    os.utime(top / "sub", (1_000_000_000, 1_000_000_000))
    return top


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where the mirror is to be; not there yet."""
    return tmp_path / "mirror"


def names(top: Path) -> list[str]:
    return sorted(os.path.relpath(path, top) for path in top.rglob("*"))


def test_round_trips(copy: Copying, source: Path, there: Path) -> None:
    good(copy.sync(source, there), CHANGED)
    assert len(copy.frames) == 2, "a look, the delivery"
    good(copy.sync(source, there), OK)
    assert len(copy.frames) == 2, "a look, a listing"
    (source / "a").write_text("another a")
    (there / "extra").write_text("x")
    data = good(copy.sync(source, there), CHANGED)
    assert len(copy.frames) == 3, "a look, a listing, the delivery"
    assert (data["files"], data["unchanged"], data["deleted"]) == (1, 2, 0)
    assert data["transferred"] == len("another a")


def test_what_a_result_says(near: Copying, source: Path, there: Path) -> None:
    good(near.sync(source, there), CHANGED)
    (source / "a").write_text("a has changed")
    (source / "b").chmod(0o600)
    (source / "sub/new").mkdir()
    os.utime(source / "sub", (1_100_000_000, 1_100_000_000))
    (source / "link").symlink_to("a")
    (there / "extra").mkdir()
    (there / "extra/x").write_text("x")
    data = good(near.sync(source, there, delete=True), CHANGED)
    assert data.pop("seconds") > 0
    assert len(data.pop("checksum")) == 64
    assert data == {
        "changed": True, "verb": "sent", "files": 1, "bytes": 13, "others": 2,
        "transferred": 13, "attributes": 2, "deleted": 1, "unchanged": 1,
        "changes": ["+ link", "+ sub/new/", "> a", ". b", ". sub/", "- extra/"],
    }  # fmt: skip


def test_a_dry_run_does_nothing(copy: Copying, source: Path, there: Path) -> None:
    data = good(copy.sync(source, there, dry_run=True), OK)
    assert not there.exists()
    assert data["dry_run"] is True
    assert data["changes"] == ["+ mirror/", "+ mirror/a", "+ mirror/b", "+ mirror/sub/",
                               "+ mirror/sub/c"]  # fmt: skip
    good(copy.sync(source, there), CHANGED)
    (there / "extra").write_text("x")
    (source / "a").unlink()
    data = good(copy.sync(source, there, dry_run=True, delete=True), OK)
    assert data["changes"] == ["- a", "- extra"]
    assert names(there) == ["a", "b", "extra", "sub", "sub/c"]


def test_nothing_is_deleted_unless_it_is_asked_for(
    copy: Copying, source: Path, there: Path
) -> None:
    good(copy.sync(source, there), CHANGED)
    (there / "sub/extra").write_text("x")
    (there / "more/deep").mkdir(parents=True)
    (there / "more/deep/x").write_text("x")
    os.utime(there / "sub", (1_000_000_000, 1_000_000_000))
    good(copy.sync(source, there), OK)
    assert (there / "more/deep/x").exists()
    data = good(copy.sync(source, there, delete=True), CHANGED)
    assert data["deleted"] == 2, "a directory counts once"
    assert seen(there) == seen(source)


def test_what_is_excluded_is_neither_sent_nor_deleted(
    copy: Copying, source: Path, there: Path
) -> None:
    (source / "x.log").write_text("here")
    (source / ".git").mkdir()
    (source / ".git/here").write_text("here")
    good(copy.sync(source, there), CHANGED)
    (there / "there.log").write_text("there")
    (there / ".git/there").write_text("there")
    (there / "gone/keep").mkdir(parents=True)
    (there / "gone/keep/this.log").write_text("x")
    (there / "gone/other").write_text("x")
    exclude = parse_excludes(["*.log", ".git/"])
    (source / "x.log").write_text("here too")
    good(copy.sync(source, there, delete=True, exclude=exclude), CHANGED)
    assert (there / "x.log").read_text() == "here"
    assert (there / "there.log").exists()
    assert (there / ".git/there").exists()
    assert (there / "gone/keep/this.log").exists()
    assert not (there / "gone/other").exists()


def test_size_and_time_count_and_checksums_only_if_asked_for(
    copy: Copying, source: Path, there: Path
) -> None:
    good(copy.sync(source, there), CHANGED)
    (there / "a").write_text("X")
    os.utime(there / "a", (1_000_000_000, 1_000_000_000))
    good(copy.sync(source, there), OK)
    data = good(copy.sync(source, there, checksum=True), CHANGED)
    assert data["changes"] == ["> a"]
    assert (there / "a").read_text() == "a"
    os.utime(there / "a", (2_000_000_000, 2_000_000_000))
    data = good(copy.sync(source, there, checksum=True), CHANGED)
    assert (data["files"], data["attributes"]) == (0, 1), "the same bytes need only their time"
    assert (there / "a").stat().st_mtime == 1_000_000_000


def test_mode_owner_and_setuid(near: Copying, source: Path, there: Path) -> None:
    (source / "a").chmod(0o4755)
    good(near.sync(source, there), CHANGED)
    assert mode(there / "a") == 0o755
    finish = Finish(preserve=True, keep_setuid=True)
    good(near.sync(source, there, finish=finish), CHANGED)
    assert mode(there / "a") == 0o4755
    finish = Finish(preserve=True, mode=Mode.parse("go-rwx"))
    good(near.sync(source, there, finish=finish), CHANGED)
    assert (mode(there / "a"), mode(there / "b")) == (0o700, 0o600)


def test_kinds_that_changed(copy: Copying, source: Path, there: Path) -> None:
    good(copy.sync(source, there), CHANGED)
    shutil.rmtree(source / "sub")
    (source / "sub").write_text("a file by now")
    (source / "a").unlink()
    (source / "a").mkdir()
    (source / "a/in").write_text("in")
    words = bad(copy.sync(source, there))
    assert "where" in words
    assert (there / "a").read_text() == "a", "nothing was sent"
    good(copy.sync(source, there, delete=True), CHANGED)
    assert seen(there) == seen(source)


def test_links_there_are_replaced_and_not_followed(
    near: Copying, source: Path, there: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c").write_text("mine")
    there.mkdir()
    (there / "sub").symlink_to(outside)
    assert "link" in bad(near.sync(source, there))
    good(near.sync(source, there, delete=True), CHANGED)
    assert seen(there) == seen(source)
    assert (outside / "c").read_text() == "mine"


def test_fifos_are_left_out_and_told_once_for_all_hosts(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    with copying(local) as copy:
        data = good(copy.sync(source, tmp_path / "mirror"), CHANGED)
        assert data["skipped"] == ["mirror/pipe: neither file, directory nor link"]
        [notice] = copy.of(Notice)
        assert f"{source}/pipe" in notice.message


def test_where_a_mirror_can_not_be(copy: Copying, source: Path, there: Path) -> None:
    assert "is not there" in bad(copy.sync(source, there / "deep"))
    there.write_text("a file")
    assert "is no directory" in bad(copy.sync(source, there))
    assert there.read_text() == "a file"


def test_backup(near: Copying, source: Path, there: Path) -> None:
    good(near.sync(source, there), CHANGED)
    (source / "a").write_text("newer")
    data = good(near.sync(source, there, finish=Finish(preserve=True, backup=True)), CHANGED)
    [kept] = data["backups"]
    assert (there / kept).read_text() == "a"
