"""Bounded concurrency, batches, thresholds and the end of a run, on either engine."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import pytest

from opsrun.engine.base import Engine, Task
from opsrun.engine.dispatch import Dispatcher, Plan, Share, Slot
from opsrun.engine.stop import Stop

LONG = 30.0


class Crowd:
    """Counts who is at work at the same time."""

    def __init__(self, engine: Engine) -> None:
        self._lock = engine.lock()
        self.inside: set[int] = set()
        self.most = 0
        self.order: list[int] = []
        self.skipped: list[int] = []

    def enter(self, item: int) -> int:
        with self._lock:
            self.inside.add(item)
            self.order.append(item)
            self.most = max(self.most, len(self.inside))
            return len(self.inside)

    def leave(self, item: int) -> None:
        with self._lock:
            self.inside.remove(item)


@pytest.mark.parametrize("forks", [1, 3, 8])
def test_never_more_at_once_than_forks_and_as_many_where_there_is_work(
    engine: Engine, forks: int
) -> None:
    crowd, full = Crowd(engine), engine.event()

    def work(item: int, slot: Slot) -> bool:
        if crowd.enter(item) == forks:
            full.set()
        # Nobody leaves before all places were taken once: fewer at once would never end.
        assert full.wait(LONG)
        engine.event().wait(0.0001)
        crowd.leave(item)
        return True

    Dispatcher(engine, Stop(engine), Plan(forks=forks), work, crowd.skipped.append).run(range(40))
    assert crowd.most == forks
    assert sorted(crowd.order) == list(range(40))
    assert crowd.skipped == []


class Kept:
    """A task that is known to be held on to by somebody."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.join, self.abandon = task.join, task.abandon

    @property
    def ended(self) -> bool:
        return self._task.ended


