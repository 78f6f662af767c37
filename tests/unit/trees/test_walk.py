"""Trees are walked as they are: nothing followed, nothing missed, nothing hidden."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from unit.trees.shapes import Node, build, tops, two_directories

from opsrun.errors import UsageError
from opsrun.trees.below import remove_below
from opsrun.trees.entry import Kind
from opsrun.trees.exclude import parse_excludes
from opsrun.trees.walk import walk


def paths_of(top: Path, **options: bool) -> list[bytes]:
    return [entry.path for entry in walk(top, **options)]


@given(tree=tops)
def test_every_entry_once_sorted_and_directories_first(tree: Node) -> None:
    expected: dict[bytes, Node] = {}

    def expect(node: Node, path: bytes) -> None:
        expected[path] = node
        for name, below in (node.below or {}).items():
            expect(below, path + b"/" + name if path else name)

    expect(tree, b"")
    with two_directories() as (top, _):
        build(tree, top)
        entries = list(walk(top))
        assert [entry.path.split(b"/") for entry in entries] == sorted(
            entry.path.split(b"/") for entry in entries
        )
        assert {entry.path for entry in entries} == set(expected)
        for entry in entries:
            node = expected[entry.path]
            assert entry.mtime == node.mtime
            assert entry.target == node.target
            assert entry.kind is (
                Kind.DIRECTORY
                if node.below is not None
                else Kind.LINK
                if node.target
                else Kind.FILE
            )
            size = sum(part if isinstance(part, int) else len(part) for part in node.data)
            assert entry.size == size
            if entry.kind is not Kind.LINK:
                assert entry.mode == node.mode


def test_a_file_or_a_link_is_a_tree_of_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    (tmp_path / "l").symlink_to("f")
    (entry,) = walk(tmp_path / "f")
    assert (entry.path, entry.kind, entry.size) == (b"", Kind.FILE, 3)
    (entry,) = walk(os.fsencode(tmp_path / "l"))
    assert (entry.kind, entry.target, entry.size) == (Kind.LINK, b"f", 0)
    (entry,) = walk(tmp_path / "l", follow_top=True)
    assert (entry.kind, entry.target, entry.size) == (Kind.FILE, b"", 3)


def test_what_is_no_file_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    assert [entry.kind for entry in walk(".")] == [Kind.DIRECTORY, Kind.OTHER, Kind.OTHER]
    (device,) = walk("/dev/null")
    assert (device.kind, device.size) == (Kind.OTHER, 0)


def test_links_in_circles_are_harmless(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "up").symlink_to("..")
    (below / "top").symlink_to(tmp_path)
    (below / "self").symlink_to("self")
    (below / "nowhere").symlink_to("nothing")
    (below / "side").symlink_to(tmp_path / "other")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "f").touch()
    (tmp_path / "other" / "back").symlink_to(tmp_path / "a")
    kinds = {entry.path: entry.kind for entry in walk(tmp_path, follow=True)}
    assert {path for path, kind in kinds.items() if kind is Kind.LINK} == {
        *(b"a/b/up", b"a/b/top", b"a/b/self", b"a/b/nowhere", b"a/b/side/back"),
        *(b"other/back/b/up", b"other/back/b/top", b"other/back/b/self"),
        *(b"other/back/b/nowhere", b"other/back/b/side"),
    }
    assert kinds[b"a/b/side/f"] is kinds[b"other/f"] is Kind.FILE
    assert kinds[b"other/back"] is Kind.DIRECTORY
    not_followed = {entry.kind for entry in walk(below)}
    assert not_followed == {Kind.DIRECTORY, Kind.LINK}


def test_what_is_excluded_is_not_even_looked_into(tmp_path: Path) -> None:
    for name in ("keep/f.pyc", "keep/f", "cache/f", "x/cache/f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    exclude = parse_excludes(["*.pyc", "cache/"])
    assert [entry.path for entry in walk(tmp_path, exclude)] == [b"", b"keep", b"keep/f", b"x"]


def test_the_top_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read .*/nothing: No such file or directory"):
        list(walk(tmp_path / "nothing"))
    (tmp_path / "f").touch()
    with pytest.raises(UsageError, match=r"can't read .*/f/x: Not a directory"):
        list(walk(tmp_path / "f" / "x"))


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "secret").touch()
    real = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, *rest, **more: b"secret" not in path and real(path, *rest, **more),
    )
    with pytest.raises(UsageError, match=r"can't read .*/d/secret: Permission denied"):
        list(walk(tmp_path))
    assert paths_of(tmp_path, contents=False) == [b"", b"d", b"d/secret"]

    def refuse(path: bytes) -> list[bytes]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(UsageError, match=r"can't read .*: Permission denied"):
        list(walk(tmp_path, contents=False))


def test_what_vanishes_meanwhile_was_never_there(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").touch()
    found = []
    for entry in walk(tmp_path):
        found.append(entry.path)
        if entry.path == b"a":
            (tmp_path / "a" / "f").unlink()
            (tmp_path / "b" / "f").unlink()
            (tmp_path / "b").rmdir()
    assert found == [b"", b"a", b"b", b"c", b"c/f"]


def test_deep_trees_take_no_recursion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    monkeypatch.chdir(tmp_path)
    assert len(paths_of(Path("."))) == 1201
    # Nor does removing them, which shutil.rmtree can't do.
    top = os.open(".", os.O_RDONLY)
    remove_below(top, b"d")
    os.close(top)
    assert os.listdir(".") == []


def test_sparse_files_say_so(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.truncate(1_000_000)
    (entry,) = walk(tmp_path / "f")
    assert entry.allocated is not None
    assert entry.allocated < entry.size == 1_000_000
