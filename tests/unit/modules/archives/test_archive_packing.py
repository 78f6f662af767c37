"""archive: what it packs, when it leaves an archive alone, and what it takes away."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_host import module_host
from support.shells import SHELLS, shells

from opsrun.modules.archives.members import Member, escaped, listed_alike, zip_directory, zip_room
from opsrun.trees.entry import Entry, Kind

NAMES = ["-x", "a b", "quo'te", "back\\slash", "`id`", "$HOME", "new\nline", "\udcff", "a*b"]


def _tree(top: Path) -> Path:
    tree = top / "a 'tree"
    (tree / "sub").mkdir(parents=True)
    for name in NAMES:
        (tree / "sub" / name).write_text(name, errors="surrogateescape")
    (tree / "link").symlink_to("sub")
    os.link(tree / "sub/a b", tree / "sub/second")
    return tree


@pytest.mark.parametrize("userland", ["system", "busybox"])
@pytest.mark.parametrize("name", SHELLS)
def test_names_that_are_hard_on_shells(name: str, userland: str, tmp_path: Path) -> None:
    tree, dest = _tree(tmp_path), tmp_path / "o.tar.gz"
    shell = shells(tmp_path, name, userland)
    args = {"path": str(tree), "dest": str(dest)}
    with module_host(tmp_path, shell.words, shell.prefix) as host:
        assert host.run("archive", args, check=True)["changed"]
        assert not dest.exists()
        told = host.run("archive", args)
        assert told["changed"], told
        with tarfile.open(dest) as archive:
            members = {each.name for each in archive}
        assert members == {f"a 'tree/{n}" for n in ["link", "sub"]} | {
            f"a 'tree/sub/{n}" for n in [*NAMES, "second"]
        }
        assert not host.run("archive", args)["changed"]
        assert not host.run("archive", args, check=True)["changed"]
        # The same size, the same time: only the content tells.
        inner = tree / "sub/-x"
        times = inner.stat()
        inner.write_text("-y")
        os.utime(inner, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert host.run("archive", args, check=True)["changed"]
        assert host.run("archive", args)["changed"]
        assert not host.run("archive", args)["changed"]
        inner.chmod(0o600)
        assert host.run("archive", args)["changed"]
        assert not host.run("archive", args)["changed"]
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".opsrun-")]


@pytest.mark.parametrize("kind", ["gz", "bz2", "tar", "zip"])
def test_unpacked_again(kind: str, tmp_path: Path) -> None:
    """What archive packs, unarchive finds to be there already."""
    if kind == "zip" and shutil.which("zip") is None:
        pytest.skip("there is no zip (Debian: apt-get install zip)")
    (tmp_path / "t/sub").mkdir(parents=True)
    (tmp_path / "t/sub/f").write_text("x" * 5000)
    with module_host(tmp_path) as host:
        packed = {"path": f"{tmp_path}/t", "dest": f"{tmp_path}/o", "format": kind}
        assert host.run("archive", packed)["changed"]
        unpacked = {"src": f"{tmp_path}/o", "dest": str(tmp_path), "remote_src": True}
        assert not host.run("unarchive", unpacked)["changed"]
        (tmp_path / "t/sub/f").write_text("y" * 5000)
        assert host.run("unarchive", unpacked)["changed"]
        assert (tmp_path / "t/sub/f").read_text() == "x" * 5000
        assert not host.run("archive", packed)["changed"]


def test_what_is_not_packed_is_not_taken_away(tmp_path: Path) -> None:
    (tmp_path / "t/logs").mkdir(parents=True)
    for name in ("t/one", "t/logs/a.log", "t/logs/b"):
        (tmp_path / name).write_text(name)
    os.mkfifo(tmp_path / "t/fifo")
    args = {"path": f"{tmp_path}/t", "dest": f"{tmp_path}/o.tgz", "remove": True}
    with module_host(tmp_path) as host:
        told = host.run("archive", {**args, "exclusion_patterns": ["*.log"]})
    assert told["changed"]
    assert told["warnings"] == [
        f"{tmp_path}/t/fifo is a device, a fifo or a socket: it is not packed"
    ]
    left = sorted(str(each.relative_to(tmp_path)) for each in (tmp_path / "t").rglob("*"))
    assert left == ["t/fifo", "t/logs", "t/logs/a.log"]


def test_an_archive_that_is_there_already_and_what_is_removed(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/one").write_text("1")
    args: dict[str, Any] = {"path": f"{tmp_path}/t", "dest": f"{tmp_path}/o.tgz"}
    with module_host(tmp_path) as host:
        host.run("archive", args)
        assert not host.run("archive", args)["changed"]
        assert host.run("archive", {**args, "remove": True}, check=True)["changed"]
        assert (tmp_path / "t/one").exists()
        assert host.run("archive", {**args, "remove": True})["changed"]
        assert not (tmp_path / "t").exists()
        assert not host.run("archive", {**args, "remove": True})["changed"]
        damaged = (tmp_path / "o.tgz").read_bytes()[:-12]
        (tmp_path / "o.tgz").write_bytes(damaged)
        (tmp_path / "t").mkdir()
        (tmp_path / "t/one").write_text("1")
        assert host.run("archive", args)["changed"]
        with tarfile.open(tmp_path / "o.tgz") as archive:
            assert archive.getnames() == ["t/one"]


def test_a_tool_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    shell = shells(tmp_path, "dash", "busybox")
    args = {"path": f"{tmp_path}/f", "format": "zip"}
    with module_host(tmp_path, shell.words, shell.prefix) as host:
        refused = host.run("archive", args)
        foreseen = host.run("archive", args, check=True)
    assert refused["failed"]
    assert "the package zip" in refused["msg"]
    # A task before may be what installs it.
    assert foreseen["changed"]
    assert foreseen["warnings"] == [refused["msg"]]


@given(st.dictionaries(st.from_regex(r"[a-z/]{1,12}\Z"), st.binary(max_size=50), max_size=8))
def test_the_directory_of_a_zip_archive(files: dict[str, bytes]) -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
        wanted = {each.filename.encode(): (each.CRC, each.file_size) for each in archive.infolist()}
    data = made.getvalue()
    room = zip_room([name.encode() for name in files])
    assert zip_directory(data[-room:]) == wanted
    assert zip_directory(data[:-1] if files else b"") is None


@given(st.binary(min_size=1, max_size=20).filter(lambda each: b"\0" not in each))
def test_escaped_names_are_one_line_and_differ(name: bytes) -> None:
    told = escaped(name)
    assert told.isascii()
    assert told.isprintable()
    assert told.encode().decode("unicode_escape").encode("latin-1") == name


def _member(name: bytes, **more: Any) -> Member:
    facts: dict[str, Any] = {"mode": 0o644, "size": 3, "mtime": 10**9, "uid": 0, "gid": 7, **more}
    return Member(name, "/x", Entry(path=name, kind=Kind.FILE, **facts))


LINE = "-rw-r--r-- 0/7               3 1970-01-01 00:00:01 a link to b"


@pytest.mark.parametrize(
    ("listing", "more", "alike"),
    [
        (LINE, {}, True),
        (LINE, {"mode": 0o4644}, False),
        (LINE, {"uid": 1}, False),
        (LINE, {"gid": 1}, False),
        (LINE, {"size": 4}, False),
        (LINE, {"mtime": 2 * 10**9}, False),
        (LINE, {"mtime": 10**9 + 5}, True),
        (f"{LINE}\n{LINE}", {}, False),
        ("", {}, False),
        ("tar: something", {}, False),
        (LINE.replace(":01 a", ":01.500    a"), {}, True),
        (LINE.replace("-rw", "hrw") + " link to c", {}, True),
        (LINE.replace("-rw", "drw") + "/", {}, False),
    ],
)
def test_a_listing(listing: str, more: dict[str, int], alike: bool) -> None:
    assert listed_alike(listing, [_member(b"a link to b", **more)], ()) is alike


def test_times_that_do_not_count() -> None:
    members = [_member(b"a link to b", mtime=5)]
    assert not listed_alike(LINE, members, ())
    assert listed_alike(LINE, members, {b"a link to b"})


def test_an_archive_with_parts_of_seconds(tmp_path: Path) -> None:
    """As Python's own module writes them, to another precision than the file system's."""
    for number, name in enumerate(("t/a", "t/b", "t/ c")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(
            path, ns=(0, [1_700_000_000_123_456_789, 1_700_000_000_500_000_000, 10**18][number])
        )
    with tarfile.open(tmp_path / "o.tar", "w") as archive:
        for name in ("t/a", "t/b", "t/ c"):
            archive.add(tmp_path / name, name)
    with module_host(tmp_path) as host:
        args = {"path": f"{tmp_path}/t", "dest": f"{tmp_path}/o.tar", "format": "tar"}
        assert not host.run("archive", args)["changed"]
        os.utime(tmp_path / "t/a", (0, 1_700_000_001))
        assert host.run("archive", args)["changed"]
