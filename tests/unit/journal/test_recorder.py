"""Runs that are written down: what comes out again, what never goes in, what failure does."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsrun.engine.threads import ThreadEngine
from opsrun.errors import Cancelled, JournalError
from opsrun.events import (
    Event,
    HostStarted,
    Notice,
    Outcome,
    Output,
    Result,
    RunStarted,
    Summary,
    TaskResult,
    WorkId,
)
from opsrun.journal.about import About
from opsrun.journal.history import History, KnownRun
from opsrun.journal.recorder import Recorder

WORK = WorkId("web01", ("exec",), "a1b2c3d4e5f6")
FIRST = RunStarted("3f2a", "exec", "df", ("web01", "web02"), 1700000000.25)
LARGE = bytes(range(256)) * 40
EVENTS: tuple[Event, ...] = (
    FIRST,
    HostStarted("web01", WORK, 1700000000.5),
    Notice("warning", "caf\u00e9 \udcff", "web01"),
    Result("web01", WORK, Outcome.OK, rc=0, stdout=LARGE, stderr=b"\xff", duration=0.1234567),
    TaskResult("web02", "0/tasks/0", Outcome.CHANGED, {"rc": 0, "stdout_lines": ["x" * 99] * 99}),
    Summary("3f2a", {Outcome.OK: 1, Outcome.CHANGED: 1}, 1.5),
)


@pytest.fixture
def engine() -> Iterator[ThreadEngine]:
    made = ThreadEngine()
    yield made
    made.close(5)


def kept(path: Path, engine: ThreadEngine, events: tuple[Event, ...], **more: Any) -> None:
    recorder = Recorder(path, **more)
    first = events[0]
    assert isinstance(first, RunStarted)
    recorder.begin(engine, first)
    for seq, event in enumerate(events, 1):
        recorder.record(seq, event)
    recorder.commit()
    recorder.close()


def read(path: Path, name: str = "last") -> tuple[KnownRun, list[Event]]:
    with History(path) as history:
        run = history.find(name)
        return run, [event for _, event in history.events(run)]


def everything(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def test_events_come_out_as_they_went_in(tmp_path: Path, engine: ThreadEngine) -> None:
    path = tmp_path / "state" / "journal"
    kept(path, engine, EVENTS, about=About(("exec", "df"), "9abc"))
    run, events = read(path)
    assert tuple(events) == EVENTS
    assert (run.id, run.hosts, run.argv, run.parent) == (
        "3f2a",
        FIRST.hosts,
        ("exec", "df"),
        "9abc",
    )
    assert (run.state, run.exit_status, run.duration) == ("ended", 0, 1.5)
    assert run.counts == {Outcome.OK: 1, Outcome.CHANGED: 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_live_output_is_not_kept_and_the_same_output_once(
    tmp_path: Path, engine: ThreadEngine
) -> None:
    path = tmp_path / "journal"
    twice = [
        Result(host, WorkId(host, ("exec",), "a"), Outcome.OK, rc=0, stdout=LARGE)
        for host in ("web01", "web02")
    ]
    kept(path, engine, (FIRST, Output("web01", WORK, "stdout", b"live"), *twice))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM outputs").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)


def test_a_run_without_its_end_is_none_that_ended(tmp_path: Path, engine: ThreadEngine) -> None:
    path = tmp_path / "journal"
    kept(path, engine, EVENTS[:-1])
    run, _ = read(path)
    assert (run.state, run.exit_status, run.counts) == ("running", None, {})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET process = 'another-start 1 1'")
    assert read(path)[0].state == "cut off"


def test_secrets_are_in_no_byte_of_the_file(tmp_path: Path, engine: ThreadEngine) -> None:
    path, secret = tmp_path / "journal", 'hunt"er\u00fc2\nsecond line of it'
    shown = {
        "stdout": secret,
        "lines": secret.splitlines(),
        "long": secret * 90,
        "n": {"s": secret},
    }
    work = WorkId("web01", ("exec",), "a")
    output = f"it is {secret}\n".encode()
    events = (
        RunStarted("3f2a", "exec", f"echo {secret}", ("web01",), 1.0),
        TaskResult("web01", "0/tasks/0", Outcome.OK, shown),
        Result("web01", work, Outcome.OK, stdout=output, stderr=output * 90),
    )
    kept(path, engine, events, about=About(("-e", f"p={secret}")), known=lambda: {secret})
    found = everything(path)
    run, read_back = read(path)
    for part in (b"er\\u00fc2", "er\u00fc2".encode(), b"second line"):
        assert part not in found
        assert part.decode() not in repr((run, read_back))
    assert run.command == "echo ********"


def test_what_was_about_to_be_sent_is_unknown_until_its_result(
    tmp_path: Path, engine: ThreadEngine
) -> None:
    path = tmp_path / "journal"
    recorder = Recorder(path)
    recorder.begin(engine, FIRST)
    recorder.record(1, FIRST)
    for host in FIRST.hosts:
        recorder.intent(WorkId(host, ("playbook", "0", "tasks", "0"), "a"))
    recorder.record(2, TaskResult("web01", "0/tasks/0", Outcome.CHANGED, item="first"))
    recorder.record(3, TaskResult("web02", "0/tasks/0", Outcome.CHANGED))
    recorder.commit()
    with History(path) as history:
        unknown = history.unknown(history.find("last"))
    assert [(each.host, each.task) for each in unknown] == [("web01", "0/tasks/0")]
    recorder.close()


def test_intents_of_many_hosts_share_commits(tmp_path: Path, engine: ThreadEngine) -> None:
    recorder = Recorder(tmp_path / "journal")
    recorder.begin(engine, FIRST)
    works = [WorkId(f"web{number:03}", ("exec",), "a") for number in range(40)]
    tasks = [engine.spawn(recorder.intent, work) for work in works]
    assert all(task.join(30) for task in tasks)
    recorder.close()
    with History(tmp_path / "journal") as history:
        found = history.unknown(history.find("last"))
    assert sorted(each.host for each in found) == [work.host for work in works]


def test_a_journal_that_fails_in_mid_run_lets_nothing_out(
    tmp_path: Path, engine: ThreadEngine
) -> None:
    path = tmp_path / "journal"
    recorder = Recorder(path)
    recorder.begin(engine, FIRST)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE intents")
    with pytest.raises(Cancelled, match=r"the journal can.t be written: .*nothing was sent"):
        recorder.intent(WORK)
    with pytest.raises(JournalError):
        recorder.commit()
    recorder.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no database at all" * 99, "not a database"), (None, "not a plain file|directory")],
)
def test_what_is_no_journal_is_refused_in_words(
    tmp_path: Path, engine: ThreadEngine, content: bytes | None, words: str
) -> None:
    path = tmp_path / "journal"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(JournalError, match=words) as caught:
        Recorder(path).begin(engine, FIRST)
    assert "--no-journal" in str(caught.value) or content is None


def test_a_later_version_is_left_alone(tmp_path: Path, engine: ThreadEngine) -> None:
    path = tmp_path / "journal"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="version 99"):
        Recorder(path).begin(engine, FIRST)
    assert path.read_bytes()[:100] == before[:100] or os.path.getsize(path) == len(before)


def test_runs_are_found_by_their_names(tmp_path: Path, engine: ThreadEngine) -> None:
    path = tmp_path / "journal"
    for run in ("aaa1", "aab2", "abc3"):
        kept(path, engine, (RunStarted(run, "exec", "df", ("web01",), 1.0),))
    assert [read(path, name)[0].id for name in ("last", "last~2", "aab", "aaa1")] == [
        "abc3",
        "aaa1",
        "aab2",
        "aaa1",
    ]
    for name, words in (("aa", "several"), ("abd3", "abc3"), ("last~9", "has 3"), ("x y", "id")):
        with pytest.raises(JournalError, match=words):
            read(path, name)
