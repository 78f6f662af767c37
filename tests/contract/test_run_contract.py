"""One run, whatever its workers, its sinks and its reader do: one result for every host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import make_engine
from support.workers import (
    Behaviour,
    Recorder,
    Scripted,
    bad,
    check_stream,
    good,
    hosts,
    result,
    scripted_run,
    work,
)

from opsrun.adhoc.base import Job
from opsrun.engine import tasks
from opsrun.engine.base import Engine
from opsrun.engine.collector import QUEUE_SIZE
from opsrun.engine.dispatch import Plan, Share, Slot
from opsrun.engine.limits import Needs
from opsrun.errors import SinkClosed
from opsrun.events import Event, HostStarted, Notice, Outcome, Output, Result, Summary

LONG = 30.0
many = settings(max_examples=min(4 * settings().max_examples, 2_000))


class Exit(BaseException):
    """Like gevent's GreenletExit: no Exception, and nobody expects it."""


def raising(error: BaseException, *, started: bool) -> Behaviour:
    def behave(worker: Scripted, job: Job, slot: Slot) -> bool:
        if started:
            worker.setting.emit(HostStarted(job.host, job.work, 1.0))
        raise error

    return behave


def twice(worker: Scripted, job: Job, slot: Slot) -> bool:
    good(worker, job, slot)
    worker.setting.emit(result(job, Outcome.FAILED))
    return True


def never(worker: Scripted, job: Job, slot: Slot) -> bool:
    worker.setting.emit(HostStarted(job.host, job.work, 1.0))
    return True


def from_several_tasks(worker: Scripted, job: Job, slot: Slot) -> bool:
    engine, work_id = worker.setting.engine, job.work

    def chatter() -> None:
        for _ in range(5):
            worker.setting.emit(Output(job.host, work_id, "stdout", b"x"))
        worker.setting.emit(result(job))

    tasks = [engine.spawn(chatter) for _ in range(3)]
    for task in tasks:
        task.join()
    return True


def for_nobody(worker: Scripted, job: Job, slot: Slot) -> bool:
    worker.setting.emit(Result("stranger", work("stranger"), Outcome.OK))
    return good(worker, job, slot)