def test_tasks_that_have_ended_are_not_held_on_to(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead greenlet, or thread, for each of a hundred thousand hosts would be what costs most."""
    spawn, alive, most = engine.spawn, WeakSet[Kept](), 0

    def kept(*call: Any) -> Kept:
        task = Kept(spawn(*call))
        alive.add(task)
        return task

    def work(item: int, slot: Slot) -> bool:
        nonlocal most
        most = max(most, len(alive))
        return True

    monkeypatch.setattr(engine, "spawn", kept)
    Dispatcher(engine, Stop(engine), Plan(forks=1), work, lambda item: None).run(range(300))
    assert most < 100


def test_run_returns_when_the_last_worker_has_ended(engine: Engine) -> None:
    ended: list[int] = []

    def work(item: int, slot: Slot) -> bool:
        engine.event().wait(0.001)
        ended.append(item)
        return True

    Dispatcher(engine, Stop(engine), Plan(forks=3), work, ended.append).run(range(7))
    assert sorted(ended) == list(range(7))


def test_batches_never_overlap(engine: Engine) -> None:
    """Also where a worker has given its place back and comes to its end late."""
    crowd, begun = Crowd(engine), []

    def work(item: int, slot: Slot) -> bool:
        begun.append(item // 4)
        crowd.enter(item)
        with slot.given_back():
            engine.event().wait(0.002 if item % 4 == 1 else 0.0001)
        assert {other // 4 for other in crowd.inside} == {item // 4}
        crowd.leave(item)
        return True

    plan = Plan(forks=2, serial=Share(4))
    Dispatcher(engine, Stop(engine), plan, work, crowd.skipped.append).run(range(14))
    assert begun == sorted(begun)
    assert len(begun) == 14


def test_fail_fast_cancels_and_skips_the_rest(engine: Engine) -> None:
    crowd, stop = Crowd(engine), Stop(engine)

    def work(item: int, slot: Slot) -> bool:
        crowd.enter(item)
        return item != 2

    plan = Plan(forks=1, fail_fast=True)
    Dispatcher(engine, stop, plan, work, crowd.skipped.append).run(range(10))
    assert crowd.order == [0, 1, 2]
    assert crowd.skipped == list(range(3, 10))
    assert stop.cancelled
    assert "--fail-fast" in stop.reason


def test_fail_fast_wakes_those_under_way(engine: Engine) -> None:
    stop, waiting = Stop(engine), engine.event()
    woken: list[bool] = []

    def work(item: int, slot: Slot) -> bool:
        if item == 0:
            waiting.set()
            woken.append(stop.wait(LONG))
            return True
        assert waiting.wait(LONG)
        return False

    Dispatcher(engine, stop, Plan(forks=2, fail_fast=True), work, lambda item: None).run(range(2))
    assert woken == [True]


@pytest.mark.parametrize(
    ("limit", "total", "started"),
    [
        (Share(0), 10, 1),
        (Share(2), 10, 3),
        (Share(10), 10, 10),
        (Share(0, percent=True), 10, 1),
        (Share(20, percent=True), 10, 3),
        (Share(25, percent=True), 10, 3),
        (Share(100, percent=True), 10, 10),
    ],
)
def test_max_fail_starts_nothing_more_once_exceeded(
    engine: Engine, limit: Share, total: int, started: int
) -> None:
    crowd, stop = Crowd(engine), Stop(engine)

    def work(item: int, slot: Slot) -> bool:
        crowd.enter(item)
        return False

    plan = Plan(forks=1, max_fail=limit)
    Dispatcher(engine, stop, plan, work, crowd.skipped.append).run(range(total))
    assert crowd.order == list(range(started))
    assert crowd.skipped == list(range(started, total))
    assert stop.draining is (started < total)
    assert not stop.cancelled, "what is under way may end"


def test_max_fail_holds_across_batches(engine: Engine) -> None:
    crowd = Crowd(engine)

    def work(item: int, slot: Slot) -> bool:
        crowd.enter(item)
        return item % 3 != 2

    plan = Plan(forks=1, serial=Share(3), max_fail=Share(1))
    Dispatcher(engine, Stop(engine), plan, work, crowd.skipped.append).run(range(12))
    assert crowd.order == list(range(6))
    assert crowd.skipped == list(range(6, 12))


def test_a_worker_that_raises_counts_as_bad(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading

    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    crowd = Crowd(engine)

    def work(item: int, slot: Slot) -> bool:
        crowd.enter(item)
        raise LookupError("a bug")

    plan = Plan(forks=1, max_fail=Share(1))
    Dispatcher(engine, Stop(engine), plan, work, crowd.skipped.append).run(range(5))
    assert crowd.order == [0, 1]
    assert crowd.skipped == [2, 3, 4]


def test_an_error_of_spawn_gives_the_place_back_and_waits_for_the_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, go, spawn = [], engine.event(), engine.spawn

    def once(call: object, *args: object) -> object:
        monkeypatch.setattr(engine, "spawn", refuse)
        return spawn(call, *args)  # type: ignore[arg-type]

    def refuse(*args: object) -> None:
        go.set()
        raise RuntimeError("can't start new thread")

    def work(item: int, slot: Slot) -> bool:
        assert go.wait(LONG)
        ended.append(item)
        return True

    monkeypatch.setattr(engine, "spawn", once)
    dispatcher = Dispatcher(engine, Stop(engine), Plan(forks=2), work, ended.append)
    with pytest.raises(RuntimeError):
        dispatcher.run(range(2))
    assert ended == [0]
    with pytest.raises(RuntimeError):
        dispatcher.run(range(1))  # waits for ever if its place was not given back


def test_a_place_given_back_is_used_by_another_and_taken_again(engine: Engine) -> None:
    crowd, second_ran = Crowd(engine), engine.event()

    def work(item: int, slot: Slot) -> bool:
        crowd.enter(item)
        if item == 0:
            crowd.leave(item)
            with slot.given_back():
                assert second_ran.wait(LONG), "the place was not given back"
            crowd.enter(item)
        else:
            second_ran.set()
        crowd.leave(item)
        return True

    Dispatcher(engine, Stop(engine), Plan(forks=1), work, crowd.skipped.append).run(range(3))
    assert crowd.most == 1, "and not more at once for it"
    assert crowd.order[:2] == [0, 1]


def test_a_place_given_back_is_taken_again_after_an_error(engine: Engine) -> None:
    places = engine.semaphore(1)
    places.acquire()
    slot = Slot(places)
    with pytest.raises(LookupError), slot.given_back():
        raise LookupError
    task = engine.spawn(places.acquire)
    assert not task.join(0.01), "the place is held"
    places.release()
    assert task.join(LONG)


def test_a_place_taken_for_a_helper_counts_and_comes_back(engine: Engine) -> None:
    places = engine.semaphore(1)
    slot = Slot(places)
    with slot.taken():
        task = engine.spawn(places.acquire)
        assert not task.join(0.01), "the helper holds the only place"
    assert task.join(LONG)
    places.release()
    with pytest.raises(LookupError), slot.taken():
        raise LookupError
    places.acquire()


# -- the end of a run


def test_cancel_wakes_waiters_calls_back_once_and_keeps_its_first_reason(engine: Engine) -> None:
    stop, called = Stop(engine), []
    waiters = [engine.spawn(stop.wait, LONG) for _ in range(5)]
    with stop.closing(lambda: called.append("a")), stop.closing(lambda: called.append("b")):
        stop.drain("the first reason")
        assert (stop.draining, stop.cancelled, called) == (True, False, [])
        stop.cancel("the second reason")
        stop.cancel("the third reason")
    assert called == ["a", "b"]
    assert (stop.draining, stop.cancelled, stop.reason) == (True, True, "the first reason")
    assert all(waiter.join(LONG) for waiter in waiters)
    assert stop.wait(LONG), "at once, from now on"


def test_who_comes_after_cancel_is_called_at_once(engine: Engine) -> None:
    stop, called = Stop(engine), []
    stop.cancel("over")
    with stop.closing(lambda: called.append("late")):
        assert called == ["late"]


def test_who_has_left_is_not_called(engine: Engine) -> None:
    stop, called = Stop(engine), []
    with pytest.raises(LookupError), stop.closing(lambda: called.append("left")):
        raise LookupError
    stop.cancel("over")
    assert called == []


def test_a_callback_that_fails_keeps_no_other_from_being_called(engine: Engine) -> None:
    stop, called = Stop(engine), []

    def fail() -> None:
        raise OSError("closed already")

    with stop.closing(fail), stop.closing(lambda: called.append("told")):
        stop.cancel("over")
    assert called == ["told"]


def test_a_callback_may_cancel_and_register(engine: Engine) -> None:
    stop, called = Stop(engine), []

    def again() -> None:
        stop.cancel("twice")
        with stop.closing(lambda: called.append("inner")):
            pass

    with stop.closing(again):
        stop.cancel("over")
    assert called == ["inner"]
