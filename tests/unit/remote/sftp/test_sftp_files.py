"""Files over SFTP, against OpenSSH's own server: with all that it has, and with the draft alone."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import sftp as server
from support.engines import make_engine

from opsrun.engine.base import Engine
from opsrun.errors import HostError, TransferFailed, UsageError
from opsrun.remote.files.delivery import (
    Attributes,
    Backup,
    Delivery,
    FilePart,
    NewDirectory,
    NewLink,
    Segment,
    TarPart,
)
from opsrun.remote.files.looking import Place
from opsrun.remote.files.tools import Check, Tar
from opsrun.remote.sftp import requests
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.files import SFTPFiles
from opsrun.remote.sftp.intake import Intake
from opsrun.trees.entry import Entry, Kind

BIG = os.urandom(700_001)
"""More than a few pieces, and not a number of them."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = make_engine()
    yield engine
    assert engine.close(10.0)


@pytest.fixture(params=["openssh", "draft"])
def sftp(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[SFTP]:
    """A server that starts in tmp_path."""
    without = "" if request.param == "openssh" else server.PLAIN
    sftp = server.openssh(engine, without=without, directory=tmp_path)
    yield sftp
    sftp.close()


@pytest.fixture
def files(sftp: SFTP) -> SFTPFiles:
    return SFTPFiles(sftp)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """A directory to put things into."""
    made = tmp_path / "dest"
    made.mkdir()
    return made


def b(path: Path | str) -> bytes:
    return os.fsencode(path)


def one(dest: Path, name: bytes, data: bytes, mode: int = 0o644, **more: object) -> Delivery:
    return Delivery(b(dest), (FilePart(name, len(data), mode),), **more)  # type: ignore[arg-type]


def chunked(data: bytes, size: int = 100_000) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


# -- delivering


@pytest.mark.parametrize("data", [b"", b"hello\n", BIG], ids=["empty", "small", "big"])
@pytest.mark.parametrize("mode", [0o600, 0o755, 0o6755, 0o444])
def test_a_new_file(files: SFTPFiles, dest: Path, data: bytes, mode: int) -> None:
    done = files.deliver(one(dest, b"f", data, mode), chunked(data))
    assert (dest / "f").read_bytes() == data
    assert mode_of(dest / "f") == mode
    assert (done.replaced, names(dest)) == ((), ["f"])


@pytest.mark.parametrize("data", [b"new", BIG], ids=["small", "big"])
def test_a_file_that_replaces_another(files: SFTPFiles, dest: Path, data: bytes) -> None:
    (dest / "f").write_text("old")
    old = (dest / "f").open()
    done = files.deliver(one(dest, b"f", data), chunked(data))
    assert (dest / "f").read_bytes() == data
    assert (done.replaced, names(dest)) == ((b"f",), ["f"])
    assert old.read() == "old", "who has the old one open goes on reading it"
    old.close()


def test_a_tree(files: SFTPFiles, dest: Path) -> None:
    (dest / "etc").mkdir()
    (dest / "etc" / "x").write_text("old")
    parts = (
        FilePart(b"etc/x", 3, 0o640),
        FilePart(b"new/deep/f", 5, 0o600),
        FilePart(b"new/big", len(BIG), 0o644),
        FilePart(b"etc/y", 1, 0o644),
    )
    directories = (
        NewDirectory(b"new", 0o555),
        NewDirectory(b"new/deep", 0o500),
        NewDirectory(b"new/deep/empty", 0o1777),
    )
    links = (NewLink(b"new/link", b"../nowhere"), NewLink(b"l", b"/etc/passwd"))
    delivery = Delivery(b(dest), parts, directories, links)
    done = files.deliver(delivery, chunked(b"abc" + b"12345" + BIG + b"!"))
    assert done.replaced == (b"etc/x",)
    assert (dest / "etc" / "x").read_text() == "abc"
    assert (dest / "new" / "deep" / "f").read_text() == "12345"
    assert (dest / "new" / "big").read_bytes() == BIG
    assert (dest / "etc" / "y").read_text() == "!"
    assert [mode_of(dest / each) for each in ("new", "new/deep", "new/deep/empty")] == [
        0o555,
        0o500,
        0o1777,
    ]
    assert os.readlink(dest / "new" / "link") == "../nowhere"
    assert os.readlink(dest / "l") == "/etc/passwd"
    assert names(dest) == ["etc", "l", "new"]


def test_many_small_files(files: SFTPFiles, dest: Path) -> None:
    content = {b"%03d" % number: os.urandom(number) for number in range(500)}
    parts = tuple(FilePart(name, len(data), 0o644) for name, data in content.items())
    files.deliver(Delivery(b(dest), parts), chunked(b"".join(content.values()), 1_000))
    assert {b(name): (dest / name).read_bytes() for name in names(dest)} == content


def test_holes_stay_holes(files: SFTPFiles, dest: Path) -> None:
    size = 50 * 1024 * 1024 + 5
    segments = (Segment(4096, 8192), Segment(size - 5, 5))
    part = FilePart(b"sparse", size, 0o644, segments)
    files.deliver(Delivery(b(dest), (part,)), chunked(b"a" * 8192 + b"12345"))
    status = (dest / "sparse").stat()
    assert status.st_size == size
    assert status.st_blocks * 512 < 1024 * 1024
    with (dest / "sparse").open("rb") as file:
        assert file.read(4096 + 8192 + 1) == bytes(4096) + b"a" * 8192 + b"\0"
        file.seek(-6, os.SEEK_END)
        assert file.read() == b"\x0012345"


def test_a_file_that_is_one_hole(files: SFTPFiles, dest: Path) -> None:
    files.deliver(Delivery(b(dest), (FilePart(b"f", 10_000_000, 0o644, ()),)), ())
    assert (dest / "f").stat().st_size == 10_000_000


def test_attributes_are_set_before_the_move(files: SFTPFiles, dest: Path) -> None:
    delivery = one(
        dest,
        b"f",
        b"x",
        attributes=(Attributes((b"f",), mode=0o2711, mtime=1_234_567_890 * 10**9),),
    )
    files.deliver(delivery, [b"x"])
    assert mode_of(dest / "f") == 0o2711
    assert (dest / "f").stat().st_mtime == 1_234_567_890


@pytest.mark.root
def test_an_owner_by_number(files: SFTPFiles, dest: Path) -> None:
    wanted = (
        Attributes((b"f",), owner=1234, group="4321"),
        Attributes((b"g",), group=4321, mode=0o4755),
    )
    parts = (FilePart(b"f", 1, 0o6755), FilePart(b"g", 1, 0o644))
    files.deliver(Delivery(b(dest), parts, attributes=wanted), [b"xy"])
    status = (dest / "f").stat()
    assert (status.st_uid, status.st_gid, mode_of(dest / "f")) == (1234, 4321, 0o755)
    assert ((dest / "g").stat().st_gid, mode_of(dest / "g")) == (4321, 0o4755)


def test_modes_and_times_of_new_directories(files: SFTPFiles, dest: Path) -> None:
    directories = (NewDirectory(b"d", 0o755), NewDirectory(b"d/e", 0o755))
    wanted = (
        Attributes((b"d", b"d/e"), mode=0o700, mtime=10**18),
        Attributes((b"d/e/f",), mtime=10**18),
    )
    part = FilePart(b"d/e/f", 1, 0o644)
    files.deliver(Delivery(b(dest), (part,), directories, attributes=wanted), [b"x"])
    for name in ("d", "d/e", "d/e/f"):
        assert (dest / name).stat().st_mtime == 10**9, name
    assert [mode_of(dest / each) for each in ("d", "d/e")] == [0o700, 0o700]


def test_times_of_links_where_that_can_be(files: SFTPFiles, sftp: SFTP, dest: Path) -> None:
    wanted = (Attributes((b"l",), mtime=10**18),)
    files.deliver(Delivery(b(dest), links=(NewLink(b"l", b"x"),), attributes=wanted), ())
    assert ((dest / "l").lstat().st_mtime == 10**9) == sftp.has(requests.LSETSTAT)


def test_backups(files: SFTPFiles, sftp: SFTP, dest: Path) -> None:
    (dest / "f").write_text("old")
    (dest / "l").symlink_to("target")
    delivery = Delivery(
        b(dest),
        (FilePart(b"f", 3, 0o644), FilePart(b"g", 3, 0o644)),
        links=(NewLink(b"l", b"other"),),
        backup=b".bak~",
    )
    if not sftp.has(requests.HARDLINK):
        with pytest.raises(TransferFailed, match="--backup needs hard links"):
            files.deliver(delivery, [b"newnew"])
        assert names(dest) == ["f", "l"]
        assert (dest / "f").read_text() == "old"
        return
    done = files.deliver(delivery, [b"newnew"])
    assert set(done.backups) == {Backup(b"f", b"f.bak~"), Backup(b"l", b"l.bak~")}
    assert (dest / "f.bak~").read_text() == "old"
    assert (dest / "f").read_text() == "new"
    assert (os.readlink(dest / "l.bak~"), os.readlink(dest / "l")) == ("target", "other")
    (dest / "g.bak~").write_text("in the way")
    with pytest.raises(TransferFailed, match="has a backup of that name already"):
        files.deliver(delivery, [b"newnew"])
    assert names(dest) == ["f", "f.bak~", "g", "g.bak~", "l", "l.bak~"]


ODD = [b"-rf", b"a\nb", b"'\"$(x)`*?[", b"\xff\xfe", b" ", b"~", b"\\", b"x" * 255]


def test_odd_names(files: SFTPFiles, dest: Path) -> None:
    parts = tuple(FilePart(name, 1, 0o644) for name in ODD)
    files.deliver(Delivery(b(dest), parts), [b"x" * len(ODD)])
    assert sorted(os.listdir(b(dest))) == sorted(ODD)
    listed = files.entries(b(dest))
    assert sorted(each.path for each in listed) == sorted([b"", *ODD])
    assert set(files.digests(b(dest), listed[1:])) == set(ODD)
    files.remove(b(dest), ODD)
    assert names(dest) == []


# -- what is refused, and leaves all as it was


def refused(files: SFTPFiles, delivery: Delivery, data: bytes, words: str) -> TransferFailed:
    before = {each: each.lstat() for each in Path(os.fsdecode(delivery.directory)).rglob("*")}
    with pytest.raises(TransferFailed, match=words) as caught:
        files.deliver(delivery, chunked(data))
    after = {each: each.lstat() for each in Path(os.fsdecode(delivery.directory)).rglob("*")}
    assert set(before) == set(after)
    assert all(before[each].st_mtime == after[each].st_mtime for each in before if each.is_file())
    return caught.value


def test_a_command_that_validates(files: SFTPFiles, dest: Path) -> None:
    refused(files, one(dest, b"f", b"x", validate="true %s"), b"x", "--validate runs a command")


def test_an_archive(files: SFTPFiles, dest: Path) -> None:
    refused(files, Delivery(b(dest), (TarPart(1024, (b"f",)),)), bytes(1024), "an archive")


def test_an_owner_by_name(files: SFTPFiles, dest: Path) -> None:
    delivery = one(dest, b"f", b"x", attributes=(Attributes((b"f",), owner="root"),))
    error = refused(files, delivery, b"x", "owner 'root': over SFTP there are no names")
    assert "number" in error.hint


def test_a_check_that_is_none(files: SFTPFiles, dest: Path) -> None:
    refused(files, one(dest, b"f", b"x", check=Check.CKSUM), b"x", "by SHA-256, not cksum")


def test_a_directory_in_the_way(files: SFTPFiles, dest: Path) -> None:
    (dest / "f").mkdir()
    refused(files, one(dest, b"f", b"x"), b"x", "dest/f is a directory")


def test_a_fifo_in_the_way(files: SFTPFiles, dest: Path) -> None:
    os.mkfifo(dest / "f")
    refused(files, one(dest, b"f", b"x"), b"x", "is neither a file nor a directory")


def test_a_link_in_the_way(files: SFTPFiles, dest: Path) -> None:
    (dest / "f").symlink_to("elsewhere")
    error = refused(files, one(dest, b"f", b"x"), b"x", "dest/f is a symbolic link")
    assert "--follow" in error.hint
    files.deliver(one(dest, b"f", b"x", replace_links=True), [b"x"])
    assert (dest / "f").read_text() == "x"
    assert not (dest / "f").is_symlink()


def test_a_directory_that_has_become_a_link(files: SFTPFiles, dest: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (dest / "d").symlink_to(tmp_path / "elsewhere")
    refused(files, one(dest, b"d/f", b"x"), b"x", "is no directory that is reached over no link")
    assert names(tmp_path / "elsewhere") == []


def test_a_new_directory_that_is_there_by_now(files: SFTPFiles, dest: Path) -> None:
    (dest / "d").mkdir()
    refused(files, Delivery(b(dest), directories=(NewDirectory(b"d", 0o755),)), b"", "by now")


def test_a_directory_that_is_not_there(files: SFTPFiles, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match=r"can't write into .*/absent: No such file"):
        files.deliver(one(tmp_path / "absent", b"f", b"x"), [b"x"])


@pytest.mark.parametrize("size", [0, 4, 6, 700_000])
def test_other_bytes_than_promised(files: SFTPFiles, dest: Path, size: int) -> None:
    (dest / "f").write_text("old")
    refused(files, one(dest, b"f", b"12345"), bytes(size), "bytes came to be sent")
    refused(files, one(dest, b"f", BIG), bytes(size), "bytes came to be sent")


def test_trouble_at_the_source(files: SFTPFiles, dest: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield BIG[:300_000]
        raise HostError("the source has changed")

    (dest / "f").write_text("old")
    with pytest.raises(HostError, match="the source has changed") as caught:
        files.deliver(one(dest, b"f", BIG), chunks())
    assert caught.value.hint == ""
    assert (names(dest), (dest / "f").read_text()) == (["f"], "old")


def test_a_read_only_server(engine: Engine, dest: Path) -> None:
    from opsrun.transports.pipe import PipeProcess

    process = PipeProcess((server.sftp_server(), "-R"), "h", engine.lock())
    sftp = SFTP(process, engine.now, "h")
    refused(
        SFTPFiles(sftp), one(dest, b"f", b"x"), b"x", "can't write into .*/dest: Permission denied"
    )
    sftp.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few hundred kilobytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_no_room(files: SFTPFiles, sftp: SFTP, small: Path) -> None:
    (small / "f").write_text("old")
    error = refused(files, one(small, b"f", BIG), BIG, r"can't write .*/small/f: ")
    assert ("file system is full" in error.message) == sftp.has(requests.STATVFS), error
    many = tuple(FilePart(b"%d" % number, 20_000, 0o644) for number in range(50))
    error = refused(files, Delivery(b(small), many), bytes(1_000_000), r"/small/\d+: ")
    assert (small / "f").read_text() == "old"


# -- looking


def test_a_look(files: SFTPFiles, dest: Path, tmp_path: Path) -> None:
    (dest / "f").write_text("12345")
    (dest / "d").symlink_to(tmp_path)
    look = files.look(b(dest), [b"f", b"g", b"d", b"d/dest"])
    assert look.tools.tar is Tar.NONE
    assert look.tools.check is Check.SHA256
    assert (look.dest, look.real.path) == (look.real, b(dest))
    assert (look.real.place, look.parent.path) == (Place.DIRECTORY, b(tmp_path))
    assert look.parent.place is Place.DIRECTORY
    assert [(each.path, each.kind, each.size) for each in look.entries] == [
        (b"f", Kind.FILE, 5),
        (b"d", Kind.LINK, 0),
    ]
    assert look.entry is not None
    assert look.entry.mode == mode_of(dest)
    assert (look.umask, look.uid) == (0o022, -1)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_look_that_learns_the_umask(engine: Engine, dest: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        sftp = server.openssh(engine)
    finally:
        os.umask(before)
    look = SFTPFiles(sftp, probe=True).look(b(dest))
    assert (look.umask, look.uid) == (umask, os.geteuid())
    assert look.real.writable
    look = SFTPFiles(sftp, probe=True).look(b(dest / "absent"))
    assert (look.umask, look.real.place) == (umask, Place.ABSENT)
    assert names(dest) == []
    sftp.close()


def test_a_look_at_what_may_not_be_written(engine: Engine, dest: Path) -> None:
    from opsrun.transports.pipe import PipeProcess

    process = PipeProcess((server.sftp_server(), "-R"), "h", engine.lock())
    sftp = SFTP(process, engine.now, "h")
    assert SFTPFiles(sftp).look(b(dest)).real.writable, "it doesn't tell"
    assert not SFTPFiles(sftp, probe=True).look(b(dest)).real.writable
    sftp.close()


def test_a_look_along_links(files: SFTPFiles, dest: Path, tmp_path: Path) -> None:
    (tmp_path / "there").symlink_to("dest")
    (dest / "f").write_text("x")
    (dest / "l").symlink_to("../there/f")
    (dest / "gone").symlink_to("../there/nothing")
    look = files.look(b(tmp_path / "there" / "l"))
    assert (look.dest.path, look.dest.place) == (b(dest / "l"), Place.LINK)
    assert (look.real.path, look.real.place) == (b(dest / "f"), Place.FILE)
    look = files.look(b(tmp_path / "there"))
    assert (look.dest.place, look.real.path) == (Place.LINK, b(dest))
    look = files.look(b(dest / "gone"))
    assert (look.real.path, look.real.place) == (b(dest / "nothing"), Place.ABSENT)
    (dest / "loop").symlink_to("loop")
    with pytest.raises(HostError, match="links"):
        files.look(b(dest / "loop"))


def test_relative_paths_and_homes(files: SFTPFiles, tmp_path: Path, dest: Path) -> None:
    assert files.look(b"dest/").real.path == b(dest)
    assert files.look(b".").real.path == b(tmp_path)
    assert files.look(b"dest/..").real.path == b(tmp_path)
    assert files.look(b"a/b/c").parent.place is Place.ABSENT
    assert files.look(b"/").real.path == b"/"
    home = files.look(b"~/x").real.path
    assert home in (b(Path.home() / "x"), b(tmp_path / "x"))
    for wrong in (b"", b"a\0b"):
        with pytest.raises(UsageError):
            files.look(wrong)


def test_homes_of_others(files: SFTPFiles, sftp: SFTP) -> None:
    if sftp.has(requests.EXPAND_PATH):
        assert files.look(b"~root/").real.path == b"/root"
    else:
        with pytest.raises(TransferFailed, match="doesn't tell where ~root is"):
            files.look(b"~root/")


# -- listing, checksums, wildcards


def test_entries(files: SFTPFiles, dest: Path) -> None:
    (dest / "d" / "e").mkdir(parents=True)
    (dest / "d" / "f").write_text("123")
    os.utime(dest / "d" / "f", (1, 10**9))
    (dest / "d" / "f").chmod(0o4711)
    (dest / "l").symlink_to("/")
    os.mkfifo(dest / "p")
    listed = {each.path: each for each in files.entries(b(dest))}
    assert list(listed) == [b"", b"d", b"l", b"p", b"d/e", b"d/f"]
    owner = (os.geteuid(), (dest / "d" / "f").stat().st_gid)
    assert listed[b"d/f"] == Entry(b"d/f", Kind.FILE, 0o4711, 3, 10**18, *owner)
    assert (listed[b"l"].kind, listed[b"l"].target) == (Kind.LINK, b"/")
    assert listed[b"p"].kind is Kind.OTHER
    some = files.entries(b(dest), [b"d/f", b"l/etc", b"no", b"d/f/x"])
    assert [each.path for each in some] == [b"d/f"]
    with pytest.raises(TransferFailed, match="No such file"):
        files.entries(b(dest / "no"))
    with pytest.raises(UsageError):
        files.entries(b(dest), [b"../x"])


def test_digests(files: SFTPFiles, dest: Path) -> None:
    content = {b"small": b"x", b"empty": b"", b"big": BIG}
    for name, data in content.items():
        (dest / os.fsdecode(name)).write_bytes(data)
    os.mkfifo(dest / "p")
    asked = [Entry(name, Kind.FILE, 0o644, len(data), 0, 0, 0) for name, data in content.items()]
    asked += [Entry(name, Kind.FILE, 0o644, 1, 0, 0, 0) for name in (b"absent", b"p")]
    found = files.digests(b(dest), asked)
    assert found == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}


def test_wildcards(files: SFTPFiles, tmp_path: Path, dest: Path) -> None:
    for name in ("a1", "a2", "b1", ".hidden", "[x]", "a-z"):
        (dest / name).mkdir()
        (dest / name / "conf").touch()
    top = b(dest)

    def expanded(pattern: bytes) -> list[bytes]:
        [match] = files.expand([pattern])
        return list(match.paths)

    assert expanded(top + b"/a?") == [top + b"/a1", top + b"/a2"]
    assert expanded(top + b"/*/conf") == [
        top + b"/" + each + b"/conf" for each in (b"[x]", b"a-z", b"a1", b"a2", b"b1")
    ]
    assert expanded(top + b"/.h*") == [top + b"/.hidden"]
    assert expanded(top + b"/[!a]1") == [top + b"/b1"]
    assert expanded(top + b"/[[:alpha:]][[:digit:]]") == [top + b"/a1", top + b"/a2", top + b"/b1"]
    assert expanded(top + b"/\\[x\\]") == [top + b"/[x]"]
    assert expanded(top + b"/no*") == []
    assert expanded(b"de?t/a1") == [b"dest/a1"]
    assert expanded(b"dest/a[12]/co*") == [b"dest/a1/conf", b"dest/a2/conf"]
    [plain, absent] = files.expand([b"dest", b"nothing"])
    assert (plain.is_glob, plain.paths, absent.paths) == (False, (b"dest",), ())


ALPHABET = [b"a", b"b", b".", b"-", b"[", b"]", b"\\", b"*", b"?", b"!"]


@example(b"[[]a", b"[a")
@example(b"[]", b"[]")
@example(b"[!]", b"[!]")
@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=6).map(b"".join),
    st.lists(st.sampled_from(ALPHABET[:7]), min_size=1, max_size=4).map(b"".join),
)
def test_what_fits_is_what_fits_in_a_shell(pattern: bytes, name: bytes) -> None:
    from opsrun.remote.files.globbing import glob_word, is_glob
    from opsrun.remote.sftp.globbing import compiled

    if not is_glob(pattern):
        return
    word = glob_word(b"/" + pattern).encode()
    script = b"case $1 in .*) d=y ;; *) d=n ;; esac; case /$1 in " + word + b") echo $d ;; esac"
    asked = subprocess.run([b"sh", b"-c", script, b"sh", name], capture_output=True, check=True)
    hidden = asked.stdout == b"y\n" and not pattern.startswith((b".", b"\\."))
    assert compiled(pattern)(name) == (bool(asked.stdout) and not hidden), asked


# -- getting


@pytest.mark.parametrize("data", [b"", b"x", BIG], ids=["empty", "small", "big"])
def test_reading(files: SFTPFiles, dest: Path, data: bytes) -> None:
    (dest / "f").write_bytes(data)
    (dest / "l").symlink_to("f")
    for name in ("f", "l"):
        came: list[bytes] = []
        assert files.read(b(dest / name), came.append) == hashlib.sha256(data).hexdigest()
        assert b"".join(came) == data


def test_reading_a_beginning(files: SFTPFiles, dest: Path) -> None:
    (dest / "f").write_bytes(BIG)
    for size in (0, 10, 500_000, len(BIG)):
        came: list[bytes] = []
        digest = files.read_beginning(b(dest / "f"), size, came.append)
        assert b"".join(came) == BIG[:size]
        assert digest == hashlib.sha256(BIG[:size]).hexdigest()
    assert files.read_beginning(b(dest / "f"), len(BIG) + 1, lambda data: None) == ""


@pytest.mark.parametrize("grows", [True, False])
def test_a_file_that_changes_while_it_is_read(files: SFTPFiles, dest: Path, grows: bool) -> None:
    (dest / "f").write_bytes(BIG)

    def change(data: bytes) -> None:
        os.truncate(dest / "f", len(BIG) + 1 if grows else 5)

    assert files.read(b(dest / "f"), change) == ""
    (dest / "f").write_bytes(BIG)
    [_, entry] = files.entries(b(dest))
    came: list[bytes] = []

    def change_once(data: bytes) -> None:
        if not came:
            change(data)
        came.append(data)

    assert files.pack(b(dest), [entry], change_once) == {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(came))) as archive:
        assert archive.getmember("f").size == len(BIG), "the archive is whole all the same"