@pytest.fixture(autouse=True)
def _errors_of_tasks_are_part_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors that leave a worker end its task, which tells them on stderr."""
    import threading

    monkeypatch.setattr(threading, "excepthook", lambda args: None)


BEHAVIOURS: dict[str, tuple[Behaviour, set[Outcome]]] = {
    "good": (good, {Outcome.OK}),
    "bad": (bad, {Outcome.FAILED}),
    "raises": (raising(LookupError("x"), started=True), {Outcome.LOST}),
    "raises early": (raising(LookupError("x"), started=False), {Outcome.CANCELLED}),
    "exit": (raising(SystemExit(3), started=True), {Outcome.LOST}),
    "base": (raising(Exit(), started=True), {Outcome.LOST}),
    "keyboard": (raising(KeyboardInterrupt(), started=True), {Outcome.LOST}),
    "twice": (twice, {Outcome.OK}),
    "never": (never, {Outcome.LOST}),
    "several": (from_several_tasks, {Outcome.OK}),
    "stranger": (for_nobody, {Outcome.OK}),
}
# gevent takes these two, raised in any greenlet, for orders to the whole process, and hands them to
# the main one; Worker.__call__ catches them long before.
KINDS = sorted(set(BEHAVIOURS) - {"exit", "keyboard"})


class Broken(Recorder):
    """A sink that raises at a given event, or at one of its other calls."""

    def __init__(self, at: int | str, error: Exception) -> None:
        super().__init__()
        self._at = at
        self._error = error
        self._failed = False

    def _maybe(self, point: int | str) -> None:
        assert not self._failed or point == "close", "used after its error"
        if point == self._at:
            self._failed = True
            raise self._error

    def handle(self, seq: int, event: Event) -> None:
        super().handle(seq, event)
        self._maybe(seq)

    def flush(self) -> None:
        super().flush()
        self._maybe("flush")

    def tick(self, now: float) -> None:
        super().tick(now)
        self._maybe("tick")

    def close(self) -> None:
        super().close()
        self._maybe("close")


points = st.integers(1, 12) | st.sampled_from(["flush", "tick", "close"])
broken = st.builds(
    Broken, points, st.sampled_from([SinkClosed("gone"), OSError(28, "full"), LookupError("bug")])
)


@many
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=8),
    sinks=st.lists(broken, max_size=3),
    place=st.integers(0, 3),
    break_after=st.none() | st.integers(0, 12),
    interrupt_at=st.none() | st.integers(0, 12),
    forks=st.integers(1, 4),
    serial=st.none() | st.integers(1, 3),
)
def test_every_host_gets_one_result_whatever_happens(
    kinds: list[str],
    sinks: list[Broken],
    place: int,
    break_after: int | None,
    interrupt_at: int | None,
    forks: int,
    serial: int | None,
) -> None:
    names = [f"{kind}{position}" for position, kind in enumerate(kinds)]
    behaviours = {name: BEHAVIOURS[kind][0] for name, kind in zip(names, kinds, strict=True)}
    recorder = Recorder()
    all_sinks = [*sinks[:place], recorder, *sinks[place:]]
    plan = Plan(forks=forks, serial=None if serial is None else Share(serial))
    run, _ = scripted_run(make_engine(), behaviours, plan, all_sinks)
    stream = run.stream()
    for seen, _ in enumerate(stream):
        if seen == break_after:
            stream.close()  # type: ignore[attr-defined]
            break
        if seen == interrupt_at:
            run.interrupt()
    check_stream(recorder, names)
    assert {sink.closed for sink in sinks} <= {1}, "every sink is closed once, broken or not"
    if run.stop.reason == "the run was given up" and break_after is None:
        for each in recorder.results():
            kind = kinds[names.index(each.host)]
            assert each.outcome in BEHAVIOURS[kind][1]
    assert {each.work for each in run.report} == set(map(work, names))


@pytest.mark.parametrize("kind", sorted(BEHAVIOURS))
def test_outcome_of_a_worker_that_misbehaves(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    if kind in ("exit", "keyboard") and make_engine().name == "gevent":
        pytest.skip("gevent hands these to the main greenlet; Worker.__call__ catches them before")
    behaviour, outcomes = BEHAVIOURS[kind]
    recorder = Recorder()
    run, _ = scripted_run(make_engine(), {"h": behaviour, "other": good}, sinks=[recorder])
    list(run.stream())
    check_stream(recorder, ["h", "other"])
    assert run.report["h"].outcome in outcomes
    assert run.report["other"].outcome is Outcome.OK


def test_a_second_result_is_dropped_and_told(engine: Engine) -> None:
    recorder = Recorder()
    run, _ = scripted_run(engine, {"h": twice}, sinks=[recorder])
    list(run.stream())
    assert [each.outcome for each in recorder.results()] == [Outcome.OK]
    notices = [event for event in recorder.events if isinstance(event, Notice)]
    assert [notice.level for notice in notices] == ["error"]
    assert "second result" in notices[0].message


def test_a_worker_without_a_result_is_called_a_bug(engine: Engine) -> None:
    run, _ = scripted_run(engine, {"h": never})
    list(run.stream())
    error = run.report["h"].error
    assert error is not None
    assert "bug in opsrun" in error.hint


def test_events_come_out_in_the_order_in_which_a_worker_emitted_them(engine: Engine) -> None:
    def behave(worker: Scripted, job: Job, slot: Slot) -> bool:
        for number in range(50):
            worker.setting.emit(Output(job.host, job.work, "stdout", b"%d" % number))
        return good(worker, job, slot)

    recorder = Recorder()
    run, _ = scripted_run(engine, dict.fromkeys(hosts(5), behave), sinks=[recorder])
    list(run.stream())
    for host in hosts(5):
        data = [e.data for e in recorder.events if isinstance(e, Output) and e.host == host]
        assert data == [b"%d" % number for number in range(50)]


def test_breaking_off_before_dispatch_still_gives_every_host_its_result(engine: Engine) -> None:
    recorder = Recorder()
    run, made = scripted_run(engine, dict.fromkeys(hosts(3), good), sinks=[recorder])
    stream = run.stream()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    check_stream(recorder, hosts(3))
    assert not made, "no worker was made"
    for each in recorder.results():
        assert each.outcome is Outcome.CANCELLED
        assert each.error is not None
        assert each.error.message == "the run was given up"
        assert each.error.hint == "never started"


def test_an_error_of_the_tick_ends_the_run_and_loses_nothing(engine: Engine) -> None:
    """As KeyboardInterrupt does where nobody handles the signal."""
    go = engine.event()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 2:
            go.set()
            raise KeyboardInterrupt

    def wait(worker: Scripted, job: Job, slot: Slot) -> bool:
        assert go.wait(LONG)
        return good(worker, job, slot)

    recorder = Recorder()
    run, _ = scripted_run(engine, dict.fromkeys(hosts(3), wait), sinks=[recorder], on_tick=tick)
    with pytest.raises(KeyboardInterrupt):
        list(run.stream())
    check_stream(recorder, hosts(3))
    assert ticks == 2, "it is not asked again once it has ended the run"
    assert run.interrupted
    assert {each.outcome for each in recorder.results()} == {Outcome.OK}


def test_no_further_thread_to_dispatch_with(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(engine, "spawn", refuse)
    recorder = Recorder()
    run, _ = scripted_run(engine, dict.fromkeys(hosts(2), good), sinks=[recorder])
    with pytest.raises(RuntimeError):
        list(run.stream())
    check_stream(recorder, hosts(2))


def test_no_further_thread_for_a_worker_lets_the_others_end_first(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, spawn, spawned = engine.event(), engine.spawn, 0

    def limited(call: Callable[..., object], *args: object) -> object:
        nonlocal spawned
        spawned += 1
        if spawned > 3:
            go.set()
            raise RuntimeError("can't start new thread")
        return spawn(call, *args)

    def wait(worker: Scripted, job: Job, slot: Slot) -> bool:
        assert go.wait(LONG)
        return good(worker, job, slot)

    monkeypatch.setattr(engine, "spawn", limited)
    recorder = Recorder()
    run, made = scripted_run(engine, dict.fromkeys(hosts(5), wait), sinks=[recorder])
    list(run.stream())
    check_stream(recorder, hosts(5))
    assert Counter(each.outcome for each in recorder.results()) == {
        Outcome.OK: 2,
        Outcome.CANCELLED: 3,
    }
    assert sorted(made[0].ran) == hosts(2)


class Stalled(Recorder):
    """Blocks at its first output until it is let go, and knows how many were emitted by then."""

    wants_output = True

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.here, self.go = engine.event(), engine.event()

    def handle(self, seq: int, event: Event) -> None:
        super().handle(seq, event)
        if isinstance(event, Output) and not self.here.is_set():
            self.here.set()
            assert self.go.wait(LONG)


def test_a_sink_that_blocks_stops_the_producers_at_the_queues_size(engine: Engine) -> None:
    sink = Stalled(engine)
    total = QUEUE_SIZE + 500
    emitted = 0
    full = engine.event()

    def produce(worker: Scripted, job: Job, slot: Slot) -> bool:
        nonlocal emitted
        assert worker.setting.stream
        for number in range(total):
            worker.setting.emit(Output(job.host, job.work, "stdout", b"%d" % number))
            emitted += 1
            if number == 0:
                # The sink holds this one; all that follow wait in the queue.
                assert sink.here.wait(LONG)
            if emitted == QUEUE_SIZE + 1:
                full.set()
        worker.setting.emit(result(job))
        return True

    run, _ = scripted_run(engine, {"h": produce}, sinks=[sink])
    events: list[Event] = []
    reader = engine.spawn(lambda: events.extend(run.stream()))
    assert full.wait(LONG)
    assert not reader.join(0.1)
    assert emitted == QUEUE_SIZE + 1, "the queue's fill, and the one that the sink holds"
    sink.go.set()
    assert reader.join(LONG)
    data = [event.data for event in sink.events if isinstance(event, Output)]
    assert data == [b"%d" % number for number in range(total)], "all of them, in order"
    check_stream(sink, ["h"])
    assert events == sink.events


def test_a_closed_reader_ends_the_run_quietly(engine: Engine) -> None:
    closed, recorder = Broken(3, SinkClosed("gone")), Recorder()
    plan = Plan(forks=1)
    run, made = scripted_run(engine, dict.fromkeys(hosts(30), good), plan, [closed, recorder])
    list(run.stream())
    check_stream(recorder, hosts(30))
    assert run.collector.closed is not None
    assert run.collector.failures == [], "a reader that went away is no failure"
    assert closed.closed == 1
    assert Outcome.CANCELLED in {each.outcome for each in recorder.results()}
    assert len(made[0].ran) < 30


def test_a_broken_sink_is_dropped_told_and_makes_the_status_1(engine: Engine) -> None:
    failing, recorder = Broken(2, OSError(28, "No space left on device")), Recorder()
    run, _ = scripted_run(engine, dict.fromkeys(hosts(2), good), sinks=[failing, recorder])
    list(run.stream())
    check_stream(recorder, hosts(2))
    assert failing.seqs == [1, 2]
    assert failing.closed == 1
    notices = [event for event in recorder.events if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "Broken was dropped" in notices[0].message
    assert "No space left" in notices[0].message
    assert "Traceback" not in notices[0].message, "a full disk is no bug"
    summary = recorder.events[-1]
    assert isinstance(summary, Summary)
    assert (summary.exit_status, run.exit_status) == (1, 1)
    assert recorder.results()[0].outcome is Outcome.OK


def test_a_sink_that_fails_while_closing_troubles_no_closed_one(engine: Engine) -> None:
    first, last = Recorder(), Recorder()
    failing = Broken("close", LookupError("bug"))
    run, _ = scripted_run(engine, {"h": good}, sinks=[first, failing, last])
    list(run.stream())
    assert (first.closed, failing.closed, last.closed) == (1, 1, 1)
    assert run.collector.untold == run.collector.failures == ["output Broken: bug"]
    assert isinstance(last.events[-1], Summary), "which stays the last of all"
    assert run.exit_status == 1


def test_interrupt_gives_130_and_names_every_unfinished_host(engine: Engine) -> None:
    recorder = Recorder()
    plan = Plan(forks=2)

    def until_cancelled(worker: Scripted, job: Job, slot: Slot) -> bool:
        worker.setting.emit(HostStarted(job.host, job.work, 1.0))
        assert worker.setting.stop.wait(LONG)
        worker.setting.emit(result(job, Outcome.CANCELLED))
        return False

    run, made = scripted_run(engine, dict.fromkeys(hosts(5), until_cancelled), plan, [recorder])
    for event in run.stream():
        if isinstance(event, HostStarted):
            run.interrupt()
    check_stream(recorder, hosts(5))
    assert {each.outcome for each in recorder.results()} == {Outcome.CANCELLED}
    assert len(made[0].ran) <= 2
    summary = recorder.events[-1]
    assert isinstance(summary, Summary)
    assert (summary.interrupted, summary.exit_status) == (True, 130)


def test_sinks_are_flushed_once_nothing_more_waits(engine: Engine) -> None:
    recorder = Recorder()
    run, _ = scripted_run(engine, dict.fromkeys(hosts(3), good), sinks=[recorder])
    list(run.stream())
    assert recorder.flushed_at[-1] == len(recorder.events)


def test_forks_are_capped_by_engine_and_descriptors_and_it_is_said(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import opsrun.composition.run as module

    def of_four(wanted: int, files: int) -> int:
        return min(wanted, 4)

    monkeypatch.setattr(engine, "max_forks", 6)
    monkeypatch.setattr(module, "affordable_forks", of_four)
    recorder = Recorder()
    inside, most, lock = 0, 0, engine.lock()

    def count(worker: Scripted, job: Job, slot: Slot) -> bool:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        engine.event().wait(0.001)
        with lock:
            inside -= 1
        return good(worker, job, slot)

    run, _ = scripted_run(engine, dict.fromkeys(hosts(20), count), Plan(forks=10), [recorder])
    list(run.stream())
    words = [event.message for event in recorder.events if isinstance(event, Notice)]
    assert len(words) == 2
    assert "6 hosts at once, not 10" in words[0]
    assert "4 hosts at once instead of 6" in words[1]
    assert 1 <= most <= 4


def test_forks_are_capped_by_processes_and_threads_and_it_is_said(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task of the engine's is a thread on one engine, and nothing to the kernel on the other."""
    asked: list[tuple[int, int, int]] = []

    def of_three(wanted: int, per_host: int, reserve: int) -> tuple[int, str]:
        asked.append((wanted, per_host, reserve))
        return min(wanted, 3), "ulimit -u"

    monkeypatch.setattr(tasks, "affordable", of_three)
    recorder = Recorder()
    needs = Needs(threads=2, processes=5)
    run, made = scripted_run(
        engine, dict.fromkeys(hosts(9), good), Plan(forks=8), [recorder], needs
    )
    list(run.stream())
    assert asked == [(8, 2 * engine.threads_per_task + 5, engine.own_threads)]
    [words] = [event.message for event in recorder.events if isinstance(event, Notice)]
    assert words == (
        "processes and threads are limited: 3 hosts at once instead of 8 (see ulimit -u)"
    )
    assert len(made[0].ran) == 9
