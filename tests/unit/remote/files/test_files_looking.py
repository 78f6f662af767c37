"""Looking and listing, on every shell and userland."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.remote_files import ODD_NAMES, as_nobody, hosted, path, write
from support.shells import shared_shells, shells

from opsrun.errors import HostError, UsageError
from opsrun.remote.files.listing import Listing, nanoseconds, parse_listing
from opsrun.remote.files.looking import Place
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.tools import Check, Tar
from opsrun.trees.entry import Kind


@pytest.fixture
def odd(top: Path) -> Path:
    """Files of every odd name, a link, a fifo, an empty directory, a sparse file, modes."""
    for name in ODD_NAMES:
        write(top, name, name, 0o640)
    os.chmod(path(top, b"plain"), 0o4751)
    os.symlink(b"to\nwhere\n\n", path(top, b"li\nnk"))
    os.symlink(b"nowhere", path(top, b"-l"))
    os.mkfifo(path(top, b"fifo"))
    (top / "empty").mkdir(mode=0o700)
    (top / "empty").chmod(0o1777)
    with open(top / "sparse", "wb") as file:
        file.truncate(10_000_000)
    os.utime(top / "sparse", ns=(0, 1_234_567_890_987_654_321))
    return top


def test_a_tree_is_listed_as_it_is(files: RemoteFiles, odd: Path) -> None:
    entries = {each.path: each for each in files.entries(path(odd))}
    expected = {b"", b"deep", b"deep/-rf", b"empty", b"fifo", b"li\nnk", b"-l", b"sparse"}
    assert set(entries) == expected | set(ODD_NAMES)
    for name, entry in entries.items():
        real = os.lstat(path(odd, name))
        assert entry.mode == stat.S_IMODE(real.st_mode), name
        assert (entry.uid, entry.gid) == (real.st_uid, real.st_gid)
        assert entry.mtime in (real.st_mtime_ns, real.st_mtime_ns // 10**9 * 10**9)
        assert entry.size == (real.st_size if entry.kind is Kind.FILE else 0)
    assert entries[b"li\nnk"].target == b"to\nwhere\n\n"
    assert entries[b"-l"].target == b"nowhere"
    assert entries[b"li\nnk"].kind is Kind.LINK
    assert entries[b"fifo"].kind is Kind.OTHER
    assert entries[b"empty"].kind is entries[b""].kind is Kind.DIRECTORY
    assert entries[b"sparse"].allocated == os.stat(odd / "sparse").st_blocks * 512


def test_names_are_listed_where_they_exist(files: RemoteFiles, odd: Path) -> None:
    os.symlink("deep", odd / "way")
    missing = [b"no", b"no/such", b"plain/below", b"fifo/x", b"-l/x"]
    through = [b"way/-rf", b"way/-rf/x y"]
    found = files.entries(path(odd), [*missing, *ODD_NAMES, b"deep", b"way", *through])
    assert [each.path for each in found] == [*ODD_NAMES, b"deep", b"way"]


def test_names_at_the_root(host: RemoteFiles, top: Path) -> None:
    write(top, b"a", b"1")
    below = path(top, b"a")[1:]
    assert [each.path for each in host.entries(b"/", [below])] == [below]


@pytest.mark.parametrize("name", [b"../x", b"/etc", b"a//b", b"", b"a/./b", b"nul\0", b"a/"])
def test_no_name_leads_out(host: RemoteFiles, top: Path, name: bytes) -> None:
    with pytest.raises(UsageError, match="no name below"):
        host.entries(path(top), [name])


def test_what_is_no_directory_says_so(two: RemoteFiles, top: Path) -> None:
    write(top, b"file", b"")
    with pytest.raises(HostError, match=r"here: run: .*/none: .*No such file or directory"):
        two.entries(path(top, b"none"))
    with pytest.raises(HostError, match=r"/file: .*Not a directory"):
        two.entries(path(top, b"file"))
    with pytest.raises(UsageError, match="no absolute path"):
        two.entries(b"relative")


@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_a_directory_that_can_not_be_read_is_no_empty_one(
    public: Path, tmp_path_factory: pytest.TempPathFactory, userland: str
) -> None:
    write(public, b"open/a", b"")
    write(public, b"shut/b", b"")
    shell = shared_shells("dash", userland)
    env = () if shell.path is None else ("/usr/bin/env", f"PATH={shell.path}")
    (public / "shut").chmod(0)
    if os.geteuid() == 0:
        os.chown(public / "shut", 0, 0)
    prefix = as_nobody()
    with hosted(shell.words, (*prefix[:-2], *env, *prefix[-2:])) as host:
        with pytest.raises(HostError, match=r"shut.*Permission denied") as caught:
            host.entries(path(public))
        assert caught.value.hint == "with -b, another user does it"
        with pytest.raises(HostError, match=r"shut.*Permission denied"):
            host.entries(path(public), [b"shut/b"])
        assert [each.path for each in host.entries(path(public), [b"open/a"])] == [b"open/a"]
    (public / "shut").chmod(0o700)


def test_a_file_that_vanishes_meanwhile_is_asked_for_once_more(top: Path, tmp_path: Path) -> None:
    """stat(1) leaves a line out: no line can be taken for another file's."""
    shell = shells(tmp_path, "dash", "busybox")
    real = os.readlink(f"{shell.path}/stat")
    os.unlink(f"{shell.path}/stat")
    with open(f"{shell.path}/stat", "w") as script:
        script.write(
            f'#!/bin/sh\n[ $# -lt 5 ] || {{ for last; do :; done; rm -f "$last"; }}\n'
            f'exec {real} stat "$@"\n'
        )
    os.chmod(f"{shell.path}/stat", 0o755)
    for name in (b"a", b"b", b"c", b"d"):
        write(top, name, name * 10)
    with hosted(shell.words, shell.prefix) as host:
        sizes = {each.path: each.size for each in host.entries(path(top)) if each.path}
    left = {each.name.encode(): 10 for each in top.iterdir()}
    assert sizes == left
    assert len(left) == 3


