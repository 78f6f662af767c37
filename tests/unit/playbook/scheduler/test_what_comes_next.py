"""What an order names of the tasks behind its own."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.plays import block, flush, handler, notifies, play

NODES: st.SearchStrategy[Any] = st.recursive(
    st.just("t"),
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=3), st.lists(inner, max_size=2)),
    max_leaves=9,
)


def tree(nodes: list[Any], count: list[int]) -> list[Any]:
    made = []
    for node in nodes:
        count[0] += 1
        name = f"{'t' if node == 't' else 'B'}{count[0]}"
        if node == "t":
            made.append(name)
            continue
        inside, always = (tree(each, count) for each in node)
        made.append(block(name, *inside, always=always, rescue=[f"r{count[0]}"]))
    return made


@given(st.lists(NODES, min_size=1, max_size=4), st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_if_all_goes_well_it_is_what_is_ordered_next(nodes: list[Any], most: int) -> None:
    made = play(tree(nodes, [0]), hosts="a", ahead=most)
    ordered = [order.task for order in made.orders]
    for index, order in enumerate(made.orders[1:], 1):
        assert list(order.ahead) == ordered[index + 1 : index + 1 + most]


def test_nothing_is_named_behind_a_flush_that_has_work_to_do() -> None:
    made = play(["t1", "t2", flush("f"), "t3"], {("t1", "a"): notifies("H")}, hosts="a",
                handlers=[handler("H")], ahead=9)  # fmt: skip
    named = {order.task: order.ahead for order in made.orders}
    assert named["t2"] == ()
    assert named["H"] == ("t3",)


def test_nothing_is_named_where_nobody_looks_ahead() -> None:
    assert {order.ahead for order in play(["t1", "t2"]).orders} == {()}
