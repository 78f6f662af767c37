"""Another program holds the journal: it is waited for, somebody who wants to end is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from opsrun.engine.base import Engine
from opsrun.engine.threads import ThreadEngine
from opsrun.errors import Cancelled, JournalError
from opsrun.events import Notice, RunStarted, Summary, WorkId
from opsrun.journal import patience
from opsrun.journal.history import History
from opsrun.journal.patience import Patience
from opsrun.journal.recorder import Recorder

WORK = WorkId("web01", ("exec",), "a1b2c3d4e5f6")
FIRST = RunStarted("3f2a", "exec", "df", ("web01",), 1700000000.25)


@pytest.fixture
def engine() -> Iterator[ThreadEngine]:
    made = ThreadEngine()
    yield made
    made.close(5)


@pytest.fixture
def path(tmp_path: Path, engine: Engine) -> Path:
    recorder = Recorder(tmp_path / "journal")
    recorder.begin(engine, RunStarted("before", "exec", "df", ("web01",), 1.0))
    recorder.close()
    return tmp_path / "journal"


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Holds the journal until it rolls back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def looks(count: int, then: Callable[[], object]) -> Callable[[], bool]:
    """Lets go after so many looks, and says never that the run is to end."""
    left = iter(range(count))

    def pause() -> bool:
        if next(left, None) is None:
            then()
        return False

    return pause


def test_a_run_begins_once_the_other_lets_go(
    path: Path, engine: Engine, holder: sqlite3.Connection
) -> None:
    recorder = Recorder(path)
    recorder.begin(engine, FIRST, looks(2, holder.rollback))
    recorder.close()
    with History(path) as history:
        assert [run.id for run in history.runs()] == ["3f2a", "before"]


def test_who_wants_to_end_does_not_wait_for_its_beginning(
    path: Path, engine: Engine, holder: sqlite3.Connection
) -> None:
    with pytest.raises(JournalError, match="another program holds it"):
        Recorder(path).begin(engine, FIRST, lambda: True)
    holder.rollback()
    with History(path) as history:
        assert [run.id for run in history.runs()] == ["before"]


def test_what_waited_is_written_down_whole_and_in_order(path: Path, engine: Engine) -> None:
    recorder = Recorder(path)
    recorder.begin(engine, FIRST)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        recorder.record(1, Notice("info", "one"))
        recorder.record(2, Summary("3f2a", {}, 1.0))
        recorder.commit(looks(3, holder.rollback))
    recorder.close()
    with History(path) as history:
        run = history.find("last")
        assert run.exit_status == 0
        assert [seq for seq, _ in history.events(run)] == [1, 2]


def test_nothing_goes_out_unwritten_while_the_run_is_ended(
    path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HURRIED", 0.0)
    recorder = Recorder(path)
    recorder.begin(engine, FIRST, ends=lambda: True)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Cancelled, match="nothing was sent"):
            recorder.intent(WORK)
        recorder.record(1, Summary("3f2a", {}, 1.0))
        with pytest.raises(JournalError, match="does not let go"):
            recorder.commit(lambda: True)
    recorder.close()


def test_it_is_given_up_in_the_end() -> None:
    now = [100.0]
    patient = Patience(lambda: now[0])
    patient.found_held()
    now[0] += 19
    assert (patient.is_over(False), patient.is_over(True)) == (False, True)
    now[0] += 2
    assert patient.is_over(False)
    patient.found_free()
    assert not patient.is_over(True)


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_taken_away_in_mid_run_is_told(
    path: Path, engine: Engine, end: str, replaced: bool
) -> None:
    recorder = Recorder(path)
    recorder.begin(engine, FIRST)
    victim = path.with_name(path.name + end)
    victim.rename(path.with_name("elsewhere"))
    if replaced:
        victim.touch()
    recorder.record(1, Summary("3f2a", {}, 1.0))
    with pytest.raises(JournalError, match=r"journal.* was removed or replaced"):
        recorder.commit()
    recorder.close()


def test_what_can_not_be_written_for_any_reason_ends_it_in_order(
    path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(path)
    recorder.begin(engine, FIRST)
    monkeypatch.setattr("opsrun.journal.recorder.to_text", lambda record: 1 / 0)
    recorder.record(1, Summary("3f2a", {}, 1.0))
    for _ in range(2):
        with pytest.raises(JournalError, match="division by zero"):
            recorder.commit()
    with pytest.raises(Cancelled, match="nothing was sent"):
        recorder.intent(WORK)
    recorder.close()
