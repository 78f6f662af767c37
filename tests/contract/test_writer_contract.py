"""What is written to a terminal or a pipe holds up nobody but its writer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsrun.engine import writer as writer_module
from opsrun.engine.base import Engine
from opsrun.engine.writer import DescriptorWriter
from opsrun.errors import SinkClosed

LONG = 30.0


@pytest.fixture
def pipe() -> Iterator[list[int]]:
    """The two ends; a test may close one and put -1 in its place."""
    ends = list(os.pipe())
    yield ends
    for end in ends:
        if end >= 0:
            os.close(end)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_stalled_reader_stalls_the_writer_alone(
    engine: Engine, pipe: list[int], blocking: bool
) -> None:
    os.set_blocking(pipe[1], blocking)
    data = os.urandom(1_000_000)
    writer = DescriptorWriter(engine, pipe[1])
    task = engine.spawn(writer.write, data)
    assert not task.join(0.05), "nobody reads"
    assert engine.spawn(lambda: None).join(LONG), "others go on"
    got = bytearray()
    while len(got) < len(data):
        got += engine.offload(os.read, pipe[0], 65_536)
    assert task.join(LONG)
    assert bytes(got) == data
    assert os.get_blocking(pipe[1]) is blocking, "it is shared with others"


def test_a_reader_that_went_away_closes_the_sink(engine: Engine, pipe: list[int]) -> None:
    os.close(pipe[0])
    pipe[0] = -1
    with pytest.raises(SinkClosed):
        DescriptorWriter(engine, pipe[1]).write(b"x")


def test_a_regular_file_is_written_at_once(engine: Engine, tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as file:
        writer = DescriptorWriter(engine, file.fileno())
        writer.write(b"one\n")
        writer.write(b"")
        writer.write(b"two\n")
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"


def test_any_other_error_is_the_callers(engine: Engine) -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        DescriptorWriter(engine, full.fileno()).write(b"x")


@pytest.mark.parametrize("blocking", [True, False])
def test_a_stalled_reader_is_not_waited_for_once_we_are_to_end(
    engine: Engine, pipe: list[int], blocking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "PATIENCE", 0.2)
    os.set_blocking(pipe[1], blocking)
    ending = engine.event()
    writer = DescriptorWriter(engine, pipe[1], ending.is_set)
    ended: list[str] = []

    def write() -> None:
        for data in (bytes(1_000_000), b"behind it"):
            try:
                writer.write(data)
            except SinkClosed as error:
                ended.append(str(error))

    task = engine.spawn(write)
    assert not task.join(0.5), "nobody reads, and nobody asked us to end"
    ending.set()
    assert task.join(LONG)
    assert ended == ["the reader of the output has stalled"] * 2
    assert engine.close(LONG), "the write that hangs holds up no end of a run"
    # What still hangs in the system's write ends with the reader.
    os.close(pipe[0])
    pipe[0] = -1


def test_a_reader_that_reads_is_waited_for_to_the_end(engine: Engine, pipe: list[int]) -> None:
    writer = DescriptorWriter(engine, pipe[1], lambda: True)
    writer.write(b"x" * 1000)
    assert os.read(pipe[0], 2000) == b"x" * 1000