@pytest.mark.parametrize(
    "output",
    [b"", b"g", b"x\0", b"g\0./a\0", b"p\0./a\0", b"g\0/a\0\0\0"]
    + [
        b"g\0" + name + b"\0f 644 0 0 0 0 0\0\0"
        for name in (b"../a", b"./", b".//etc", b"./a//b", b"././a", b"./a/", b"./a/../../b", b"/a")
    ],
)
def test_nonsense_is_no_listing(output: bytes) -> None:
    with pytest.raises(HostError, match="makes no sense"):
        parse_listing(output)


def test_lines_that_do_not_match_their_names_are_doubtful() -> None:
    line = b"81a4 3 5 0 0 8 512\n"
    both = b"p\0./a\0./b\0\0" + line + line + b"\0\0"
    one = b"./c\0./d\0\0" + line + b"\0\0"
    link = b"./l\0\0a1ff 3 5 0 0 8 512\n\0\0"
    listing = parse_listing(both + one + link)
    assert isinstance(listing, Listing)
    assert [each.path for each in listing.entries] == [b"a", b"b"]
    assert listing.doubtful == [b"c", b"d", b"l"]


def test_seconds_have_any_number_of_digits() -> None:
    assert nanoseconds("1.5000000000") == 1_500_000_000
    assert nanoseconds("7") == 7_000_000_000
    assert nanoseconds("-0.5") == -500_000_000


def test_times_that_no_system_call_takes_become_the_farthest_that_it_does(top: Path) -> None:
    write(top, b"a", b"")
    for text in ("9" * 30, "-" + "9" * 30):
        line = f"81a4 3 {text} 0 0 8 512\n".encode()
        [stated] = parse_listing(b"p\0./a\0\0" + line + b"\0\0").entries
        assert stated.mtime == nanoseconds(text)
        os.utime(top / "a", ns=(stated.mtime, stated.mtime))


