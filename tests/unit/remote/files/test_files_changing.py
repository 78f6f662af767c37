"""Checksums, removing, attributes, directories: without sending files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.remote_files import ODD_NAMES, as_nobody, hosted, path, sha256, tree, write
from support.shells import shells

from opsrun.errors import HostError, UsageError
from opsrun.remote.files.cksum import PosixCksum
from opsrun.remote.files.delivery import Attributes
from opsrun.remote.files.digesting import parse_digests
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.tools import Check
from opsrun.trees.entry import Entry, Kind


def entry(name: bytes, size: int = 1) -> Entry:
    return Entry(name, Kind.FILE, 0o644, size, 0, 0, 0)


def test_checksums_of_odd_names(files: RemoteFiles, top: Path) -> None:
    for name in ODD_NAMES:
        write(top, name, name)
    os.mkfifo(top / "fifo")
    os.symlink("plain", top / "link")
    write(top, b"large", b"x" * 1_000)
    asked = [entry(name) for name in (*ODD_NAMES, b"none", b"no\nne", b"fifo", b"link")]
    asked.append(entry(b"large", 17 << 20))
    expected = {name: sha256(name) for name in ODD_NAMES} | {b"large": sha256(b"x" * 1_000)}
    assert files.digests(path(top), asked) == expected
    assert files.digests(path(top), []) == {}


def test_a_file_that_can_not_be_read_has_no_checksum(public: Path) -> None:
    write(public, b"open", b"1")
    write(public, b"shut", b"2", 0)
    with hosted(prefix=as_nobody()) as host:
        sums = host.digests(path(public), [entry(b"open"), entry(b"shut")])
        assert sums == {b"open": sha256(b"1")}


def test_without_any_tool_there_is_an_error(top: Path, tmp_path: Path) -> None:
    shell = shells(tmp_path, "dash", "scarce")
    write(top, b"a", b"1")
    os.symlink("/bin/ls", f"{shell.path}/ls")
    with hosted(shell.words, shell.prefix) as host:
        for check in Check:
            with pytest.raises(HostError, match="can't be checked: there is no SHA-256 tool"):
                host.digests(path(top), [entry(b"a")], check)


def test_lines_that_are_none_are_passed_over() -> None:
    files = [entry(b"a"), entry(b"o\n"), entry(b"p\n")]
    good = b"0" * 64
    output = (
        b"@ 1\n@\n" + good + b"  ./a\n@ 2\nsha256sum: what?\n" + good + b"  -\n@\nnonsense\n@ 9\n"
    )
    assert parse_digests(output, files, Check.SHA256) == {b"a": "0" * 64}
    crc = b"@ 1\n12 3\n@\n45 6 ./a\n45 6 ./unknown\n"
    assert parse_digests(crc, files, Check.CKSUM) == {b"o\n": "12 3", b"a": "45 6"}


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", "4294967295 0"), (b"hello", "3287646509 5"), (b"\0" * 300, "351385237 300")],
)
def test_cksum(data: bytes, text: str) -> None:
    running = PosixCksum()
    for at in range(len(data)):
        running.update(data[at : at + 1])
    assert running.text() == PosixCksum(data).text() == text


def test_removing(files: RemoteFiles, top: Path) -> None:
    for name in ODD_NAMES:
        write(top, name, b"")
    write(top, b"keep/a/b", b"")
    os.symlink("keep", top / "way")
    files.remove(path(top), [*ODD_NAMES, b"deep", b"deep/-rf", b"none", b"no/ne", b"way"])
    assert tree(top) == {b"keep": None, b"keep/a": None, b"keep/a/b": b""}
    files.remove(path(top), [])


def test_nothing_is_removed_through_a_link(two: RemoteFiles, top: Path) -> None:
    write(top, b"real/file", b"")
    os.symlink("real", top / "way")
    with pytest.raises(HostError, match=r"/way is no directory that is reached over no link"):
        two.remove(path(top), [b"way/file"])
    assert b"real/file" in tree(top)
    with pytest.raises(UsageError, match="no name below"):
        two.remove(path(top), [b"../x"])


def test_what_can_not_be_removed_is_said(public: Path) -> None:
    write(public, b"mine/file", b"")
    (public / "mine").chmod(0o555)
    if os.geteuid() == 0:
        os.chown(public / "mine", 0, 0)
    with (
        hosted(prefix=as_nobody()) as host,
        pytest.raises(HostError, match=r"mine: rm: .*Permission denied"),
    ):
        host.remove(path(public), [b"mine/file"])


def test_attributes(files: RemoteFiles, top: Path) -> None:
    for name in ODD_NAMES:
        write(top, name, b"")
    os.symlink("plain", top / "link")
    group = os.getegid() if os.geteuid() else 7
    changes = [
        Attributes(ODD_NAMES, mode=0o4711, group=group, mtime=1_600_000_000_000_000_000),
        Attributes((b"deep", b"", b"deep/-rf"), mode=0o750, mtime=5),
        Attributes((b"link",), mtime=7_000_000_000),
    ]
    files.set_attributes(path(top), changes)
    for name in ODD_NAMES:
        found = os.lstat(path(top, name))
        assert stat.S_IMODE(found.st_mode) == 0o4711, name
        assert (found.st_mtime, found.st_gid) == (1_600_000_000, group)
    for name in (b"deep", b"", b"deep/-rf"):
        assert stat.S_IMODE(os.lstat(path(top, name)).st_mode) == 0o750
        assert os.lstat(path(top, name)).st_mtime_ns in (0, 5)
    assert os.lstat(top / "link").st_mtime == 7
    files.set_attributes(path(top), [])


def test_attributes_of_what_is_not_there_or_a_link(two: RemoteFiles, top: Path) -> None:
    write(top, b"real/file", b"", 0o600)
    os.symlink("real", top / "way")
    with pytest.raises(HostError, match=r"chmod: .*No such file"):
        two.set_attributes(path(top), [Attributes((b"none",), mode=0o644)])
    with pytest.raises(HostError, match=r"/way is no directory"):
        two.set_attributes(path(top), [Attributes((b"way/file",), mode=0o644)])
    with pytest.raises(HostError, match=r"is a symbolic link"):
        two.set_attributes(path(top), [Attributes((b"way",), mode=0o644)])
    assert stat.S_IMODE(os.stat(top / "real").st_mode) == 0o755
    assert stat.S_IMODE(os.stat(top / "real/file").st_mode) == 0o600


def test_making_directories(files: RemoteFiles, top: Path) -> None:
    assert files.make_directory(path(top, b"-a\n/b c/d"), 0o2710)
    assert stat.S_IMODE(os.stat(path(top, b"-a\n/b c/d")).st_mode) == 0o2710
    assert not files.make_directory(path(top, b"-a\n/b c/d"), 0o700)
    assert files.make_directory(path(top, b"x"), parents=False)
    with pytest.raises(HostError, match=r"/y/z: mkdir: .*No such file or directory"):
        files.make_directory(path(top, b"y/z"), parents=False)
    write(top, b"file", b"")
    with pytest.raises(HostError, match=r"/file/z: mkdir: .*Not a directory"):
        files.make_directory(path(top, b"file/z"))
    with pytest.raises(UsageError, match="no mode"):
        files.make_directory(path(top, b"q"), 0o10000)
