from __future__ import annotations

import pytest
from event_runs import result, runs, started, summary
from hypothesis import HealthCheck, given, settings

from opsrun.errors import RunFailed
from opsrun.events import ErrorInfo, Event, Outcome, Result, Summary
from opsrun.report import INTERRUPTED, Report

OK, CHANGED = result("ok"), result("changed", Outcome.CHANGED)
FAILED = result("failed", Outcome.FAILED, rc=2)
UNREACHABLE = result("away", Outcome.UNREACHABLE, error=ErrorInfo("tcp", "refused"))
LOST = result("lost", Outcome.LOST, error=ErrorInfo("run", "reset"))
CANCELLED = result("late", Outcome.CANCELLED)
KILLED = result("killed", Outcome.FAILED, signal="KILL")
LATE = result("slow", Outcome.FAILED, error=ErrorInfo("run", "timed out"))


def test_a_report_is_read_like_a_list_and_like_a_mapping() -> None:
    report = Report([started("failed", "ok"), OK, FAILED, summary([OK, FAILED])])
    assert list(report) == [OK, FAILED]
    assert (len(report), report["failed"]) == (2, FAILED)
    assert (report.run, report.hosts, report.duration) == ("r1", ("failed", "ok"), 2.34)
    assert repr(report) == "<Report r1: ok 1, failed 1>"
    with pytest.raises(KeyError):
        report["unknown"]


def test_results_by_outcome() -> None:
    report = Report([OK, CHANGED, FAILED, UNREACHABLE, LOST, CANCELLED])
    assert report.ok == [OK, CHANGED]
    assert report.failed == [FAILED]
    assert report.unreachable == [UNREACHABLE]
    assert report.lost == [LOST]
    assert report.cancelled == [CANCELLED]
    assert repr(Report()) == "<Report : no results>"


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([], 0),
        ([OK, CHANGED], 0),
        ([OK, FAILED], 1),
        ([CANCELLED], 1),
        ([FAILED, UNREACHABLE], 3),
        ([UNREACHABLE, LOST, FAILED], 4),
    ],
)
def test_the_worst_outcome_is_the_exit_status(results: list[Result], status: int) -> None:
    assert Report(results).exit_status() == status


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([], 0),
        ([OK], 0),
        ([OK, FAILED, result("x", Outcome.FAILED, rc=17)], 17),
        ([FAILED, KILLED], 137),
        ([result("x", Outcome.FAILED, rc=None, signal="WHAT")], 255),
        ([LATE], 1),
        ([LATE, CANCELLED, FAILED], 2),
        ([FAILED, UNREACHABLE], 3),
        ([FAILED, LOST], 4),
    ],
)
def test_with_largest_the_largest_remote_status_stands_for_the_1(
    results: list[Result], status: int
) -> None:
    assert Report(results).exit_status(largest=True) == status


@pytest.mark.parametrize("largest", [True, False])
def test_interrupted_wins(largest: bool) -> None:
    report = Report([LOST, summary([LOST], interrupted=True)])
    assert report.exit_status(largest=largest) == INTERRUPTED == 130


def test_a_good_report_passes_through() -> None:
    report = Report([OK, CHANGED])
    assert report.raise_for_failures() is report


def test_failures_are_raised_with_their_reasons() -> None:
    bad = [FAILED, UNREACHABLE, LOST, CANCELLED, KILLED, LATE]
    with pytest.raises(RunFailed) as caught:
        Report([OK, *bad]).raise_for_failures()
    assert str(caught.value) == (
        "6 of 7 hosts: failed (failed: exit status 2), away (unreachable: tcp: refused),"
        " lost (lost: run: reset), late (cancelled), killed (failed: killed by SIGKILL),"
        " slow (failed: run: timed out)"
    )
    assert len(caught.value.report) == 7


def test_many_failures_are_counted_not_listed() -> None:
    bad = [result(f"h{index}", Outcome.FAILED, rc=1) for index in range(12)]
    with pytest.raises(RunFailed, match=r"^12 of 12 hosts: h0 .* h9 [^h]* and 2 more$"):
        Report(bad).raise_for_failures()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
@given(runs())
def test_the_summary_and_the_report_agree(events: list[Event]) -> None:
    report = Report(events)
    for event in events:
        if isinstance(event, Summary):
            assert event.counts == report.counts()
            assert report.interrupted == event.interrupted
    assert len(report) == sum(isinstance(event, Result) for event in events)
