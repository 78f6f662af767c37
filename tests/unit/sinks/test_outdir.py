from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from event_runs import play, result, started, summary, work

from opsrun.errors import OpsrunError, UsageError
from opsrun.events import Event, Outcome, Output
from opsrun.sinks import outdir
from opsrun.sinks.outdir import OutdirSink


def output(host: str, data: bytes, stream: str = "stdout") -> Output:
    return Output(host, work(host), stream, data)  # type: ignore[arg-type]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_each_stream_has_its_file_and_silence_has_none(tmp_path: Path) -> None:
    results = [result("a", stdout=b"x\xff\x1b\n"), result("b", Outcome.FAILED, rc=2, stderr=b"e")]
    events: list[Event] = [
        started("a", "b"),
        output("a", b"x\xff"),
        output("b", b"e", "stderr"),
        output("a", b"\x1b\n"),
        *results,
        summary(results),
    ]
    play(OutdirSink(tmp_path / "new/dir"), events)
    files = {path.name: path.read_bytes() for path in (tmp_path / "new/dir").iterdir()}
    assert files == {
        "a.out": b"x\xff\x1b\n",
        "b.err": b"e",
        "hosts.tsv": b"host\toutcome\trc\tsignal\tstdout\tstderr\n"
        b"a\tok\t0\t\ta.out\t\nb\tfailed\t2\t\t\tb.err\n",
    }


def test_files_and_directory_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        play(OutdirSink(tmp_path / "dir"), [started("a"), output("a", b"x"), result("a")])
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "dir").iterdir()}
    assert modes == {"a.out": 0o600, "hosts.tsv": 0o600}
    assert stat.S_IMODE((tmp_path / "dir").stat().st_mode) == 0o700


def test_what_came_is_in_the_file_at_once(tmp_path: Path) -> None:
    sink = OutdirSink(tmp_path)
    sink.handle(1, started("a"))
    sink.handle(2, output("a", b"so far"))
    assert (tmp_path / "a.out").read_bytes() == b"so far"
    sink.close()


def test_files_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    for name in ("a.out", "a.err", "other.out"):
        (tmp_path / name).write_text("old")
    play(OutdirSink(tmp_path), [started("a"), output("a", b"new"), result("a")])
    assert (tmp_path / "a.out").read_text() == "new"
    assert not (tmp_path / "a.err").exists()
    assert (tmp_path / "other.out").read_text() == "old"


def test_no_symbolic_link_is_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "dir"
    folder.mkdir()
    for name in ("a.out", "hosts.tsv"):
        (folder / name).symlink_to(victim)
    play(OutdirSink(folder), [started("a"), output("a", b"x"), result("a")])
    assert victim.read_text() == "precious"
    assert (folder / "a.out").read_text() == "x"


def test_output_kept_by_a_result_alone_is_written_too(tmp_path: Path) -> None:
    play(OutdirSink(tmp_path), [started("a"), result("a", stdout=b"o", stderr=b"e")])
    assert (tmp_path / "a.out").read_text() + (tmp_path / "a.err").read_text() == "oe"


def test_few_files_are_open_however_many_hosts_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outdir, "_OPEN_FILES", 4)
    hosts = [f"h{index}" for index in range(40)]
    sink = OutdirSink(tmp_path)
    before = open_descriptors()
    sink.handle(1, started(*hosts))
    for part in (b"1", b"2"):
        for host in hosts:
            sink.handle(1, output(host, part))
            assert open_descriptors() <= before + 4
    sink.close()
    assert {(tmp_path / f"{host}.out").read_bytes() for host in hosts} == {b"12"}
    assert open_descriptors() == before - 1


def test_a_name_in_the_index_can_not_break_its_line(tmp_path: Path) -> None:
    play(OutdirSink(tmp_path), [started("a\tb\n"), result("a\tb\n")])
    assert (tmp_path / "hosts.tsv").read_text().splitlines()[1].startswith("a\\tb\\n\tok\t")


def test_a_directory_that_can_not_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(UsageError, match=f"--outdir {path}: "):
            OutdirSink(path)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    sink = OutdirSink(tmp_path)
    sink.handle(1, started("a"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OpsrunError, match=r"can't write .*/a\.out: No space left on device"):
            sink.handle(2, output("a", b"x"))
    sink.close()


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    play(OutdirSink(tmp_path), [started("a"), output("a", b"0123456789")])
    assert (tmp_path / "a.out").read_bytes() == b"0123456789"


def test_a_directory_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.out").mkdir()
    sink = OutdirSink(tmp_path)
    with pytest.raises(OpsrunError, match=r"a\.out"):
        sink.handle(1, started("a"))
    sink.close()
