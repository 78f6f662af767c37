"""Files get into their place whole or not at all, and nothing is left lying about."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from unit.trees.archives import END, directory, link, member
from unit.trees.shapes import Node, build, seen, tops, two_directories

from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import ArchiveError, PlaceError, TreeError
from opsrun.trees.got import Got, Rules
from opsrun.trees.merge import Placed, Placing
from opsrun.trees.place import Stage, current_umask
from opsrun.trees.single import SingleFile
from opsrun.trees.unpack import Unpacker
from opsrun.trees.walk import walk


def get(
    there: Path | bytes, archive: bytes, rules: Rules | None = None, placing: Placing | None = None
) -> tuple[Got, Placed]:
    with Stage(there) as stage, Unpacker(stage.fd, rules=rules) as unpacker:
        unpacker.feed(archive)
        got = unpacker.close()
        return got, stage.place(got, placing)


def names(top: Path) -> list[str]:
    return sorted(os.fsdecode(entry.path) for entry in walk(top) if entry.path)


@given(tree=tops)
def test_a_tree_gets_there_and_back(tree: Node) -> None:
    with two_directories() as (source, above):
        build(tree, source)
        archive = subprocess.run(
            ["tar", "--format=posix", "-cf", "-", "-C", source, "."],
            capture_output=True,
            check=True,
        ).stdout
        rules = Rules(preserve=True, unsafe_links=True)
        there = above + b"/x/y"
        for _ in range(2):
            get(there, archive, rules, Placing(keep_modes=False))
            assert seen(there) == seen(source)
        top, original = next(walk(there)), next(walk(source))
        assert (top.mode, top.mtime) == (original.mode, original.mtime)


def test_directories_merge_and_new_ones_are_renamed_at_once(tmp_path: Path) -> None:
    (tmp_path / "d" / "old").mkdir(parents=True)
    (tmp_path / "d" / "f").write_text("old")
    (tmp_path / "d" / "kept").write_text("kept")
    archive = member("d/f", b"new") + member("d/g") + member("d/new/deep/h") + member("e/i") + END
    _, placed = get(tmp_path, archive)
    assert placed.replaced == [b"d/f"]
    assert sorted(placed.new) == [b"d/g", b"d/new", b"e"]
    assert (tmp_path / "d" / "f").read_text() == "new"
    assert names(tmp_path) == sorted(
        ["d", "d/f", "d/g", "d/kept", "d/new", "d/new/deep", "d/new/deep/h", "d/old", "e", "e/i"]
    )


def test_what_is_replaced_is_another_file_for_who_has_it_open(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with open(tmp_path / "f") as before:
        get(tmp_path, member("f", b"new") + END)
        assert before.read() == "old"
    assert (tmp_path / "f").read_text() == "new"


IN_THE_WAY: dict[str, tuple[Callable[[Path], object], bytes, str]] = {
    "directory for a file": (
        Path.mkdir,
        member("x"),
        "x is a directory there, where a file should",
    ),
    "file for a directory": (Path.touch, member("x/f"), "x is a file there, where a directory"),
    "link for a file": (
        lambda path: path.symlink_to("a"),
        member("x"),
        "x is a link there, where a file should be",
    ),
    "dangling link for a file": (
        lambda path: path.symlink_to("nowhere"),
        member("x"),
        "x is a link there, where a file should be",
    ),
    "link for a directory": (
        lambda path: path.symlink_to("/tmp"),
        member("x/f"),
        "x is a link there, where a directory should be",
    ),
    "directory for a link": (Path.mkdir, link("x", "a"), "x is a directory there, where a link"),
    "fifo for a file": (
        os.mkfifo,
        member("x"),
        "x is a device, fifo or socket there, where a file",
    ),
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_in_the_way(tmp_path: Path, case: str) -> None:
    make, archive, why = IN_THE_WAY[case]
    (tmp_path / "a").write_text("old")
    make(tmp_path / "x")
    before = seen(tmp_path)
    with pytest.raises(PlaceError, match=why):
        get(tmp_path, member("a", b"new") + member("new/f") + archive + END)
    # Not even what comes before it in the alphabet was renamed.
    assert seen(tmp_path) == before


def test_links_replace_links_and_files(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "l").symlink_to("old")
    get(tmp_path, link("f", "new") + link("l", "new") + END)
    assert os.readlink(tmp_path / "f") == os.readlink(tmp_path / "l") == "new"


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_destination_that_is_a_link(tmp_path: Path, ending: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    place = os.fsencode(tmp_path / "link") + ending.encode()
    if ending:
        get(place, member("f") + END)
        assert names(tmp_path / "real") == ["f"]
    else:
        with pytest.raises(PlaceError, match="is a link to real") as caught:
            get(place, member("f") + END)
        assert caught.value.hint == "write a / behind it to mean that directory"
        assert names(tmp_path / "real") == []


def test_a_destination_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for place, why in (("f", "f is no directory"), ("f/x", "f/x: Not a directory")):
        with pytest.raises(PlaceError, match=why):
            get(tmp_path / place, member("f") + END)


def test_a_destination_is_made_and_gone_again_if_nothing_came(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        get(tmp_path / "a" / "b", member("../f") + END)
    assert names(tmp_path) == []
    get(tmp_path / "a" / "b", member("f") + END)
    assert names(tmp_path) == ["a", "a/b", "a/b/f"]
    with pytest.raises(ArchiveError):
        get(tmp_path / "a" / "c", member("f"))
    assert names(tmp_path) == ["a", "a/b", "a/b/f"]


def test_the_stage_is_private_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    with Stage(tmp_path) as one, Stage(tmp_path) as two:
        stages = [path for path in tmp_path.iterdir() if path.name.startswith(".opsrun-")]
        assert len(stages) == 2
        assert {path.stat().st_mode & 0o7777 for path in stages} == {0o700}
        assert os.fstat(one.fd).st_ino != os.fstat(two.fd).st_ino
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [ArchiveError("x"), KeyboardInterrupt(), ValueError("x")])
def test_the_stage_goes_whatever_happens(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "f").write_text("old")

    def fail() -> None:
        with Stage(tmp_path) as stage, Unpacker(stage.fd) as unpacker:
            unpacker.feed(
                directory("a/b") + member("a/b/c") + link("l", "a") + member("f", b"n" * 999)
            )
            raise error

    with pytest.raises(type(error)):
        fail()
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "old"


@contextmanager
def descriptors_kept() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("cut", range(0, 4609, 256))
def test_an_archive_that_is_cut_anywhere_changes_nothing(tmp_path: Path, cut: int) -> None:
    (tmp_path / "f").write_text("old")
    archive = directory("d") + member("d/e", b"x" * 600) + member("f", b"new" * 300) + END
    with descriptors_kept():
        if cut in (len(archive) - 512, len(archive)):
            get(tmp_path, archive[:cut])
            assert (tmp_path / "f").read_text() == "new" * 300
        else:
            with pytest.raises(ArchiveError):
                get(tmp_path, archive[:cut])
            assert names(tmp_path) == ["f"]
            assert (tmp_path / "f").read_text() == "old"


def test_backups(tmp_path: Path) -> None:
    for name in ("f", "g", "d/h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old " + name)
    (tmp_path / "f~").write_text("older")
    (tmp_path / "l").symlink_to("old")
    os.utime(tmp_path / "f", ns=(5, 5))
    archive = member("f", b"new") + member("d/h", b"new") + member("n") + link("l", "new")
    # Nor is a file that is called like a stage in the way of it.
    _, placed = get(
        tmp_path, archive + member(".opsrun-backup") + END, placing=Placing(backup=b"~")
    )
    assert placed.backups == [b"f~", b"l~", b"d/h~"]
    assert (tmp_path / "f~").read_text() == "old f"
    assert (tmp_path / "f~").stat().st_mtime_ns == 5
    assert (tmp_path / "d" / "h~").read_text() == "old d/h"
    assert os.readlink(tmp_path / "l~") == "old"
    assert not (tmp_path / "g~").exists()
    assert (tmp_path / ".opsrun-backup").exists()
    get(tmp_path, member("f", b"newer") + END, placing=Placing(backup=b"~"))
    assert (tmp_path / "f~").read_text() == "new"


def test_backups_where_files_can_have_one_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    (tmp_path / "f").write_bytes(b"old" * 100_000)
    os.chmod(tmp_path / "f", 0o640)
    os.utime(tmp_path / "f", ns=(5, 5))
    monkeypatch.setattr(os, "link", refuse)
    get(tmp_path, member("f", b"new") + END, placing=Placing(backup=b".bak"))
    status = (tmp_path / "f.bak").stat()
    assert (status.st_size, status.st_mode & 0o7777, status.st_mtime_ns) == (300_000, 0o640, 5)
    assert (tmp_path / "f").read_text() == "new"


def test_a_backup_that_cannot_be_made_leaves_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f~").mkdir()
    with pytest.raises(PlaceError, match="can't put in place f: Is a directory"):
        get(tmp_path, member("f", b"new") + END, placing=Placing(backup=b"~"))
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f", "f~"]


@pytest.mark.parametrize(
    ("rules", "placing", "modes"),
    [
        (Rules(umask=0o027), Placing(), (0o604, 0o640, 0o701, 0o750)),
        (Rules(umask=0o027), Placing(keep_modes=False), (0o640, 0o640, 0o750, 0o750)),
        (Rules(preserve=True), Placing(keep_modes=False), (0o666, 0o666, 0o777, 0o777)),
    ],
)
def test_modes(
    tmp_path: Path, rules: Rules, placing: Placing, modes: tuple[int, int, int, int]
) -> None:
    (tmp_path / "old").touch()
    os.chmod(tmp_path / "old", 0o4604)
    (tmp_path / "olddir").mkdir()
    os.chmod(tmp_path / "olddir", 0o701)
    archive = member("old", mode=0o666) + member("new", mode=0o666)
    for name in ("olddir", "newdir"):
        archive += member(name, type=tarfile.DIRTYPE, mode=0o777, mtime=7) + member(name + "/f")
    get(tmp_path, archive + END, rules, placing)
    found = [(tmp_path / name).stat() for name in ("old", "new", "olddir", "newdir")]
    assert tuple(status.st_mode & 0o7777 for status in found) == modes
    assert ([status.st_mtime for status in found[2:]] == [7, 7]) == rules.preserve


def test_a_directory_without_w_gets_there(tmp_path: Path) -> None:
    archive = member("d", type=tarfile.DIRTYPE, mode=0o555) + member("d/e/f", b"x") + END
    get(tmp_path, archive)
    assert (tmp_path / "d").stat().st_mode & 0o7777 == 0o555
    assert (tmp_path / "d" / "e" / "f").read_text() == "x"


def test_a_disk_that_is_full_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_text("old")
    real = os.pwrite

    def nearly_full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset + len(data) > 1000:
            raise OSError(28, "No space left on device")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", nearly_full)
    with descriptors_kept(), pytest.raises(PlaceError, match="can't write f: No space left"):
        get(tmp_path, member("a", b"x" * 900) + member("f", b"x" * 1100) + END)
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "opsrun-test", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("can't mount a file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.root
def test_a_real_disk_that_is_full(small_disk: Path) -> None:
    (small_disk / "f").write_bytes(b"old" * 10_000)
    with descriptors_kept(), pytest.raises(PlaceError, match="can't write f: No space left"):
        get(small_disk, member("a", b"x" * 99_000) + member("f", b"x" * 300_000) + END)
    assert names(small_disk) == ["f"]
    assert (small_disk / "f").read_bytes() == b"old" * 10_000
    get(small_disk, member("f", b"x" * 150_000) + END)
    assert (small_disk / "f").stat().st_size == 150_000


def test_a_rename_that_fails_says_which_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    real = os.rename

    def fail(old: bytes, new: bytes, **options: int) -> None:
        if new == b"b":
            raise OSError(5, "Input/output error")
        real(old, new, **options)

    monkeypatch.setattr(os, "rename", fail)
    with descriptors_kept(), pytest.raises(PlaceError, match="can't put in place b: Input/output"):
        get(tmp_path, member("a", b"new") + member("b", b"new") + END)
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["new", "old"]
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_named(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o500)
    with pytest.raises(PlaceError, match=r"can't write in .*: Permission denied"):
        get(tmp_path, member("f") + END)
    os.chmod(tmp_path, 0o700)


def test_a_destination_that_refuses_a_stage_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refuse)
    with descriptors_kept():
        with pytest.raises(PlaceError, match=r"can't write in .*: Read-only file system"):
            Stage(tmp_path)
        with pytest.raises(PlaceError, match=r"can't make the directory .*/x: Read-only file"):
            Stage(tmp_path / "x" / "y")


def test_a_stage_that_cannot_be_removed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    def end_well() -> None:
        with Stage(tmp_path):
            monkeypatch.setattr(os, "rmdir", refuse)

    with pytest.raises(PlaceError, match=r"can't remove .*/\.opsrun-\w+: Input/output error"):
        end_well()


def test_everything_is_synced_if_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.path.isdir(f"/proc/self/fd/{fd}")))
    (tmp_path / "d").mkdir()
    archive = member("d/f") + member("g", mode=0) + END
    get(tmp_path, archive)
    assert synced == []
    get(tmp_path, archive, Rules(fsync=True), Placing(fsync=True))
    # Two files, and the two directories in which something was renamed.
    assert synced == [False, False, True, True]


def test_a_very_deep_tree_takes_neither_recursion_nor_descriptors(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 1100)
    with descriptors_kept():
        get(tmp_path, member(deep + "/f") + END)
        assert sum(1 for _ in walk(tmp_path)) == 1102
        with pytest.raises(ArchiveError):
            get(tmp_path, member("e/" + deep) + member("/f"))
        with Stage(tmp_path) as stage:
            os.rename(tmp_path / "d", "x", dst_dir_fd=stage.fd)
    assert names(tmp_path) == []


def promised(size: int, **fields: int) -> Entry:
    return Entry(b"f", Kind.FILE, fields.get("mode", 0o644), size, 5_000_000_000, 0, 0)


def receive(there: Path, data: bytes, entry: Entry, step: int = 7, **options: bool) -> Got:
    with Stage(there) as stage, SingleFile(stage.fd, b"f", entry, **options) as file:
        for at in range(0, len(data), step):
            file.feed(data[at : at + step])
        got = file.close()
        stage.place(got)
        return got


def test_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with descriptors_kept():
        got = receive(tmp_path, b"new bytes", promised(9))
    assert (tmp_path / "f").read_bytes() == b"new bytes"
    assert got.files[b"f"].size == 9


@pytest.mark.parametrize(("size", "why"), [(8, "grew beyond its 8"), (10, "ended after 9 of 10")])
def test_a_single_file_of_another_size(tmp_path: Path, size: int, why: str) -> None:
    (tmp_path / "f").write_text("old")
    with descriptors_kept(), pytest.raises(ArchiveError, match=why):
        receive(tmp_path, b"new bytes", promised(size))
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_a_single_file_whose_size_nobody_knows(tmp_path: Path) -> None:
    got = receive(tmp_path, b"cpu 1 2 3", promised(0), sized=False)
    assert (tmp_path / "f").read_bytes() == b"cpu 1 2 3"
    assert got.files[b"f"].size == 9


def test_a_single_sparse_file_has_holes_again(tmp_path: Path) -> None:
    data = b"x" * 10 + bytes(10_000_000) + b"y"
    entry = Entry(b"f", Kind.FILE, 0o644, len(data), 0, 0, 0, allocated=8192)
    receive(tmp_path, data, entry, 32_768)
    assert (tmp_path / "f").read_bytes() == data
    assert (tmp_path / "f").stat().st_blocks * 512 < 200_000


def test_the_umask_is_asked_for_and_not_changed() -> None:
    before = os.umask(0o031)
    try:
        assert current_umask() == 0o031
        assert os.umask(0o031) == 0o031
    finally:
        os.umask(before)


def test_errors_of_the_room_are_errors_of_a_host() -> None:
    error = PlaceError("can't write f: No space left on device")
    assert isinstance(error, TreeError)
    error.host = "web01"
    assert str(error) == "web01: run: can't write f: No space left on device"