def test_owners(files: SFTPFiles) -> None:
    assert files.owners("", "") == (None, None)
    assert files.owners("0", "12") == (0, 12)
    with pytest.raises(TransferFailed, match="group 'wheel': over SFTP there are no names"):
        files.owners("0", "wheel")


def test_what_can_not_be_read(files: SFTPFiles, dest: Path) -> None:
    os.mkfifo(dest / "p")
    for name, words in [
        ("absent", "can't read .*/absent: No such file"),
        (".", "is a directory"),
        ("p", "is neither file nor directory"),
    ]:
        with pytest.raises(TransferFailed, match=words):
            files.read(b(dest / name), lambda data: None)


def test_a_reader_that_stops_does_not_harm_the_next(files: SFTPFiles, dest: Path) -> None:
    (dest / "f").write_bytes(BIG)

    def full(data: bytes) -> None:
        raise HostError("no room here")

    with pytest.raises(HostError, match="no room here"):
        files.read(b(dest / "f"), full)
    came: list[bytes] = []
    files.read(b(dest / "f"), came.append)
    assert b"".join(came) == BIG


def test_packing(files: SFTPFiles, dest: Path) -> None:
    content = {"a": b"x", "d/b": BIG, "d/c": b"", "é\n": b"12"}
    (dest / "d").mkdir()
    for name, data in content.items():
        (dest / name).write_bytes(data)
    (dest / "l").symlink_to("a")
    listed = files.entries(b(dest))
    (dest / "a").chmod(0o751)
    came: list[bytes] = []
    gone = Entry(b"gone", Kind.FILE, 0o644, 1, 0, 0, 0)
    digests = files.pack(b(dest), [*listed, gone], came.append)
    assert digests == {b(name): hashlib.sha256(data).hexdigest() for name, data in content.items()}
    with tarfile.open(fileobj=io.BytesIO(b"".join(came))) as archive:
        assert set(archive.getnames()) == {*content, "l"}
        for name, data in content.items():
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == data
        assert archive.getmember("a").mode == 0o751
        assert archive.getmember("l").linkname == "a"


