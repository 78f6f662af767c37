"""What becomes of work that is under way when its fleet's block is left; both engines."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engines import until

from opsrun import Fleet, Outcome, Output, Report, Result, RunHandle, UsageError
from opsrun.composition.run import make_engine

HERE = "one ansible_connection=local\ntwo ansible_connection=local\n"
ENDLESS = 'echo $$ > "$OPSRUN_MARK.$$"; echo begun; exec sleep 600'


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Two hosts that are both this machine."""
    path = tmp_path / "hosts.ini"
    path.write_text(HERE)
    return Fleet(path)


def running(mark: Path) -> list[int]:
    """The commands that have begun, and have not ended."""
    found = [int(path.suffix[1:]) for path in mark.parent.glob(f"{mark.name}.*")]
    return [pid for pid in found if os.path.exists(f"/proc/{pid}")]


def test_a_run_that_another_task_waits_for_is_ended(fleet: Fleet, tmp_path: Path) -> None:
    engine, reports = make_engine("auto"), list[Report]()
    mark = tmp_path / "mark"
    with fleet:
        task = engine.spawn(
            lambda: reports.append(fleet.exec(ENDLESS, "all", env={"OPSRUN_MARK": str(mark)}))
        )
        until(engine, lambda: len(running(mark)) == 2)
    assert task.join(30)
    assert [result.outcome for result in reports[0]] == [Outcome.CANCELLED] * 2
    assert running(mark) == []


def test_a_stream_that_is_half_read_is_ended(fleet: Fleet, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with fleet:
        events = fleet.stream(ENDLESS, "all", env={"OPSRUN_MARK": str(mark)})
        next(event for event in events if isinstance(event, Output))
    ends = [event for event in events if isinstance(event, Result)]
    assert [result.outcome for result in ends] == [Outcome.CANCELLED] * 2
    assert {result.error.message for result in ends if result.error} == {"its Fleet was left"}
    assert running(mark) == []


def test_one_that_is_over_is_left_alone(fleet: Fleet) -> None:
    with fleet:
        report = fleet.exec("true", "all")
        narrowed = fleet.select("one")
        assert narrowed.exec("true").exit_status() == 0
    assert report.exit_status() == 0
    assert narrowed.exec("true").exit_status() == 0, "connections are made anew outside"


@pytest.mark.parametrize("asks", ["report", "join", "results", "leave"])
def test_a_callback_that_would_wait_for_itself_is_told_so(fleet: Fleet, asks: str) -> None:
    handles: list[RunHandle] = []
    ways: dict[str, Callable[[RunHandle], object]] = {
        "report": RunHandle.report,
        "join": RunHandle.join,
        "results": list,
        "leave": lambda handle: fleet.__exit__(None, None, None),
    }
    there = make_engine("auto").event()

    def ask(result: Result) -> None:
        there.wait()
        ways[asks](handles[0])

    fleet.__enter__()
    handles.append(fleet.exec("true", "one", wait=False, on_result=ask))
    there.set()
    with pytest.raises(UsageError, match="on_result can't wait for its own run"):
        handles[0].report(60)
    assert fleet.exec("true", "all").exit_status() == 0
    fleet.__exit__(None, None, None)


def test_a_callback_may_wait_for_another_run_and_look_at_its_own(fleet: Fleet) -> None:
    nested: list[Report] = []

    def again(result: Result) -> None:
        nested.append(fleet.exec("true", result.host, wait=False).report())

    with fleet:
        fleet.exec("true", "all", wait=False, on_result=again).report()
    assert [report.exit_status() for report in nested] == [0, 0]


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "5", True])
def test_a_timeout_that_is_none_is_refused(fleet: Fleet, timeout: Any) -> None:
    handle = fleet.exec("true", "one", wait=False)
    with pytest.raises(UsageError, match="timeout: expected seconds above 0"):
        handle.report(timeout)
    assert handle.report(1e300).exit_status() == 0
    assert handle.report(0).exit_status() == 0
