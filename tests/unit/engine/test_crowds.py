"""An order in which a crowd in front of one door holds up nobody who wants to another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.crowds import OPEN, Crowds, Door

DOORS = (OPEN, Door("a", 1), Door("b", 2), Door("c", 3))


def test_without_doors_it_is_the_order_of_the_items() -> None:
    crowds = Crowds(range(5), lambda item: OPEN)
    assert [crowds.take() for _ in range(6)] == [*((item, OPEN) for item in range(5)), None]


def test_who_wants_to_a_full_door_comes_later() -> None:
    a, b = Door("a", 2), Door("b", 2)
    crowds = Crowds(["a1", "a2", "a3", "b1", "a4"], lambda item: a if item[0] == "a" else b)
    assert [crowds.take() for _ in range(3)] == [("a1", a), ("a2", a), ("b1", b)]
    assert crowds.take() is None
    assert crowds.left == 2
    assert crowds.leave(b) is False, "nobody wants there"
    assert crowds.leave(a) is True
    assert crowds.take() == ("a3", a)
    assert crowds.take() is None


def test_who_steps_up_again_counts_though_the_door_is_full() -> None:
    a = Door("a", 1)
    crowds = Crowds(range(3), lambda item: a)
    assert crowds.take() == (0, a)
    crowds.enter(a)
    assert crowds.take() is None
    assert crowds.leave(a) is False
    assert crowds.leave(a) is True
    assert crowds.take() == (1, a)


def test_at_the_end_of_a_run_doors_are_no_matter() -> None:
    crowds = Crowds(range(4), lambda item: DOORS[1])
    assert crowds.take() == (0, DOORS[1])
    assert crowds.take() is None
    taken = [crowds.take(regardless=True) for _ in range(4)]
    assert taken == [*((item, DOORS[1]) for item in (1, 2, 3)), None]


@given(
    wanted=st.lists(st.sampled_from(DOORS), max_size=40),
    moves=st.lists(st.integers(0, 10), max_size=200),
)
def test_everybody_comes_once_in_order_and_no_door_is_overrun(
    wanted: list[Door], moves: list[int]
) -> None:
    crowds = Crowds(range(len(wanted)), lambda item: wanted[item])
    inside: list[Door] = []
    came: list[int] = []
    for move in [*moves, *[0, 1] * (2 * len(wanted))]:
        if move % 2 and inside:
            crowds.leave(inside.pop(move % len(inside)))
            continue
        found = crowds.take()
        free = [
            item
            for item, each in enumerate(wanted)
            if item not in came and inside.count(each) < each.width
        ]
        if found is None:
            assert not free, "it was somebody's turn"
            continue
        item, where = found
        assert (item, where) == (free[0], wanted[item]), "the first who could go on"
        came.append(item)
        inside.append(where)
    assert sorted(came) == list(range(len(wanted)))
    assert crowds.left == 0
