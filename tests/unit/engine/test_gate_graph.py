"""Waits that can only end in waiting are found before the start, and drawn."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.gate_graph import Deadlock, GateGraph
from opsrun.errors import UsageError


def test_nothing_waits_for_nothing() -> None:
    assert GateGraph().find_deadlock() is None


def test_a_circle_is_drawn() -> None:
    graph = GateGraph()
    graph.waits("a", "x")
    graph.opens("b", "x")
    graph.waits("b", "y")
    graph.opens("a", "y")
    graph.waits("c", "x")
    assert str(graph.find_cycle()) == (
        "a waits for gate x, which b opens; b waits for gate y, which a opens"
    )
    with pytest.raises(UsageError, match=r"^these wait for each other: a waits for gate x, which"):
        graph.check()


def test_who_waits_for_itself() -> None:
    graph = GateGraph()
    graph.waits("a", "x")
    graph.opens("a", "x")
    assert str(graph.find_cycle()) == "a waits for gate x, which a opens"


def test_a_barrier_is_an_edge() -> None:
    graph = GateGraph()
    graph.follows("play 2", "play 1")
    graph.waits("play 1", "ready")
    graph.opens("play 2", "ready")
    found = graph.find_cycle()
    assert found is not None
    assert sorted(map(str, found.edges)) == [
        "play 1 waits for gate ready, which play 2 opens",
        "play 2 comes behind play 1",
    ]


def test_a_gate_with_two_openers_needs_only_one_of_them() -> None:
    graph = GateGraph()
    graph.waits("a", "x")
    graph.opens("a", "x")
    graph.opens("b", "x")
    assert graph.find_deadlock() is None


def test_a_gate_with_a_check_opens_by_itself() -> None:
    graph = GateGraph()
    graph.waits("a", "x")
    assert str(graph.find_deadlock()) == "a waits for gate x, which nobody opens"
    assert graph.find_cycle() is None
    with pytest.raises(UsageError, match=r"^this would wait for ever: a waits for gate x"):
        graph.check()
    graph.probed("x")
    graph.check()


def test_a_circle_is_found_behind_a_gate_that_nobody_opens() -> None:
    graph = GateGraph()
    graph.waits("a", "orphan")
    graph.waits("a", "x")
    graph.opens("b", "x")
    graph.waits("b", "y")
    graph.opens("a", "y")
    found = graph.find_deadlock()
    assert found is not None
    assert found.is_cycle


NAMES = st.sampled_from("abcdef")
GATES = st.sampled_from("uvwxyz")
PAIRS = st.lists(st.tuples(NAMES, GATES), max_size=8)


@given(PAIRS, PAIRS, st.lists(st.tuples(NAMES, NAMES), max_size=4), st.sets(GATES, max_size=2))
def test_what_is_found_is_what_happens(
    waits: list[tuple[str, str]],
    opens: list[tuple[str, str]],
    follows: list[tuple[str, str]],
    probed: set[str],
) -> None:
    graph = GateGraph()
    for who, gate in waits:
        graph.waits(who, gate)
    for who, gate in opens:
        graph.opens(who, gate)
    for who, before in follows:
        graph.follows(who, before)
    for gate in probed:
        graph.probed(gate)
    stuck = _carried_out(waits, opens, follows, probed)
    found = graph.find_deadlock()
    assert (found is None) == (not stuck)
    if found is not None:
        _check_drawing(found, stuck, waits, opens, follows)
    orphans = {gate for _, gate in waits} - {gate for _, gate in opens}
    still = _carried_out(waits, opens, follows, probed | orphans)
    assert (graph.find_cycle() is None) == (not still)


def _carried_out(
    waits: list[tuple[str, str]],
    opens: list[tuple[str, str]],
    follows: list[tuple[str, str]],
    opened: set[str],
) -> set[str]:
    """Do it, one after the other as they can; who never gets to begin."""
    opened = set(opened)
    everybody = {who for who, _ in (*waits, *opens, *follows)} | {who for _, who in follows}
    ended: set[str] = set()
    while True:
        ready = {
            who
            for who in everybody - ended
            if all(gate in opened for one, gate in waits if one == who)
            and all(before in ended for one, before in follows if one == who)
        }
        if not ready:
            return everybody - ended
        ended |= ready
        opened |= {gate for who, gate in opens if who in ready}


def _check_drawing(
    found: Deadlock,
    stuck: set[str],
    waits: list[tuple[str, str]],
    opens: list[tuple[str, str]],
    follows: list[tuple[str, str]],
) -> None:
    assert all(edge.who in stuck for edge in found.edges)
    for edge in found.edges:
        if edge.is_barrier:
            assert (edge.who, edge.opener) in follows
        else:
            assert (edge.who, edge.gate) in waits
            assert not edge.opener or (edge.opener, edge.gate) in opens
    assert all(first.opener == second.who for first, second in pairwise(found.edges))
    if found.is_cycle:
        assert found.edges[-1].opener == found.edges[0].who
    else:
        assert found.edges[-1].gate not in {gate for _, gate in opens}


def test_ten_thousand_in_a_row_take_no_time_to_speak_of() -> None:
    graph = GateGraph()
    for number in range(10_000, 0, -1):
        graph.follows(f"t{number}", f"t{number - 1}")
    assert graph.find_deadlock() is None
    graph.waits("t0", "x")
    graph.opens("t10000", "x")
    found = graph.find_cycle()
    assert found is not None
    assert len(found.edges) == 10_001
