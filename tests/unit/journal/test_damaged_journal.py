"""A journal whose bytes are others here and there: what can be read is, the rest is told so."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from opsrun.engine.threads import ThreadEngine
from opsrun.errors import JournalError
from opsrun.events import Outcome, RunStarted, Summary, TaskResult, WorkId
from opsrun.journal.history import History
from opsrun.journal.listing import Wanted, listed
from opsrun.journal.recorder import Recorder


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path, engine = tmp_path_factory.mktemp("whole") / "journal", ThreadEngine()
    for run in ("3f2a", "9abc"):
        recorder = Recorder(path)
        recorder.begin(engine, RunStarted(run, "playbook", "site.yml", ("web01",), 1.0))
        for seq in range(12):
            task = f"0/tasks/{seq}"
            recorder.intent(WorkId("web01", ("playbook", task), "a"))
            data = {"stdout_lines": [f"line {seq}"] * 90}
            recorder.record(seq, TaskResult("web01", task, Outcome.OK, data))
            recorder.ended("web01", task, "whole", f'{{"task": "{task}"}}')
        recorder.record(12, Summary(run, {Outcome.OK: 1}, 1.0))
        recorder.commit()
        recorder.close()
    engine.close(5)
    return path.read_bytes()


READERS: tuple[Callable[[History], Any], ...] = (
    lambda history: history.runs(),
    lambda history: listed(history, Wanted(grep="site")),
    lambda history: list(history.events(history.find("last"))),
    lambda history: history.ends(history.find("9ab")),
    lambda history: history.unknown(history.find("3f2a")),
)


def test_damage_is_told_and_nothing_else_is_raised(journal: bytes, tmp_path: Path) -> None:
    draw, path, told = random.Random(1), tmp_path / "journal", 0
    for _ in range(150):
        content = bytearray(journal)
        for _ in range(draw.choice((1, 3, 30))):
            place, length = draw.randrange(100, len(content)), draw.choice((1, 4, 64, 2000))
            content[place : place + length] = draw.randbytes(length)
        path.write_bytes(content[: len(journal)])
        for read in READERS:
            with suppress(JournalError), History(path) as history:
                told += 1
                read(history)
                told -= 1
        for each in tmp_path.glob("journal-*"):
            each.unlink()
    assert 50 < told < 150 * len(READERS)
