"""Archives that we write, read by the tars that hosts have."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.trees.shapes import Node, build, seen, tops, two_directories

from opsrun.trees.entry import Kind
from opsrun.trees.failures import SourceChanged
from opsrun.trees.tarwrite import Member, archive, archive_size, settled
from opsrun.trees.walk import join, walk

TARS = {
    name: words
    for name, words in {"tar": ["tar"], "busybox": ["busybox", "tar"], "bsdtar": ["bsdtar"]}.items()
    if shutil.which(words[0])
}


def members_of(top: bytes) -> list[Member]:
    def member(path: bytes, local: bytes) -> Iterator[bytes]:
        with open(local, "rb") as file:
            while chunk := file.read(777):
                yield chunk

    return [
        Member(
            entry.path,
            entry.kind,
            entry.mode,
            entry.mtime,
            entry.size,
            entry.target,
            lambda path=entry.path: member(path, join(top, path)),
        )
        for entry in walk(top)
    ]


@pytest.mark.parametrize("tar", TARS)
@given(tree=tops)
def test_a_tree_comes_out_as_it_went_in(tar: str, tree: Node) -> None:
    with two_directories() as (source, there):
        build(tree, source)
        members = settled(members_of(source))
        data = b"".join(archive(members))
        assert len(data) == archive_size(members)
        done = subprocess.run(
            [*TARS[tar], "-xpf", "-", "-C", there],
            input=data,
            capture_output=True,
            check=False,
            umask=0,
        )
        assert done.returncode == 0, done.stderr
        # busybox gives links the time at which it makes them.
        times = tar != "busybox"
        assert seen(there, link_times=times) == seen(source, link_times=times)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("tar", TARS)
def test_who_is_not_root_can_unpack_a_directory_without_w(tar: str, tmp_path: Path) -> None:
    members = settled(
        [
            Member(b"", Kind.DIRECTORY, 0o755, 5_000_000_000),
            Member(b"d", Kind.DIRECTORY, 0o555, 6_000_000_000),
            Member(b"d/e", Kind.DIRECTORY, 0o500, 7_000_000_000),
            Member(b"d/e/f", Kind.FILE, 0o444, 8_000_000_000),
        ]
    )
    there = tmp_path / "there"
    there.mkdir()
    os.chown(there, 65534, 65534)
    done = subprocess.run(
        [*TARS[tar], "-xpf", "-"],
        input=b"".join(archive(members)),
        cwd=there,
        capture_output=True,
        check=False,
        user=65534,
        umask=0,
    )
    assert done.returncode == 0, done.stderr
    found = [(entry.path, entry.mode, entry.mtime // 1_000_000_000) for entry in walk(there)]
    kept = 0o700 if tar == "busybox" else 0
    assert found == [
        (b"", 0o755, 5),
        (b"d", 0o555 | kept, 6),
        (b"d/e", 0o500 | kept, 7),
        (b"d/e/f", 0o444, 8),
    ]


def read_by_stdlib(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(data)) as file:
        return file.getmembers()


@given(
    size=st.sampled_from([0, 8 * 2**30 - 1, 8 * 2**30, 2**40]),
    mtime=st.integers(-(2**40), 2**40),
    mode=st.integers(0, 0o177777),
)
def test_numbers_of_any_size_keep_the_promise(size: int, mtime: int, mode: int) -> None:
    member = Member(b"a", Kind.FILE, mode, mtime * 1_000_000_000 + 5, size)
    assert archive_size([member]) == 512 + size + -size % 512 + 1024
    if not size:
        (info,) = read_by_stdlib(b"".join(archive([member])))
        assert (info.mtime, info.mode) == (mtime, mode & 0o7777)
        assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")


@pytest.mark.parametrize("given_bytes", [[b"abc"], [b"ab", b"cd", b"e"], []], ids=len)
def test_a_file_of_another_size_ends_the_archive(given_bytes: list[bytes]) -> None:
    member = Member(b"dir/a", Kind.FILE, 0o644, 0, 4, read=lambda: iter(given_bytes))
    with pytest.raises(SourceChanged, match="dir/a did not give the 4 bytes"):
        b"".join(archive([member]))


def test_memory_is_bounded_and_small_files_go_together() -> None:
    taken = 0

    def large() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield bytes(1024 * 1024)

    members = [
        Member(b"%d" % n, Kind.FILE, 0o644, 0, 5, read=lambda: iter([b"12345"]))
        for n in range(2000)
    ]
    members.append(Member(b"large", Kind.FILE, 0o644, 0, 64 * 1024 * 1024, read=large))
    pieces = 0
    for piece in archive(members):
        pieces += 1
        assert len(piece) <= 1024 * 1024
        assert taken <= max(0, pieces - 7)
    assert 64 + 2000 * 1024 // (256 * 1024) <= pieces <= 64 + 12


def test_the_top_itself_has_a_name() -> None:
    (info,) = read_by_stdlib(b"".join(archive([Member(b"", Kind.DIRECTORY, 0o750, 0)])))
    assert (info.name, info.isdir(), info.mode) == (".", True, 0o750)


@pytest.mark.parametrize("kind", [Kind.DIRECTORY, Kind.LINK])
def test_what_is_no_file_has_no_bytes(kind: Kind) -> None:
    with pytest.raises(ValueError, match="no bytes"):
        archive_size([Member(b"a", kind, 0o755, 0, 5)])
