"""Local files give what was promised of them, to every host, or say that they can't."""

from __future__ import annotations

import hashlib
import os
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.trees.shapes import two_directories

from opsrun.errors import OpsrunError
from opsrun.trees.contents import Contents
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import SourceChanged
from opsrun.trees.place import Stage
from opsrun.trees.reading import CHUNK
from opsrun.trees.segments import BLOCK, Segment
from opsrun.trees.stdin import hold
from opsrun.trees.tarwrite import Member, archive
from opsrun.trees.unpack import Unpacker
from opsrun.trees.walk import walk

LARGE = bytes(range(256)) * 10_000


def promised(path: Path, data: bytes) -> Entry:
    path.write_bytes(data)
    (entry,) = walk(path)
    return entry


def contents(**options: int) -> Contents:
    return Contents(threading.Lock(), **options)


def local(path: Path) -> bytes:
    return os.fsencode(path)


@pytest.mark.parametrize("budget", [10**9, 0])
@pytest.mark.parametrize("data", [b"", b"abc", LARGE], ids=["empty", "small", "large"])
def test_a_file_gives_its_bytes_and_their_digest(tmp_path: Path, data: bytes, budget: int) -> None:
    entry = promised(tmp_path / "f", data)
    files = contents(budget=budget)
    for _ in range(2):
        reader = files.read(local(tmp_path / "f"), entry)
        with pytest.raises(ValueError, match="when everything was read"):
            _ = reader.digest
        chunks = list(reader)
        assert b"".join(chunks) == data
        assert reader.size == len(data)
        assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
        assert reader.digest == hashlib.sha256(data).hexdigest()
    assert files.digest(local(tmp_path / "f"), entry) == hashlib.sha256(data).hexdigest()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that are read from disk."""
    counts: list[int] = []
    real = os.pread

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        data = real(descriptor, size, offset)
        counts.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", pread)
    return counts


def test_a_file_that_fits_is_read_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = promised(tmp_path / "f", LARGE)
    counts = counted(monkeypatch)
    files = contents()
    start = threading.Barrier(8)

    def read(_: int) -> bytes:
        start.wait()
        return b"".join(files.read(local(tmp_path / "f"), entry))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(8))) == {LARGE}
    assert sum(counts) == len(LARGE)


def test_past_the_budget_files_are_read_anew_and_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = promised(tmp_path / "1", b"a" * 100), promised(tmp_path / "2", b"b" * 100)
    huge = promised(tmp_path / "3", b"c" * 201)
    counts = counted(monkeypatch)
    files = contents(budget=150, largest=200)
    for _ in range(3):
        for name, entry in (("1", first), ("2", second), ("3", huge)):
            assert len(b"".join(files.read(local(tmp_path / name), entry))) == entry.size
    assert sorted(counts) == [100, 100, 100, 100, 201, 201, 201]
    counts.clear()
    hashes: list[object] = []
    real = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda *data: hashes.append(data) or real(*data))
    assert files.digest(local(tmp_path / "3"), huge) == real(b"c" * 201).hexdigest()
    reader = files.read(local(tmp_path / "3"), huge)
    assert b"".join(reader) == b"c" * 201
    assert reader.digest == real(b"c" * 201).hexdigest()
    assert hashes == []
    assert counts == [201]


def test_memory_does_not_grow_with_what_is_copied(tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    entry = promised(tmp_path / "f", bytes(size))
    files = contents(budget=0)
    member = Member(
        b"g", Kind.FILE, 0o644, 0, size, read=lambda: files.read(local(tmp_path / "f"), entry)
    )
    tracemalloc.start()
    try:
        with Stage(tmp_path / "there") as stage, Unpacker(stage.fd) as unpacker:
            for piece in archive([member]):
                unpacker.feed(piece)
            stage.place(unpacker.close())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "there" / "g").stat().st_size == size
    assert peak < 6 * 1024 * 1024


CHANGES: dict[str, Callable[[Path], object]] = {
    "grew": lambda path: path.write_bytes(b"x" * 300_001),
    "shrank": lambda path: path.write_bytes(b"x"),
    "gone": lambda path: path.unlink(),
    "other bytes": lambda path: (path.write_bytes(b"y" * 300_000), os.utime(path, ns=(5, 5))),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "a link": lambda path: (path.rename(path.with_name("g")), path.symlink_to("g")),
    "a fifo": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("budget", [10**9, 0])
def test_a_file_that_changed_since_it_was_seen(tmp_path: Path, change: str, budget: int) -> None:
    path = tmp_path / "f"
    entry = promised(path, b"x" * 300_000)
    CHANGES[change](path)
    files = contents(budget=budget)
    for call in (
        lambda: list(files.read(local(path), entry)),
        lambda: files.digest(local(path), entry),
        lambda: files.segments(local(path), entry),
    ):
        with pytest.raises(SourceChanged, match=r"/f (had|was|can't be read any more)"):
            call()


@pytest.mark.parametrize("change", ["grew", "shrank", "other bytes"])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    entry = promised(path, b"x" * 300_000)
    monkeypatch.setattr("opsrun.trees.reading.CHUNK", 100_000)
    reader = contents(budget=0).read(local(path), entry)
    assert next(reader) == b"x" * 100_000
    CHANGES[change](path)
    given_bytes: list[bytes] = []
    with pytest.raises(SourceChanged, match=r"shrank to 100000 bytes|changed while"):
        given_bytes.extend(reader)
    assert sum(map(len, given_bytes)) <= 200_000
    with pytest.raises(ValueError, match="everything was read"):
        _ = reader.digest


def test_a_reading_that_is_given_up_leaves_nothing_open(tmp_path: Path) -> None:
    entry = promised(tmp_path / "f", LARGE)
    before = set(os.listdir("/proc/self/fd"))
    reader = contents(budget=0).read(local(tmp_path / "f"), entry)
    next(reader)
    assert set(os.listdir("/proc/self/fd")) > before
    reader.close()
    reader.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = promised(tmp_path / "f", b"abc")

    def fail(*_: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    for budget in (0, 100):
        with pytest.raises(SourceChanged, match="f can't be read: Input/output error"):
            list(contents(budget=budget).read(local(tmp_path / "f"), entry))


def test_links_are_read_where_they_are_followed(tmp_path: Path) -> None:
    promised(tmp_path / "f", b"abc")
    (tmp_path / "l").symlink_to("f")
    (entry,) = walk(tmp_path / "l", follow=True)
    files = Contents(threading.Lock(), follow=True)
    assert b"".join(files.read(local(tmp_path / "l"), entry)) == b"abc"


@given(
    parts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=6),
    tail=st.integers(0, 9000),
    budget=st.sampled_from([0, 10**9]),
)
def test_segments_hold_all_that_is_not_hole(
    parts: list[tuple[int, int]], tail: int, budget: int
) -> None:
    with two_directories() as (top, _):
        path = top + b"/f"
        with open(path, "wb") as file:
            for skip, length in parts:
                file.seek(skip * 4096, os.SEEK_CUR)
                file.write(b"x" * (length * 500))
            file.truncate(file.tell() + tail)
        (entry,) = walk(path)
        files = contents(budget=budget)
        segments = files.segments(path, entry)
        end = -1
        for offset, length in segments:
            assert offset % BLOCK == 0
            assert length > 0
            assert offset > end
            end = offset + length
            assert end % BLOCK == 0 or end == entry.size
        reader = files.read(path, entry, segments)
        data = b"".join(reader)
        assert len(data) == reader.size == sum(length for _, length in segments)
        rebuilt = bytearray(entry.size)
        for offset, length in segments:
            rebuilt[offset : offset + length], data = data[:length], data[length:]
        whole = Path(os.fsdecode(path)).read_bytes()
        assert bytes(rebuilt) == whole
        assert reader.digest == hashlib.sha256(whole).hexdigest()


def test_a_large_hole_is_no_segment(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.write(b"head")
        file.seek(50 * 1024 * 1024)
        file.write(b"tail")
        file.truncate(100 * 1024 * 1024)
    (entry,) = walk(tmp_path / "f")
    segments = contents().segments(local(tmp_path / "f"), entry)
    assert segments == (Segment(0, 4096), Segment(50 * 1024 * 1024, 4096))


@pytest.mark.parametrize("error", [22, 95])
def test_a_file_system_without_holes(
    tmp_path: Path, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = promised(tmp_path / "f", LARGE)

    def refuse(*_: int) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "lseek", refuse)
    assert contents().segments(local(tmp_path / "f"), entry) == (Segment(0, len(LARGE)),)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000])
def test_standard_input_is_held_in_memory_or_in_a_nameless_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    held = hold(BytesIO(data), in_memory=1000, directory=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    files = contents()
    files.hold(b"-", held)
    assert (held.size, held.entry.size, held.entry.kind) == (size, size, Kind.FILE)
    for _ in range(2):
        reader = files.read(b"-", held.entry)
        assert b"".join(reader) == data
        assert reader.digest == files.digest(b"-", held.entry) == hashlib.sha256(data).hexdigest()
    assert files.segments(b"-", held.entry) == (Segment(0, size),)
    held.close()


def test_standard_input_that_fits_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OpsrunError, match="can't keep standard input: No such file or directory"):
        hold(BytesIO(b"x" * 100), in_memory=10, directory=str(tmp_path / "none"))
