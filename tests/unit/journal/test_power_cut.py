"""A power cut, simulated: what was committed up to it is there, and nothing by halves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsrun.engine.threads import ThreadEngine
from opsrun.events import Notice, Outcome, Result, RunStarted, WorkId
from opsrun.journal.history import History
from opsrun.journal.recorder import Recorder

COMMITS, EACH = 12, 3


@pytest.fixture
def engine() -> Iterator[ThreadEngine]:
    made = ThreadEngine()
    yield made
    made.close(5)


@pytest.fixture
def written(tmp_path: Path, engine: ThreadEngine) -> list[tuple[Path, int]]:
    """The journal's two files after each commit, and how many there were; it is never closed."""
    path = tmp_path / "journal"
    recorder = Recorder(path)
    recorder.begin(engine, RunStarted("3f2a", "exec", "df", ("web01",), 1.0))
    sizes = [path.with_name("journal-wal").stat().st_size]
    for commit in range(COMMITS):
        for number in range(EACH - 1):
            recorder.record(EACH * commit + number + 1, Notice("info", "x" * 300))
        work = WorkId(f"web{commit:02}", ("exec",), "a")
        output = f"{commit}\n".encode() * 900
        recorder.record(EACH * commit + EACH, Result(work.host, work, Outcome.OK, stdout=output))
        recorder.commit()
        sizes.append(path.with_name("journal-wal").stat().st_size)
    copies = []
    for commit, size in enumerate(sizes):
        for cut in {size, size + 1, size + 4000, max(0, size - 1)}:
            copy = tmp_path / f"cut{cut}"
            if not copy.exists():
                copy.mkdir()
                shutil.copy(path, copy / "journal")
                with (copy / "journal-wal").open("wb") as file:
                    file.write(path.with_name("journal-wal").read_bytes()[:cut])
                copies.append((copy / "journal", commit - (cut < size)))
    recorder.close()
    return copies


def test_committed_up_to_the_cut_and_no_half(written: list[tuple[Path, int]]) -> None:
    assert len(written) > 3 * COMMITS
    for path, commits in written:
        with History(path) as history:
            runs = history.runs()
            assert len(runs) == (commits >= 0)
            for run in runs:
                events = [event for _, event in history.events(run)]
                assert len(events) == EACH * commits
                hosts = [event.host for event in events if isinstance(event, Result)]
                assert hosts == [f"web{number:02}" for number in range(commits)]


def test_the_next_run_goes_on_behind_it(
    written: list[tuple[Path, int]], engine: ThreadEngine
) -> None:
    path, _ = written[len(written) // 2]
    recorder = Recorder(path)
    recorder.begin(engine, RunStarted("4e1b", "exec", "df", ("web01",), 2.0))
    recorder.close()
    with History(path) as history:
        assert [run.id for run in history.runs()] == ["4e1b", "3f2a"]
