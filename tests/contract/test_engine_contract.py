"""What holds for every engine; the fixture picks the one that this process can have."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support.engines import is_gevent, make_engine
from support.native import NativeCall

from opsrun.engine.base import Engine

LONG = 30.0
"""Seconds that no test ever waits: only a broken engine gets there."""


def settle(*tasks: Any) -> None:
    """Wait for tasks that are bound to end."""
    for task in tasks:
        assert task.join(LONG), "a task did not end"


def test_the_engine_is_the_one_that_this_process_can_have(engine: Engine) -> None:
    assert engine.name == ("gevent" if is_gevent() else "threads")
    assert engine.max_forks >= 50


def test_spawn_passes_arguments_and_join_sees_the_end(engine: Engine) -> None:
    seen: list[tuple[int, str]] = []
    task = engine.spawn(lambda number, word: seen.append((number, word)), 3, "three")
    settle(task)
    assert seen == [(3, "three")]
    assert task.join(0), "joining twice is harmless"


def test_join_with_a_timeout_tells_a_task_that_still_runs(engine: Engine) -> None:
    go = engine.event()
    task = engine.spawn(go.wait, LONG)
    assert not task.join(0.001)
    go.set()
    settle(task)


def test_tasks_run_at_the_same_time(engine: Engine) -> None:
    """Each waits for all the others: one after the other they would never end."""
    number = 40
    here: list[int] = []
    all_here = engine.event()

    def meet(position: int) -> None:
        here.append(position)
        if len(here) == number:
            all_here.set()
        assert all_here.wait(LONG)

    settle(*[engine.spawn(meet, position) for position in range(number)])
    assert sorted(here) == list(range(number))


def test_queue_keeps_its_order(engine: Engine) -> None:
    queue = engine.queue(8)
    task = engine.spawn(lambda: [queue.put(number) for number in range(100)])
    assert [queue.get(LONG) for _ in range(100)] == list(range(100))
    settle(task)
    assert queue.empty()


def test_put_waits_while_the_queue_is_full(engine: Engine) -> None:
    queue, put = engine.queue(3), []
    fourth_comes = engine.event()

    def produce() -> None:
        for number in range(10):
            if number == 3:
                fourth_comes.set()
            queue.put(number)
            put.append(number)

    task = engine.spawn(produce)
    assert fourth_comes.wait(LONG)
    assert not task.join(0.05)
    assert put == [0, 1, 2]
    assert queue.get(LONG) == 0
    assert [queue.get(LONG) for _ in range(9)] == list(range(1, 10))
    settle(task)


def test_get_gives_none_after_its_timeout(engine: Engine) -> None:
    queue = engine.queue(1)
    assert queue.empty()
    assert queue.get(0.001) is None
    queue.put("item")
    assert not queue.empty()
    assert queue.get(0.001) == "item"


def test_an_event_releases_every_waiter_and_can_be_lowered(engine: Engine) -> None:
    event = engine.event()
    assert not event.is_set()
    assert not event.wait(0.001)
    woken: list[bool] = []
    tasks = [engine.spawn(lambda: woken.append(event.wait(LONG))) for _ in range(20)]
    event.set()
    settle(*tasks)
    assert woken == [True] * 20
    assert event.is_set()
    assert event.wait(), "a raised flag makes nobody wait"
    event.clear()
    assert not event.is_set()
    assert not event.wait(0.001)


def test_a_semaphore_never_lets_more_in_than_it_has_places(engine: Engine) -> None:
    places, gate, lock = engine.semaphore(4), engine.event(), engine.lock()
    inside, most, done = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, done
        places.acquire()
        with lock:
            inside += 1
            most = max(most, inside)
            full = inside == 4
        if full:
            gate.set()
        gate.wait(LONG)
        with lock:
            inside -= 1
            done += 1
        places.release()

    settle(*[engine.spawn(work) for _ in range(60)])
    assert (most, inside, done) == (4, 0, 60)


def test_a_semaphore_place_may_be_given_back_by_another_task(engine: Engine) -> None:
    places = engine.semaphore(1)
    places.acquire()
    settle(engine.spawn(places.release))
    places.acquire()
    places.release()


def test_a_native_lock_keeps_offloaded_calls_apart(engine: Engine) -> None:
    lock, inside, most = engine.native_lock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            for _ in range(20_000):
                pass
            inside -= 1

    settle(*[engine.spawn(engine.offload, work) for _ in range(6)])
    assert (inside, most) == (0, 1)


def test_a_lock_keeps_read_and_write_together(engine: Engine) -> None:
    lock, total = engine.lock(), 0

    def add() -> None:
        nonlocal total
        for _ in range(300):
            with lock:
                before = total
                # Something that may let another task run.
                str(before).encode()
                total = before + 1

    settle(*[engine.spawn(add) for _ in range(20)])
    assert total == 6000


def test_now_never_goes_back(engine: Engine) -> None:
    moments = [engine.now() for _ in range(1000)]
    assert moments == sorted(moments)


def test_offload_gives_the_result_and_passes_arguments(engine: Engine) -> None:
    assert engine.offload(divmod, 17, 5) == (3, 2)
    assert engine.offload(divmod, 17, 5, timeout=LONG) == (3, 2)


@pytest.mark.parametrize("timeout", [None, LONG])
def test_offload_raises_what_the_call_raised(engine: Engine, timeout: float | None) -> None:
    def fail() -> None:
        raise LookupError("nobody of that name")

    with pytest.raises(LookupError, match="nobody of that name"):
        engine.offload(fail, timeout=timeout)


def test_offload_gives_up_after_its_timeout(engine: Engine) -> None:
    with NativeCall() as stuck:
        with pytest.raises(TimeoutError, match=r"0\.01 s"):
            engine.offload(stuck, timeout=0.01)
        assert stuck.started


def test_offload_holds_up_no_other_task(engine: Engine) -> None:
    with NativeCall() as stuck:
        task = engine.spawn(engine.offload, stuck)
        stuck.wait_started(engine)
        settle(engine.spawn(lambda: None))
        assert engine.offload(len, "abc", timeout=LONG) == 3
        assert not task.join(0)
        stuck.release()
        settle(task)


def test_calls_that_hang_delay_no_call_behind_them(engine: Engine) -> None:
    """Names whose servers never answer, and a line to be written to the terminal meanwhile."""
    hanging = 40
    with NativeCall() as stuck:

        def hang() -> None:
            try:
                engine.offload(stuck, timeout=LONG)
            except TimeoutError:
                pytest.fail("timed out")

        tasks = [engine.spawn(hang) for _ in range(hanging)]
        stuck.wait_started(engine, hanging)
        assert engine.offload(len, "one more name", timeout=LONG) == 13
        assert engine.offload(len, "terminal") == 8
        stuck.release()
        settle(*tasks)


def test_ten_thousand_short_tasks(engine: Engine) -> None:
    places, lock, done = engine.semaphore(64), engine.lock(), 0

    def work() -> None:
        nonlocal done
        with lock:
            done += 1
        places.release()

    for _ in range(10_000):
        places.acquire()
        engine.spawn(work)
    assert engine.close(LONG)
    assert done == 10_000


def test_close_waits_for_tasks_and_for_those_that_they_start() -> None:
    engine = make_engine()
    go, ended = engine.event(), []

    def grandchild() -> None:
        assert go.wait(LONG)
        ended.append("grandchild")

    def child() -> None:
        engine.spawn(grandchild)
        go.set()

    engine.spawn(child)
    assert engine.close(LONG)
    assert ended == ["grandchild"]


def test_close_may_be_called_from_a_task() -> None:
    engine = make_engine()
    closed: list[bool] = []
    settle(engine.spawn(lambda: closed.append(engine.close(LONG))))
    assert closed == [True]


def test_close_tells_that_a_task_did_not_end() -> None:
    engine = make_engine()
    go = engine.event()
    task = engine.spawn(go.wait, LONG)
    assert not engine.close(0.01)
    go.set()
    settle(task)
    assert engine.close(LONG)


def test_close_does_not_wait_for_a_task_that_was_abandoned() -> None:
    engine = make_engine()
    release = engine.event()
    task = engine.spawn(release.wait)
    task.abandon()
    assert engine.close(LONG)
    assert not task.join(0), "it goes on"
    release.set()
    settle(task)
    task.abandon()


def test_close_does_not_wait_for_a_call_that_hangs() -> None:
    engine = make_engine()
    with NativeCall() as stuck:
        with pytest.raises(TimeoutError):
            engine.offload(stuck, timeout=0.001)
        assert engine.close(LONG), "no task is left, only a call that nobody waits for"


def test_an_error_that_leaves_a_task_ends_only_that_task(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail() -> None:
        raise LookupError("told on stderr")

    settle(engine.spawn(fail), engine.spawn(lambda: None))
    assert engine.close(LONG)
    assert "told on stderr" in capfd.readouterr().err


@pytest.mark.skipif(is_gevent(), reason="a patched process has no real threads to lack")
def test_without_a_further_thread_spawn_raises_and_nothing_runs(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ran: list[bool] = []
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            engine.spawn(ran.append, True)
    assert engine.close(LONG)
    assert ran == []


@pytest.mark.skipif(not is_gevent(), reason="only where gevent patched")
def test_threads_are_refused_in_a_patched_process() -> None:
    from opsrun.composition.run import make_engine as by_name
    from opsrun.errors import UsageError

    with pytest.raises(UsageError, match="not patched"):
        by_name("threads")
    assert by_name("auto").name == "gevent"


@pytest.mark.skipif(is_gevent(), reason="only where nothing is patched")
def test_greenlets_are_refused_in_an_ordinary_process() -> None:
    from opsrun.composition.run import make_engine as by_name
    from opsrun.errors import UsageError

    with pytest.raises(UsageError, match="patched process"):
        by_name("gevent")
    assert by_name("auto").name == "threads"
