"""Output is kept exactly, up to what memory may hold and past that in a file."""

from __future__ import annotations

import errno
import os
import stat
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.remote.capture import Capture, MemoryBudget, Recent
from opsrun.remote.spill import SpillFile, SpillFolder

chunks = st.lists(st.binary(max_size=20), max_size=12)


def budget(size: int = 1 << 30) -> MemoryBudget:
    return MemoryBudget(size, nullcontext())


@given(chunks, st.integers(0, 60), st.integers(0, 60))
def test_memory_holds_the_exact_head(parts: list[bytes], cap: int, left: int) -> None:
    capture = Capture(cap, budget(left))
    for part in parts:
        capture.add(part)
    whole = b"".join(parts)
    assert capture.total == len(whole)
    assert whole.startswith(capture.bytes())
    assert len(capture.bytes()) == min(len(whole), cap, left)
    assert capture.truncated == (len(whole) > min(cap, left))


@given(chunks, st.integers(0, 60))
def test_the_file_holds_all_of_it(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], cap: int
) -> None:
    folder = SpillFolder(str(tmp_path_factory.mktemp("spill")))
    capture = Capture(cap, budget(), lambda: folder.create("web01.stdout"))
    for part in parts:
        capture.add(part)
    capture.close()
    whole = b"".join(parts)
    if len(whole) <= cap:
        assert capture.path is None
    else:
        assert capture.path is not None
        assert Path(capture.path).read_bytes() == whole


def test_the_budget_is_shared() -> None:
    shared = budget(10)
    first, second = Capture(8, shared), Capture(8, shared)
    first.add(b"x" * 20)
    second.add(b"y" * 20)
    assert (len(first.bytes()), len(second.bytes())) == (8, 2)


def test_nobody_else_may_read_what_spilled(tmp_path: Path) -> None:
    folder = SpillFolder(str(tmp_path))
    file = folder.create("../../etc/passwd\n")
    file.close()
    made = Path(file.path)
    assert made.parent.parent == tmp_path
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_a_full_disk_is_told_and_memory_keeps_the_head() -> None:
    class Full(SpillFile):
        def __init__(self) -> None:
            self.path = "/somewhere"

        def write(self, data: bytes | bytearray) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None:
            pass

    capture = Capture(4, budget(), Full)
    capture.add(b"abcdef")
    capture.add(b"gh")
    capture.close()
    assert capture.bytes() == b"abcd"
    assert capture.truncated
    assert capture.problem == "No space left on device"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    folder = SpillFolder(str(tmp_path / "missing"))
    capture = Capture(1, budget(), lambda: folder.create("x"))
    capture.add(b"abc")
    assert capture.bytes() == b"a"
    assert capture.path is None
    assert "No such file" in capture.problem


def test_a_byte_at_a_time_costs_no_object_each() -> None:
    capture = Capture(1 << 20, budget())
    for _ in range(1000):
        capture.add(b"x")
    import sys

    assert sys.getsizeof(capture._head) < 4000


@given(chunks, st.integers(1, 60))
def test_of_what_was_shown_the_end_is_kept(parts: list[bytes], cap: int) -> None:
    shared = budget(0)
    recent = Recent(cap, shared)
    for part in parts:
        recent.add(part)
    whole = b"".join(parts)
    assert recent.bytes() == whole[-cap:]
    assert recent.total == len(whole)
    assert not recent.truncated


def test_what_was_shown_takes_no_memory() -> None:
    recent = Recent(1000, budget())
    tracemalloc.start()
    try:
        for _ in range(5000):
            recent.add(bytes(1000))
        assert tracemalloc.get_traced_memory()[1] < 50_000
    finally:
        tracemalloc.stop()
