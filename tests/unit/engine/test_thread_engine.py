"""Threads that go from one task to the next."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from opsrun.engine import threads
from opsrun.engine.threads import ThreadEngine

LONG = 30.0


def ours() -> set[threading.Thread]:
    """Threads of any engine's."""
    return {thread for thread in threading.enumerate() if thread.name == "opsrun"}


def test_a_thread_takes_one_task_after_the_other() -> None:
    engine, seen = ThreadEngine(), list[int]()
    for _ in range(50):
        assert engine.spawn(lambda: seen.append(threading.get_ident())).join(LONG)
    assert len(seen) == 50
    assert len(set(seen)) == 1
    assert engine.close(LONG)


def test_no_thread_is_left_behind_when_it_was_closed() -> None:
    before, engine, go = ours(), ThreadEngine(), threading.Event()
    tasks = [engine.spawn(go.wait, LONG) for _ in range(8)]
    assert len(ours() - before) == 8
    go.set()
    assert engine.close(LONG)
    assert all(task.ended for task in tasks)
    assert ours() == before


def test_a_thread_that_ends_its_task_behind_the_close_ends_too() -> None:
    before, engine, go = ours(), ThreadEngine(), threading.Event()
    task = engine.spawn(go.wait, LONG)
    (thread,) = ours() - before
    task.abandon()
    assert engine.close(LONG)
    assert not task.ended
    go.set()
    thread.join(LONG)
    assert not thread.is_alive()
    assert task.join(LONG)


def test_an_engine_that_was_closed_still_starts_tasks() -> None:
    before, engine = ours(), ThreadEngine()
    assert engine.close(LONG)
    done: list[int] = []
    assert engine.spawn(done.append, 1).join(LONG)
    assert engine.close(LONG)
    assert done == [1]
    for thread in ours() - before:
        thread.join(LONG)
    assert ours() == before


def test_threads_without_a_task_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE", 0.0)
    before, engine = ours(), ThreadEngine()
    assert engine.spawn(lambda: None).join(LONG)
    for thread in ours() - before:
        thread.join(LONG)
    assert ours() == before
    assert engine.spawn(lambda: None).join(LONG), "and others take their place"
    assert engine.close(LONG)


def test_a_task_given_to_a_thread_that_is_about_to_end_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its patience is over at once, each time: what is handed over comes before or behind that."""
    monkeypatch.setattr(threads, "_IDLE", 0.0)
    before, engine, done = ours(), ThreadEngine(), list[int]()
    for number in range(3000):
        task = engine.spawn(done.append, number)
        if number % 3:
            assert task.join(LONG)
    assert engine.close(LONG)
    assert sorted(done) == list(range(3000))
    assert ours() == before


def test_a_thread_without_a_task_holds_on_to_nothing() -> None:
    class Cargo:
        pass

    engine, cargo = ThreadEngine(), Cargo()
    there = weakref.ref(cargo)
    task = engine.spawn(lambda each: None, cargo)
    assert task.join(LONG)
    del cargo
    gc.collect()
    assert there() is None
    assert engine.close(LONG)


def test_a_call_that_hangs_keeps_no_thread_from_the_tasks() -> None:
    engine, go = ThreadEngine(), threading.Event()
    with pytest.raises(TimeoutError):
        engine.offload(go.wait, LONG, timeout=0.001)
    assert engine.spawn(lambda: None).join(LONG)
    assert engine.close(LONG), "nobody waits for the call"
    go.set()


def test_several_may_join_one_task() -> None:
    engine, go = ThreadEngine(), threading.Event()
    task = engine.spawn(go.wait, LONG)
    others = [engine.spawn(task.join, LONG) for _ in range(5)]
    assert not task.join(0.0)
    assert not task.join(-1.0)
    go.set()
    assert task.join()
    assert all(other.join(LONG) for other in others)
    assert engine.close(LONG)


def test_a_call_that_comes_as_patience_ends_is_taken_once() -> None:
    """Left where it is, it would end the thread after its next task, and that one's successor."""
    engine = ThreadEngine()
    worker = threads._Worker(threads._Task(gc.collect, (), set()), engine._work)
    engine._idle.append(worker)
    called = worker.called

    class Late:
        """A lock whose patience ends just before it is released."""

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            if not blocking:
                return called.acquire(blocking=False)
            engine._idle.remove(worker)
            called.release()
            return False

    worker.called = Late()  # type: ignore[assignment]
    engine._wait(worker)
    assert called.locked()
