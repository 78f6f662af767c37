"""Files given away: one as it is, many in archives, then their checksums."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from support.remote_files import ODD_NAMES, as_nobody, hosted, path, sha256, write

from opsrun.errors import HostError, UsageError
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.tools import Check
from opsrun.trees.entry import Entry, Kind


def unpacked(data: bytes) -> dict[bytes, bytes]:
    """What archives one behind the other hold; links as ``-> TARGET``."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data), ignore_zeros=True) as tar:
        for member in tar:
            name = os.fsencode(member.name).removeprefix(b"./")
            if member.issym():
                found[name] = b"-> " + os.fsencode(member.linkname)
            else:
                file = tar.extractfile(member)
                assert file is not None
                found[name] = file.read()
    return found


def test_one_file_as_it_is(files: RemoteFiles, top: Path) -> None:
    data = bytes(range(256)) * 5_000
    for name in ODD_NAMES:
        write(top, name, data + name)
        got = bytearray()
        assert files.read(path(top, name), got.extend) == sha256(data + name)
        assert got == data + name
    write(top, b"none", b"")
    assert files.read(path(top, b"none"), lambda data: None) == sha256(b"")
    assert files._scripts.session.opened == 1


def test_what_is_no_file_is_not_read(two: RemoteFiles, top: Path) -> None:
    os.mkfifo(top / "fifo")
    got = bytearray()
    with pytest.raises(HostError, match=r"/none: cat: .*No such file or directory"):
        two.read(path(top, b"none"), got.extend)
    with pytest.raises(HostError, match=r"/top is a directory"):
        two.read(path(top), got.extend)
    with pytest.raises(HostError, match=r"/fifo is neither a file nor a directory"):
        two.read(path(top, b"fifo"), got.extend)
    with pytest.raises(UsageError, match="no absolute path"):
        two.read(b"x", got.extend)
    assert got == b""


def test_a_file_that_can_not_be_read(public: Path) -> None:
    write(public, b"shut", b"2", 0)
    with hosted(prefix=as_nobody()) as host:
        with pytest.raises(HostError, match=r"/shut: cat: .*Permission denied"):
            host.read(path(public, b"shut"), lambda data: None)
        got = bytearray()
        write(public, b"open", b"1")
        entries = host.entries(path(public), [b"open", b"shut"])
        with pytest.raises(HostError, match=r"tar: .*shut.*Permission denied"):
            host.pack(path(public), entries, got.extend)
        assert unpacked(bytes(got))[b"open"] == b"1"


def test_many_files_in_archives(files: RemoteFiles, top: Path) -> None:
    for name in ODD_NAMES:
        write(top, name, name * 100)
    os.symlink("no\nwhere", path(top, b"-l\n"))
    os.mkfifo(top / "fifo")
    entries = files.entries(path(top))
    got = bytearray()
    sums = files.pack(path(top), entries, got.extend)
    assert sums == {name: sha256(name * 100) for name in ODD_NAMES}
    expected = {name: name * 100 for name in ODD_NAMES} | {b"-l\n": b"-> no\nwhere"}
    assert unpacked(bytes(got)) == expected
    assert files.pack(path(top), [], got.extend) == {}


def test_several_archives_one_behind_the_other(two: RemoteFiles, top: Path) -> None:
    contents = {b"%04d" % n + b"n" * 200: b"%d" % n for n in range(700)}
    for name, data in contents.items():
        write(top, name, data)
    got = bytearray()
    sums = two.pack(path(top), two.entries(path(top)), got.extend)
    assert sums == {name: sha256(data) for name, data in contents.items()}
    assert unpacked(bytes(got)) == contents


def test_a_link_alone_has_no_checksum(two: RemoteFiles, top: Path) -> None:
    os.symlink("x", top / "l")
    got = bytearray()
    assert two.pack(path(top), two.entries(path(top)), got.extend) == {}
    assert unpacked(bytes(got)) == {b"l": b"-> x"}


def test_what_vanished_has_no_checksum(host: RemoteFiles, top: Path) -> None:
    write(top, b"a", b"1")
    entries = [*host.entries(path(top)), Entry(b"gone", Kind.FILE, 0o644, 1, 0, 0, 0)]
    got = bytearray()
    with pytest.raises(HostError, match=r"gone.*No such file or directory"):
        host.pack(path(top), entries, got.extend)
    assert unpacked(bytes(got)) == {b"a": b"1"}


def test_sparse_files_and_second_names_with_gnu_tar(host: RemoteFiles, top: Path) -> None:
    with open(top / "sparse", "wb") as file:
        file.truncate(20_000_000)
    write(top, b"one", b"twice")
    os.link(top / "one", top / "two")
    got = bytearray()
    host.pack(path(top), host.entries(path(top)), got.extend)
    assert unpacked(bytes(got)) == {
        b"sparse": bytes(20_000_000),
        b"one": b"twice",
        b"two": b"twice",
    }
    assert len(got) < 100_000


def test_the_checksum_is_the_one_that_was_asked_for(host: RemoteFiles, top: Path) -> None:
    write(top, b"a", b"hello")
    assert host.read(path(top, b"a"), lambda data: None, Check.CKSUM) == "3287646509 5"
    entries = host.entries(path(top))
    assert host.pack(path(top), entries, lambda data: None, Check.CKSUM) == {b"a": "3287646509 5"}
