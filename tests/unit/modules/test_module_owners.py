"""Whose things are: only root can give them away."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.module_host import module_host
from support.remote_files import NOBODY, as_nobody, mounts

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root"),
]


def _whose(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid


def test_file_gives_away_by_name_and_by_number(tmp_path: Path) -> None:
    with module_host(tmp_path) as host:
        args = {
            "path": str(tmp_path / "d/e"),
            "state": "directory",
            "owner": "daemon",
            "group": "7",
        }
        first = host.run("file", args)
        assert (first["owner"], first["uid"], first["gid"]) == ("daemon", 1, 7)
        assert not host.run("file", args)["changed"]
    assert _whose(tmp_path / "d") == _whose(tmp_path / "d/e") == (1, 7)


def test_recursion_reaches_everything_once(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "d").mkdir(parents=True)
    (top / "d/f").write_text("x")
    (top / "d/program").write_text("x")
    (top / "d/program").chmod(0o4755)
    outside = tmp_path / "outside"
    outside.write_text("x")
    (top / "link").symlink_to("../outside")
    args = {"path": str(top), "state": "directory", "recurse": True, "owner": "daemon"}
    with module_host(tmp_path) as host:
        host.run("file", {**args, "follow": False})
        assert _whose(top / "link")[0] == _whose(top / "d/f")[0] == _whose(top)[0] == 1
        assert _whose(outside)[0] == 0
        assert (top / "d/program").stat().st_mode & 0o7777 == 0o4755
        assert not host.run("file", {**args, "follow": False})["changed"]
        assert host.run("file", args)["changed"]
        assert _whose(outside)[0] == 1
        assert not host.run("file", args)["changed"]


def test_copies_keep_whose_a_file_was(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    os.chown(path, 1, 7)
    path.chmod(0o640)
    with module_host(tmp_path) as host:
        told = host.run("copy", {"content": "new", "dest": str(path)})
        assert (told["uid"], told["gid"], told["mode"]) == (1, 7, "0640")
        assert host.run("copy", {"content": "new", "dest": str(path), "owner": "bin"})["changed"]
        there = {"src": str(path), "dest": str(tmp_path / "g"), "remote_src": True, "owner": "bin"}
        assert host.run("copy", there)["owner"] == "bin"
    assert _whose(path) == (2, 7)


def test_a_link_itself_is_given_away(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    args = {"path": str(tmp_path / "l"), "src": "f", "state": "link", "owner": "daemon"}
    with module_host(tmp_path) as host:
        host.run("file", {**args, "follow": False})
        assert not host.run("file", {**args, "follow": False})["changed"]
        assert (_whose(tmp_path / "l")[0], _whose(tmp_path / "f")[0]) == (1, 0)
        host.run("file", args)
        assert _whose(tmp_path / "f")[0] == 1


def test_who_may_not_is_told_so_and_changes_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "f").write_text("x")
    with module_host(tmp_path, prefix=as_nobody()) as host:
        for module, args in (
            ("file", {"path": str(tmp_path / "f"), "mode": "0600"}),
            ("file", {"path": str(tmp_path / "f"), "state": "absent"}),
            ("file", {"path": str(tmp_path / "new"), "state": "touch"}),
            ("copy", {"content": "y", "dest": str(tmp_path / "f")}),
        ):
            told = host.run(module, args)
            assert told["failed"]
            assert "denied" in told["msg"] or "permitted" in told["msg"]
    assert (tmp_path / "f").read_text() == "x"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_file_that_is_a_mount_is_written_in_place_if_that_is_wanted(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "source").write_text("old")
    (tmp_path / "f").write_text("hidden")
    mounted = mounts(f"mount --bind '{tmp_path}/source' '{tmp_path}/f'")
    with mounted as (prefix, _), module_host(tmp_path, prefix=prefix) as host:
        args = {"content": "new", "dest": str(tmp_path / "f")}
        told = host.run("copy", args)
        assert told["failed"]
        assert "mount" in told["msg"]
        assert (tmp_path / "source").read_text() == "old"
        assert host.run("copy", {**args, "unsafe_writes": True})["changed"]
        assert (tmp_path / "source").read_text() == "new"
        assert not host.run("copy", {**args, "unsafe_writes": True})["changed"]


def test_a_file_that_cannot_get_its_owner_does_not_stay(tmp_path: Path) -> None:
    # Where anybody comes to, as not to pytest's own folders.
    with TemporaryDirectory() as name, module_host(tmp_path, prefix=as_nobody()) as host:
        folder = Path(name)
        folder.chmod(0o777)
        there = folder / "there"
        there.write_text("x")
        os.chown(there, NOBODY, NOBODY)
        for path in (folder / "new", there):
            args = {"path": str(path), "state": "touch", "owner": "root"}
            assert "Operation not permitted" in host.run("file", args)["msg"]
        assert not (folder / "new").exists()
        assert there.read_text() == "x"


def test_what_goes_needs_no_owner(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    args = {"path": str(tmp_path / "f"), "state": "absent", "owner": "nosuchuser0"}
    with module_host(tmp_path) as host:
        assert host.run("file", args, check=True)["changed"]
        assert host.run("file", args)["changed"]
        assert not host.run("file", args).get("failed")
    assert not (tmp_path / "f").exists()


def test_a_directory_has_no_hard_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    args = {"path": str(tmp_path / "h"), "src": str(tmp_path / "d"), "state": "hard"}
    with module_host(tmp_path) as host:
        for check in (True, False):
            told = host.run("file", args, check=check)
            assert told["failed"]
            assert "is a directory" in told["msg"]
    assert not (tmp_path / "h").exists()
