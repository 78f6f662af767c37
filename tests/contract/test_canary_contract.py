"""Canaries in whole runs: who is started, who is not, and what is said, on either engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.engines import make_engine
from support.workers import Recorder, Scripted, bad, check_stream, good, hosts, scripted_run

from opsrun.adhoc.base import Job
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Dispatcher, Plan, Share, Slot
from opsrun.engine.stop import Stop
from opsrun.events import HostStarted, Notice, Outcome
from opsrun.report import Report

CANARY = Plan(forks=4, canary=(Share(1), Share(20, percent=True)))


def silent(worker: Scripted, job: Job, slot: Slot) -> bool:
    """Starts, and ends without a result."""
    worker.setting.emit(HostStarted(job.host, job.work, 1.0))
    return True


class Ended(NamedTuple):
    """What became of a run."""

    report: Report
    recorder: Recorder
    ran: list[str]
    status: int
    reason: str


def run(
    engine: Engine, names: list[str], ill: dict[str, Callable[..., bool]], plan: Plan = CANARY
) -> Ended:
    """A run in which some hosts behave otherwise than well."""
    recorder = Recorder()
    behaviours = {name: ill.get(name, good) for name in names}
    made, workers = scripted_run(engine, behaviours, plan, [recorder])
    report = Report(made.stream())
    check_stream(recorder, names)
    return Ended(report, recorder, workers[0].ran, made.exit_status, made.stop.reason)


def test_all_are_worked_on_where_all_is_well(engine: Engine) -> None:
    report, recorder, ran, status, _ = run(engine, hosts(10), {})
    assert (len(ran), len(report.ok), status) == (10, 10, 0)
    notices = [event.message for event in recorder.events if isinstance(event, Notice)]
    assert notices == [
        "canary: batch 1 of 3 has ended well (ok 1); the next follows",
        "canary: batch 2 of 3 has ended well (ok 2); the next follows",
    ]


def test_a_canary_that_fails_is_the_only_one(engine: Engine) -> None:
    report, _, ran, status, reason = run(engine, hosts(10), {"h000": bad})
    assert (ran, status) == (["h000"], 1)
    assert [result.host for result in report.failed] == ["h000"]
    assert len(report.cancelled) == 9
    assert reason == (
        "the canary stopped behind batch 1 of 3 (1 of 10 hosts were worked on): "
        "h000 failed: exit status 1"
    )


def test_the_rest_of_a_bad_batch_still_ends(engine: Engine) -> None:
    report, _, ran, _, _ = run(engine, hosts(10), {"h001": bad})
    assert sorted(ran) == ["h000", "h001", "h002"]
    assert len(report.ok) == 2
    assert len(report.cancelled) == 7


def test_the_last_batch_has_none_to_hold_back(engine: Engine) -> None:
    report, _, ran, status, _ = run(engine, hosts(10), {"h005": bad})
    assert (len(ran), len(report.ok), len(report.failed), status) == (10, 9, 1, 1)


def test_one_that_ends_without_a_result_is_not_well(engine: Engine) -> None:
    report, _, ran, _, reason = run(engine, hosts(5), {"h000": silent})
    assert ran == ["h000"]
    assert report["h000"].outcome is Outcome.LOST
    assert reason.endswith("h000 ended without a result")


def test_other_reasons_to_stop_are_not_talked_over(engine: Engine) -> None:
    plan = Plan(forks=1, canary=(Share(3),), max_fail=Share(0))
    _, _, ran, _, reason = run(engine, hosts(6), {"h000": bad}, plan)
    assert ran == ["h000"]
    assert reason == "1 host failed, more than --max-fail allows"


def test_one_that_is_interrupted_judges_nobody(engine: Engine) -> None:
    def stop(worker: Scripted, job: Job, slot: Slot) -> bool:
        made.interrupt()
        return good(worker, job, slot)

    recorder = Recorder()
    behaviours = dict.fromkeys(hosts(4), good) | {"h000": stop}
    made, _ = scripted_run(engine, behaviours, Plan(canary=(Share(1),)), [recorder])
    report = Report(made.stream())
    assert (made.exit_status, made.stop.reason) == (130, "interrupted")
    assert len(report.cancelled) == 3
    assert not any(isinstance(event, Notice) for event in recorder.events)


shares = st.builds(Share, st.integers(1, 6)) | st.builds(Share, st.floats(1, 100), st.just(True))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.booleans(), min_size=1, max_size=24),
    st.lists(shares, min_size=1, max_size=3).map(tuple),
    st.integers(1, 8),
)
def test_whoever_fails_nobody_of_a_later_batch_begins(
    well: list[bool], canary: tuple[Share, ...], forks: int
) -> None:
    plan, names = Plan(forks=forks, canary=canary), hosts(len(well))
    expected: list[str] = []
    for batch in plan.batches(len(well)):
        expected += [names[position] for position in batch]
        if not all(well[position] for position in batch):
            break
    engine = make_engine()
    ill = {name: bad for name, is_well in zip(names, well, strict=True) if not is_well}
    report, _, ran, status, _ = run(engine, names, dict(ill), plan)
    assert engine.close(30.0)
    assert sorted(ran) == expected
    assert len(report.cancelled) == len(names) - len(expected)
    assert status == (0 if all(well) else 1)


@given(st.integers(0, 20), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 4))
def test_every_batch_but_the_last_is_looked_back_at_once(
    total: int, sizes: list[int], refused: int
) -> None:
    """And only when all of it has ended, whoever has given a place back."""
    engine = make_engine()
    stop, ended, asked, skipped = Stop(engine), set[int](), list[list[int]](), list[int]()

    def work(item: int, slot: Slot) -> bool:
        with slot.given_back():
            pass
        ended.add(item)
        return True

    def judge(batch: object) -> str:
        asked.append(list(batch))  # type: ignore[call-overload]
        assert set(asked[-1]) <= ended
        return "enough" if len(asked) == refused else ""

    plan = Plan(forks=2, canary=tuple(Share(size) for size in sizes))
    Dispatcher(engine, stop, plan, work, skipped.append, judge=judge).run(range(total))
    assert engine.close(30.0)
    batches = [list(batch) for batch in plan.batches(total)]
    reached = batches[:refused] if 0 < refused < len(batches) else batches
    assert ended == {item for batch in reached for item in batch}
    assert skipped == list(range(len(ended), total))
    assert asked == (reached if reached != batches else batches[:-1])
    assert stop.draining is (reached != batches)


@given(
    st.lists(st.sampled_from(["well", "bad", "ill"]), min_size=1, max_size=16),
    st.lists(st.integers(1, 5), max_size=3),
    st.integers(1, 4),
)
def test_who_did_well_is_looked_back_at_when_all_of_the_batch_have_ended(
    fates: list[str], sizes: list[int], forks: int
) -> None:
    """Once, before the batch is judged, never more at once than are worked on at once."""
    engine = make_engine()
    ended, looked, judged = set[int](), list[int](), list[list[int]]()
    places, most = list[int](), list[int]()
    plan = Plan(forks=forks, canary=tuple(Share(size) for size in sizes))
    batches = [list(batch) for batch in plan.batches(len(fates))]

    def work(item: int, slot: Slot) -> bool:
        with slot.given_back():
            pass
        ended.add(item)
        return fates[item] != "bad"

    def look_back(item: int, slot: Slot) -> bool:
        places.append(item)
        most.append(len(places))
        [batch] = [each for each in batches if item in each]
        assert ended >= set(batch)
        engine.event().wait(0.0001)
        looked.append(item)
        places.remove(item)
        return fates[item] != "ill"

    def judge(batch: object) -> str:
        judged.append(list(batch))  # type: ignore[call-overload]
        assert set(looked) >= {item for item in judged[-1] if fates[item] != "bad"}
        return ""

    made = Dispatcher(engine, Stop(engine), plan, work, ended.add, judge=judge, look_back=look_back)
    made.run(range(len(fates)))
    assert engine.close(30.0)
    assert sorted(looked) == [item for item, fate in enumerate(fates) if fate != "bad"]
    assert judged == batches[:-1]
    assert max(most, default=0) <= forks
    assert made.bad == len(fates) - fates.count("well")


def test_what_stops_the_run_meanwhile_leaves_nobody_without_a_look(engine: Engine) -> None:
    """Nobody else gives those their results whose work has been done."""
    stop, looked, skipped = Stop(engine), list[int](), list[int]()

    def work(item: int, slot: Slot) -> bool:
        stop.cancel("over")
        return True

    def look_back(item: int, slot: Slot) -> bool:
        looked.append(item)
        return False

    plan = Plan(forks=1, canary=(Share(2),))
    Dispatcher(engine, stop, plan, work, skipped.append, look_back=look_back).run(range(4))
    assert (looked, skipped) == ([0], [1, 2, 3])


def test_those_who_are_not_well_count_for_the_threshold(engine: Engine) -> None:
    skipped, stop = list[int](), Stop(engine)
    plan = Plan(max_fail=Share(1), canary=(Share(2),))
    Dispatcher(engine, stop, plan, lambda *_: True, skipped.append, look_back=lambda *_: False).run(
        range(3)
    )
    assert skipped == [2]
    assert stop.reason == "2 hosts failed, more than --max-fail allows"


def test_results_are_judged_though_nobody_has_read_them(engine: Engine) -> None:
    """The stream is behind the workers; a verdict must not be."""
    read = engine.event()

    def last(worker: Scripted, job: Job, slot: Slot) -> bool:
        read.set()
        return good(worker, job, slot)

    behaviours = dict.fromkeys(hosts(3), good) | {"h002": last}
    made, workers = scripted_run(engine, behaviours, Plan(canary=(Share(1), Share(1))))
    stream = made.stream()
    next(stream)
    next(stream)
    assert read.wait(30.0), "two verdicts were waited for"
    Report(stream)
    assert workers[0].ran == hosts(3)