def test_a_look_at_a_directory(files: RemoteFiles, odd: Path) -> None:
    look = files.look(path(odd), [*ODD_NAMES, b"no", b"no/x"])
    assert look.dest == look.real
    assert look.dest.place is Place.DIRECTORY
    assert look.dest.path == path(odd)
    assert look.dest.writable
    assert look.parent.path == path(odd.parent)
    assert look.parent.place is Place.DIRECTORY
    assert [each.path for each in look.entries] == list(ODD_NAMES)
    assert look.entry is not None
    assert look.entry.kind is Kind.DIRECTORY
    umask = os.umask(0)
    os.umask(umask)
    assert (look.umask, look.uid, look.gid) == (umask, os.geteuid(), os.getegid())
    assert set(os.getgroups()) <= set(look.groups)
    assert look.tools.check is Check.SHA256
    assert look.tools.tar in (Tar.GNU, Tar.BUSYBOX)


def test_a_look_at_other_places(two: RemoteFiles, top: Path) -> None:
    write(top, b"file", b"12345", 0o600)
    os.symlink("file", top / "link")
    os.symlink("no/where", top / "lost")
    os.symlink("loop", top / "loop")
    (top / "dir").mkdir()
    os.symlink("../top/dir//", top / "way")
    os.mkfifo(top / "fifo")
    look = two.look(path(top, b"file/"))
    assert (look.dest.place, look.real.place) == (Place.FILE, Place.FILE)
    assert look.entry is not None
    assert (look.entry.path, look.entry.size, look.entry.mode) == (b"", 5, 0o600)
    look = two.look(path(top, b"link"))
    assert (look.dest.place, look.dest.path) == (Place.LINK, path(top, b"link"))
    assert (look.real.place, look.real.path) == (Place.FILE, path(top, b"file"))
    assert look.parent.path == path(top)
    look = two.look(path(top, b"way"))
    assert (look.dest.place, look.real.place) == (Place.LINK, Place.DIRECTORY)
    assert look.real.path == path(top, b"dir")
    look = two.look(path(top, b"way/new"), [b"x"])
    assert (look.real.place, look.real.path) == (Place.ABSENT, path(top, b"dir/new"))
    assert look.parent.path == path(top, b"dir")
    assert look.parent.writable
    look = two.look(path(top, b"lost"))
    assert (look.dest.place, look.real.place) == (Place.LINK, Place.ABSENT)
    assert two.look(path(top, b"loop")).dest.place is Place.LINK
    assert two.look(path(top, b"fifo")).dest.place is Place.OTHER
    look = two.look(path(top, b"a/b/c"))
    assert (look.real.place, look.parent.place) == (Place.ABSENT, Place.ABSENT)
    assert look.parent.writable
    look = two.look(path(top, b"file/b/c"))
    assert look.parent.place is Place.OTHER
    assert not look.parent.writable
    assert two.look(b"/").real.path == b"/"


def test_a_relative_destination_is_below_the_working_directory(host: RemoteFiles) -> None:
    look = host.look(b"no-such-thing-here")
    assert look.dest.path == os.fsencode(Path.cwd()) + b"/no-such-thing-here"
    assert host.look(b"~").dest.path == os.fsencode(os.path.realpath(os.environ["HOME"]))


def test_what_may_not_be_written_is_told(public: Path) -> None:
    write(public, b"mine/file", b"", 0o444)
    (public / "mine").chmod(0o555)
    if os.geteuid() == 0:
        os.chown(public / "mine", 0, 0)
    with hosted(prefix=as_nobody()) as host:
        look = host.look(path(public, b"mine/file"))
        assert not look.dest.writable
        assert not look.parent.writable
        assert not host.look(path(public, b"mine/new/new")).parent.writable
        assert host.look(path(public, b"new")).parent.writable
