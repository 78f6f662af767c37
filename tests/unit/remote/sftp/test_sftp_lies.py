"""Deliveries to SFTP servers that lie: nothing is put into place that is not what was sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from support import sftp as server
from support.sftp import Asked, Scripted

from opsrun.errors import ConnectionLost, HostError, TransferFailed
from opsrun.remote.files.delivery import Attributes as Wanted
from opsrun.remote.files.delivery import Delivery, FilePart, NewLink
from opsrun.remote.files.looking import Place
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.files import SFTPFiles
from opsrun.remote.sftp.packets import Code, Kind, framed
from opsrun.remote.sftp.wire import Attributes, string, uint32
from opsrun.trees.entry import Entry
from opsrun.trees.entry import Kind as What

DIRECTORY, FILE, LINK = 0o40755, 0o100644, 0o120777


@dataclass
class Memory:
    """A file system in memory: ``/d``, and what is put there. Knows nothing beyond the draft."""

    files: dict[bytes, bytearray] = field(default_factory=dict)
    links: dict[bytes, bytes] = field(default_factory=dict)
    directories: set[bytes] = field(default_factory=lambda: {b"/", b"/d"})

    def __call__(self, asked: Asked) -> Iterable[bytes]:
        name = Kind(asked.kind).name.lower()
        try:
            answer: bytes = getattr(self, name)(asked, asked.fields)
        except KeyError:
            answer = server.status(asked.number, Code.NO_SUCH_FILE)
        return [answer]

    def open(self, asked: Asked, fields: object) -> bytes:
        path = asked.fields.string()
        if asked.fields.uint32() & 8:
            self.files[path] = bytearray()
        self.files[path]
        return server.handle(asked.number, path)

    def close(self, asked: Asked, fields: object) -> bytes:
        return server.status(asked.number)

    def write(self, asked: Asked, fields: object) -> bytes:
        file, at, data = self.files[asked.fields.string()], asked.fields.uint64(), b""
        data = asked.fields.string()
        file[at : at + len(data)] = data
        return server.status(asked.number)

    def read(self, asked: Asked, fields: object) -> bytes:
        file, at = self.files[asked.fields.string()], asked.fields.uint64()
        data = bytes(file[at : at + asked.fields.uint32()])
        return server.data(asked.number, data) if data else server.status(asked.number, Code.EOF)

    def told(self, path: bytes) -> Attributes:
        if path in self.directories:
            return Attributes(mode=DIRECTORY)
        if path in self.links:
            return Attributes(mode=LINK)
        return Attributes(size=len(self.files[path]), mode=FILE)

    def lstat(self, asked: Asked, fields: object) -> bytes:
        return server.told(asked.number, self.told(asked.fields.string()))

    stat = fstat = lstat

    def setstat(self, asked: Asked, fields: object) -> bytes:
        return server.status(asked.number)

    fsetstat = setstat

    def realpath(self, asked: Asked, fields: object) -> bytes:
        return server.names(asked.number, (asked.fields.string(), Attributes()))

    def mkdir(self, asked: Asked, fields: object) -> bytes:
        self.directories.add(asked.fields.string())
        return server.status(asked.number)

    def rmdir(self, asked: Asked, fields: object) -> bytes:
        self.directories.remove(asked.fields.string())
        return server.status(asked.number)

    def remove(self, asked: Asked, fields: object) -> bytes:
        path = asked.fields.string()
        if self.links.pop(path, None) is None:
            del self.files[path]
        return server.status(asked.number)

    def rename(self, asked: Asked, fields: object) -> bytes:
        old, new = asked.fields.string(), asked.fields.string()
        if new in self.files:
            return server.status(asked.number, Code.FAILURE)
        held: dict[bytes, object] = self.files if old in self.files else self.links  # type: ignore[assignment]
        held[new] = held.pop(old)
        return server.status(asked.number)

    def symlink(self, asked: Asked, fields: object) -> bytes:
        target, path = asked.fields.string(), asked.fields.string()
        self.links[path] = target
        return server.status(asked.number)

    def readlink(self, asked: Asked, fields: object) -> bytes:
        return server.names(asked.number, (self.links[asked.fields.string()], Attributes()))

    def opendir(self, asked: Asked, fields: object) -> bytes:
        self.listed = False
        return server.handle(asked.number, asked.fields.string())

    def readdir(self, asked: Asked, fields: object) -> bytes:
        top = asked.fields.string() + b"/"
        there = [*self.files, *self.links]
        names = [path[len(top) :] for path in there if path.startswith(top)]
        if self.listed or not names:
            return server.status(asked.number, Code.EOF)
        self.listed = True
        return server.names(asked.number, *((n, self.told(top + n)) for n in names))


def files_of(memory: Memory) -> SFTPFiles:
    process = Scripted(memory)
    now = iter(range(10**9))
    return SFTPFiles(SFTP(process, lambda: next(now) / 1e6, "h"))


def one(data: bytes, **more: object) -> Delivery:
    return Delivery(b"/d", (FilePart(b"f", len(data), 0o644),), **more)  # type: ignore[arg-type]


SIZES = pytest.mark.parametrize("data", [b"new", bytes(300_000)], ids=["small", "big"])


@SIZES
def test_an_honest_one(data: bytes) -> None:
    memory = Memory({b"/d/f": bytearray(b"old")})
    assert files_of(memory).deliver(one(data), [data]).replaced == (b"f",)
    assert memory.files == {b"/d/f": data}
    assert memory.directories == {b"/", b"/d"}


@SIZES
def test_bytes_that_change_on_their_way(data: bytes) -> None:
    class Turning(Memory):
        def write(self, asked: Asked, fields: object) -> bytes:
            answer = super().write(asked, fields)
            for file in self.files.values():
                file[-1:] = b"!" if file else b""
            return answer

    memory = Turning({b"/d/f": bytearray(b"old")})
    with pytest.raises(TransferFailed, match="f arrived changed"):
        files_of(memory).deliver(one(data), [data])
    assert set(memory.files) == {b"/d/f"}
    assert memory.directories == {b"/", b"/d"}


def test_a_write_that_is_swallowed() -> None:
    class Lossy(Memory):
        def write(self, asked: Asked, fields: object) -> bytes:
            return server.status(asked.number)

    memory = Lossy()
    with pytest.raises(TransferFailed, match="did not arrive whole: 0 of 300000 bytes"):
        files_of(memory).deliver(one(bytes(300_000)), [bytes(300_000)])
    with pytest.raises(TransferFailed, match="arrived changed"):
        files_of(memory).deliver(one(b"x"), [b"x"])
    assert memory.files == {}


def test_a_link_that_leads_elsewhere() -> None:
    class Crossed(Memory):
        def symlink(self, asked: Asked, fields: object) -> bytes:
            asked.fields.string()
            self.links[asked.fields.string()] = b"/etc/shadow"
            return server.status(asked.number)

    memory = Crossed()
    with pytest.raises(TransferFailed, match="made a link of l that leads elsewhere"):
        files_of(memory).deliver(Delivery(b"/d", links=(NewLink(b"l", b"x"),)), ())
    assert memory.links == {}


def test_a_rename_that_is_refused_brings_the_old_one_back() -> None:
    class Stubborn(Memory):
        def rename(self, asked: Asked, fields: object) -> bytes:
            old, new = asked.fields.string(), asked.fields.string()
            if new == b"/d/f" and not old.endswith(b".old"):
                return server.status(asked.number, Code.FAILURE, "no, thanks")
            self.files[new] = self.files.pop(old)
            return server.status(asked.number)

    memory = Stubborn({b"/d/f": bytearray(b"old")})
    with pytest.raises(TransferFailed, match="can't rename to /d/f: no, thanks"):
        files_of(memory).deliver(one(b"new"), [b"new"])
    assert memory.files == {b"/d/f": b"old"}
    assert memory.directories == {b"/", b"/d"}


def test_some_renames_and_then_none() -> None:
    class Tiring(Memory):
        def rename(self, asked: Asked, fields: object) -> bytes:
            if len([path for path in self.files if path.count(b"/") == 2]) == 2:
                return server.status(asked.number, Code.PERMISSION_DENIED)
            return super().rename(asked, fields)

    memory = Tiring()
    parts = tuple(FilePart(name, 1, 0o644) for name in (b"a", b"b", b"c", b"e"))
    with pytest.raises(HostError, match="Permission denied") as caught:
        files_of(memory).deliver(Delivery(b"/d", parts), [b"1234"])
    assert not isinstance(caught.value, TransferFailed), "that promises that all is as it was"
    assert "2 of 4 names are in their places already" in caught.value.hint
    assert memory.files == {b"/d/a": b"1", b"/d/b": b"2"}


def test_a_stage_that_is_somebody_elses_is_not_removed() -> None:
    class Taken(Memory):
        def mkdir(self, asked: Asked, fields: object) -> bytes:
            super().mkdir(asked, fields)
            return server.status(asked.number, Code.FAILURE)

    memory = Taken()
    with pytest.raises(TransferFailed, match="can't write into /d: Failure"):
        files_of(memory).deliver(one(b"x", stage=b".stage"), [b"x"])
    assert b"/d/.stage" in memory.directories


def test_a_server_that_tells_no_owner() -> None:
    memory = Memory({b"/d/f": bytearray(b"x")})
    wanted = Wanted((b"f",), owner=1)
    with pytest.raises(TransferFailed, match="owner and group are set together"):
        files_of(memory).set_attributes(b"/d", [wanted])


def test_the_kind_of_a_name_is_in_its_line_where_it_is_nowhere_else() -> None:
    class Terse(Memory):
        def readdir(self, asked: Asked, fields: object) -> bytes:
            if self.listed:
                return server.status(asked.number, Code.EOF)
            self.listed = True
            lines = {b"d": b"drwx x", b"f": b"-rw x", b"l": b"lrwx x", b"o": b"?"}
            told = (string(n) + string(line) + Attributes().encode() for n, line in lines.items())
            body = bytes([Kind.NAME]) + uint32(asked.number) + uint32(4) + b"".join(told)
            return framed(body)

        def opendir(self, asked: Asked, fields: object) -> bytes:
            path = asked.fields.string()
            self.listed = path != b"/d"
            return server.handle(asked.number, path)

    listed = files_of(Terse(links={b"/d/l": b"x"})).entries(b"/d")
    assert [(each.path, each.kind) for each in listed[1:]] == [
        (b"d", What.DIRECTORY),
        (b"f", What.FILE),
        (b"l", What.LINK),
        (b"o", What.OTHER),
    ]


def test_a_look_that_no_link_can_hold_up() -> None:
    memory = Memory(links={b"/d/f": b"g", b"/d/g": b"f"})
    with pytest.raises(HostError, match="too many links behind each other"):
        files_of(memory).look(b"/d/f")
    look = files_of(Memory(links={b"/d/f": b"g"})).look(b"/d/f")
    assert (look.real.path, look.real.place) == (b"/d/g", Place.ABSENT)


# -- the host's own checksums


@dataclass
class Checking(Memory):
    """Has check-file, as ProFTPD has."""

    says: bytes = b""
    asked_for: int = 0

    def extended(self, asked: Asked, fields: object) -> bytes:
        assert asked.fields.string() == b"check-file-name"
        self.asked_for += 1
        if not self.says:
            return server.status(asked.number, Code.OP_UNSUPPORTED)
        return framed(bytes([Kind.EXTENDED_REPLY]) + uint32(asked.number) + self.says)


@pytest.mark.parametrize("prefix", [b"", string(b"check-file")])
def test_a_checksum_of_the_hosts_own(prefix: bytes) -> None:
    digest = bytes(range(32))
    memory = Checking({b"/d/f": bytearray(b"x")}, says=prefix + string(b"sha256") + digest)
    process = Scripted(memory, server.version(**{"check-file": "md5,sha256"}))
    sftp = SFTP(process, lambda: 0.0, "h")
    entry = Entry(b"f", What.FILE, 0o644, 1, 0, 0, 0)
    assert SFTPFiles(sftp).digests(b"/d", [entry]) == {b"f": digest.hex()}
    assert [each.kind for each in process.asked] == [Kind.EXTENDED]


@pytest.mark.parametrize("says", [b"", string(b"md5") + bytes(16), string(b"sha256") + bytes(31)])
def test_without_one_the_file_is_read(says: bytes) -> None:
    memory = Checking({b"/d/f": bytearray(b"x")}, says=says)
    sftp = SFTP(Scripted(memory, server.version(**{"check-file": ""})), lambda: 0.0, "h")
    entry = Entry(b"f", What.FILE, 0o644, 1, 0, 0, 0)
    [digest] = SFTPFiles(sftp).digests(b"/d", [entry]).values()
    assert digest.startswith("2d711642b726b044")
    assert memory.asked_for == 1


def test_a_checksum_that_is_cut_off_makes_no_sense() -> None:
    memory = Checking({b"/d/f": bytearray(b"x")}, says=b"\0\0\0\x09sha")
    sftp = SFTP(Scripted(memory, server.version(**{"check-file": ""})), lambda: 0.0, "h")
    entry = Entry(b"f", What.FILE, 0o644, 1, 0, 0, 0)
    with pytest.raises(ConnectionLost, match="shorter than"):
        SFTPFiles(sftp).digests(b"/d", [entry])