# -- changing what is there


def test_removing(files: SFTPFiles, dest: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (dest / "d" / "e").mkdir(parents=True)
    (dest / "d" / "e" / "f").touch()
    (dest / "d" / "l").symlink_to(outside)
    (dest / "l").symlink_to(outside)
    (dest / "f").touch()
    (dest / "stays").touch()
    files.remove(b(dest), [b"d", b"d/e", b"l", b"f", b"absent", b"absent/x"])
    assert names(dest) == ["stays"]
    assert names(outside) == ["deep"]
    (dest / "l").symlink_to(outside)
    with pytest.raises(TransferFailed, match="reached over no link"):
        files.remove(b(dest), [b"l/deep"])
    assert names(outside) == ["deep"]
    with pytest.raises(UsageError):
        files.remove(b(dest), [b"../outside"])


def test_setting_attributes(files: SFTPFiles, dest: Path) -> None:
    (dest / "d").mkdir()
    (dest / "f").touch()
    files.set_attributes(
        b(dest),
        [Attributes((b"d", b"f"), mode=0o711), Attributes((b"", b"f"), mtime=10**18 + 5)],
    )
    assert (mode_of(dest / "d"), mode_of(dest / "f")) == (0o711, 0o711)
    assert ((dest / "f").stat().st_mtime, dest.stat().st_mtime) == (10**9, 10**9)
    (dest / "l").symlink_to("d")
    with pytest.raises(TransferFailed, match="reached over no link"):
        files.set_attributes(b(dest), [Attributes((b"l/x",), mode=0o600)])
    with pytest.raises(TransferFailed, match="owner 'x'"):
        files.set_attributes(b(dest), [Attributes((b"f",), owner="x")])
    with pytest.raises(TransferFailed, match="No such file"):
        files.set_attributes(b(dest), [Attributes((b"no",), mode=0o600)])


@pytest.mark.parametrize(("mtime", "seconds"), [(-1, 0), (1 << 70, (1 << 32) - 1)])
def test_times_that_do_not_fit(files: SFTPFiles, dest: Path, mtime: int, seconds: int) -> None:
    (dest / "f").touch()
    files.set_attributes(b(dest), [Attributes((b"f",), mtime=mtime)])
    assert (dest / "f").stat().st_mtime == seconds


def test_making_directories(files: SFTPFiles, dest: Path) -> None:
    assert files.make_directory(b(dest / "a" / "b" / "c"), 0o1770)
    assert mode_of(dest / "a" / "b" / "c") == 0o1770
    assert not files.make_directory(b(dest / "a" / "b" / "c"), 0o700)
    assert mode_of(dest / "a" / "b" / "c") == 0o1770
    with pytest.raises(TransferFailed, match="can't make directory"):
        files.make_directory(b(dest / "x" / "y"), parents=False)
    (dest / "f").touch()
    with pytest.raises(TransferFailed, match="can't make directory"):
        files.make_directory(b(dest / "f"))


# -- trees


file_names = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
leaves = st.binary(max_size=40) | st.binary(min_size=1, max_size=9).filter(
    lambda target: b"\0" not in target
).map(lambda target: ("link", target))
trees = st.dictionaries(
    file_names,
    st.recursive(leaves, lambda below: st.dictionaries(file_names, below, max_size=4)),
    max_size=4,
)


def flat(tree: dict[bytes, object], above: bytes = b"") -> dict[bytes, object]:
    found: dict[bytes, object] = {}
    for name, what in tree.items():
        path = above + name
        found[path] = what
        if isinstance(what, dict):
            found |= flat(what, path + b"/")
    return found


@given(trees)
def test_what_is_delivered_is_what_is_listed_and_packed(tree: dict[bytes, object]) -> None:
    engine = make_engine()
    wanted = flat(tree)
    plain = {path: what for path, what in wanted.items() if isinstance(what, bytes)}
    directories = [NewDirectory(path, 0o700) for path in wanted if isinstance(wanted[path], dict)]
    links = [NewLink(path, what[1]) for path, what in wanted.items() if isinstance(what, tuple)]
    parts = tuple(FilePart(path, len(data), 0o600) for path, data in plain.items())
    with tempfile.TemporaryDirectory() as top:
        sftp = server.openssh(engine)
        files = SFTPFiles(sftp)
        delivery = Delivery(b(os.path.realpath(top)), parts, tuple(directories), tuple(links))
        files.deliver(delivery, list(plain.values()))
        listed = files.entries(b(top))[1:]
        assert {each.path for each in listed} == set(wanted)
        assert {e.path: e.target for e in listed if e.kind is Kind.LINK} == {
            each.name: each.target for each in links
        }
        assert files.pack(b(top), listed, lambda data: None) == {
            path: hashlib.sha256(data).hexdigest() for path, data in plain.items()
        }
        sftp.close()
    assert engine.close(10.0)


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 15)))
def test_chunks_are_cut_anew(chunks: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(chunks)
    intake = Intake(chunks, len(whole))
    came = b""
    for size in sizes:
        if len(came) + size > len(whole):
            with pytest.raises(TransferFailed, match="fewer bytes"):
                intake.take(size)
            return
        came += intake.take(size)
    assert whole.startswith(came)
    if came == whole:
        intake.finish()
    else:
        with pytest.raises(TransferFailed, match="more bytes"):
            intake.finish()
