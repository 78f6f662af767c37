"""A bounded queue where many wait: in their order, whoever leaves, at the same cost for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.engines import is_gevent, until

from opsrun.engine.base import Engine, Queue

LONG = 30.0
MANY = 10_000

on_greenlets = pytest.mark.skipif(not is_gevent(), reason="nothing ends a thread from outside")


def drained(queue: Queue[Any]) -> list[Any]:
    """All that is there and all that waits to be, in its order."""
    items = []
    while (item := queue.get(0.05 if queue.empty() else LONG)) is not None:
        items.append(item)
    return items


class Incomparable:
    """An item: nothing that searches among items could pass it."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError("items are not compared")


def test_what_many_put_comes_out_once_and_in_each_ones_order(engine: Engine) -> None:
    queue = engine.queue(3)

    def put(producer: int) -> None:
        for number in range(50):
            queue.put((producer, number))

    tasks = [engine.spawn(put, producer) for producer in range(20)]
    items = [queue.get(LONG) for _ in range(1000)]
    assert all(task.join(LONG) for task in tasks)
    assert queue.empty()
    for producer in range(20):
        assert [number for who, number in items if who == producer] == list(range(50))


def test_many_that_get_share_what_comes(engine: Engine) -> None:
    queue, got = engine.queue(2), list[int]()

    def get() -> None:
        while (item := queue.get(LONG)) >= 0:
            got.append(item)

    tasks = [engine.spawn(get) for _ in range(10)]
    for number in [*range(500), *[-1] * 10]:
        queue.put(number)
    assert all(task.join(LONG) for task in tasks)
    assert sorted(got) == list(range(500))


def test_items_are_not_compared(engine: Engine) -> None:
    queue = engine.queue(1)
    items = [Incomparable() for _ in range(5)]
    tasks = [engine.spawn(queue.put, item) for item in items]
    assert {id(queue.get(LONG)) for _ in items} == {id(item) for item in items}
    assert all(task.join(LONG) for task in tasks)


def test_none_of_those_who_ran_out_of_time_is_in_the_way(engine: Engine) -> None:
    queue = engine.queue(1)
    tasks = [engine.spawn(queue.get, 0.001) for _ in range(50)]
    assert all(task.join(LONG) for task in tasks)
    queue.put("item")
    assert queue.get(0) == "item"


# -- where a task can be ended from outside


def started(engine: Engine, number: int, act: Callable[[int], object]) -> list[Any]:
    """Greenlets that have all come to where they wait, in their order."""
    import gevent

    begun = []

    def run(position: int) -> None:
        # From here to where it waits nobody else has a turn.
        begun.append(position)
        act(position)

    greenlets = [gevent.spawn(run, position) for position in range(number)]
    until(engine, lambda: len(begun) == number)
    return greenlets


@on_greenlets
def test_who_waits_goes_on_in_order_and_nobody_passes(engine: Engine) -> None:
    queue = engine.queue(2)
    queue.put("first")
    queue.put("second")
    waiting = started(engine, 5, queue.put)
    assert queue.get(0) == "first"
    # There is room now, and it is promised.
    late = engine.spawn(queue.put, "late")
    assert drained(queue) == ["second", 0, 1, 2, 3, 4, "late"]
    assert late.join(LONG)
    assert all(greenlet.ready() for greenlet in waiting)


@on_greenlets
@pytest.mark.parametrize("position", [0, 2, 4])
def test_a_killed_putter_has_put_nothing_and_holds_up_nobody(engine: Engine, position: int) -> None:
    queue = engine.queue(1)
    queue.put("first")
    putters = started(engine, 5, queue.put)
    putters[position].kill()
    assert drained(queue) == ["first", *(number for number in range(5) if number != position)]


@on_greenlets
def test_a_putter_killed_as_its_turn_comes_gives_it_to_the_next(engine: Engine) -> None:
    queue = engine.queue(1)
    queue.put("first")
    putters = started(engine, 3, queue.put)
    assert queue.get(0) == "first"
    putters[0].kill(block=False)
    rest = drained(queue)
    # Whether the kill or the turn came first: what was put once is there once.
    assert rest in ([1, 2], [0, 1, 2])
    assert (0 in rest) is (putters[0].value is None)


@on_greenlets
def test_a_putter_that_ran_out_of_time_has_put_nothing(engine: Engine) -> None:
    import gevent

    queue = engine.queue(1)
    queue.put("first")
    behind = []

    def put(number: int) -> None:
        with gevent.Timeout(0.01 if number == 0 else LONG, False):
            queue.put(number)
            behind.append(number)

    putters = started(engine, 3, put)
    putters[0].join(LONG)
    assert drained(queue) == ["first", 1, 2]
    gevent.joinall(putters, LONG)
    assert behind == [1, 2]


@on_greenlets
def test_a_killed_getter_takes_nothing_with_it(engine: Engine) -> None:
    queue, got = engine.queue(4), dict[int, Any]()

    def get(number: int) -> None:
        got[number] = queue.get(LONG)

    getters = started(engine, 3, get)
    getters[0].kill()
    queue.put("one")
    # Called and killed before it had its turn.
    getters[1].kill(block=False)
    queue.put("two")
    until(engine, lambda: getters[1].ready() and getters[2].ready())
    assert sorted([*got.values(), *drained(queue)]) == ["one", "two"]
    assert got[2] in {"one", "two"}


@on_greenlets
def test_ten_thousand_that_wait_cost_each_other_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted: looks at those who wait, and switches between tasks."""
    import greenlet

    from opsrun.engine import greenlets

    looks = switches = 0

    class Counted(greenlets.Waiter):  # type: ignore[misc, name-defined]
        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return self is other

        def __hash__(self) -> int:
            nonlocal looks
            looks += 1
            return id(self)

    def count(event: str, args: object) -> None:
        nonlocal switches
        switches += 1

    monkeypatch.setattr(greenlets, "Waiter", Counted)
    queue = engine.queue(16)
    for _ in range(16):
        queue.put(-1)
    waiting = started(engine, MANY, queue.put)
    doomed = waiting[1::2]
    # From the last one on: a search from the first one would pass all the others.
    for each in reversed(doomed):
        each.kill(block=False)
    until(engine, lambda: all(each.ready() for each in doomed))
    before = greenlet.settrace(count)
    try:
        items = [queue.get(LONG) for _ in range(16 + MANY // 2)]
    finally:
        greenlet.settrace(before)
    assert items == [-1] * 16 + list(range(0, MANY, 2))
    assert looks < 10 * MANY
    assert switches < 4 * MANY
    assert queue.empty()
    assert all(each.ready() for each in waiting)
