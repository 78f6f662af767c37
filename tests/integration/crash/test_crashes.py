"""opsrun killed at any moment, on real sshd: the journal knows all that was shown and done."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.crashing import TASKS, Crash, Point, points

from opsrun.lab import Lab

SOME = (
    Point("sql", sql="before:COMMIT:1"),
    Point("sql", sql="after:INSERT INTO intents:1"),
    Point("sql", sql="half:INSERT INTO events:4"),
    Point("effect", 2),
)
"""Around the run's beginning, an intent, an outcome, and while a host is at work."""


@pytest.fixture
def crash(few_hosts: Lab, tmp_path: Path) -> Crash:
    return Crash(few_hosts, tmp_path)


@pytest.mark.parametrize("point", SOME[2:], ids=str)
def test_a_command_that_was_cut_off(crash: Crash, point: Point) -> None:
    crash.run(crash.exec_words(), point)
    crash.check()
    assert crash.status < 0


@pytest.mark.parametrize("point", [*SOME, Point("effect", 7), Point("line", 14)], ids=str)
def test_a_playbook_that_was_cut_off(crash: Crash, point: Point) -> None:
    crash.run(crash.playbook_words(), point)
    crash.check()
    assert crash.status < 0


def test_without_a_crash_all_is_known(crash: Crash) -> None:
    crash.run(crash.playbook_words(), Point("never"))
    crash.check()
    hosts = [host.name for host in crash.lab.hosts]
    assert crash.effects() == {(host, task): 1 for host in hosts for task in TASKS}


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["gevent", "threads"])
@pytest.mark.parametrize("point", points(1, 60, playbook=False, timed=10), ids=str)
def test_commands_that_were_cut_off_anywhere(crash: Crash, point: Point, engine: str) -> None:
    crash.run(crash.exec_words("--engine", engine), point)
    crash.check()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["gevent", "threads"])
@pytest.mark.parametrize("point", points(2, 100, playbook=True, timed=20), ids=str)
def test_playbooks_that_were_cut_off_anywhere(crash: Crash, point: Point, engine: str) -> None:
    crash.run(crash.playbook_words("--engine", engine), point)
    crash.check()
