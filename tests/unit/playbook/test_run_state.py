"""What hosts know, as a fold of what tasks exported; and what a run came to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.playbook.messages import Exports, TaskEnded
from opsrun.playbook.recap import Recap
from opsrun.playbook.state import RunState
from opsrun.results import Outcome


def ended(host: str = "a", outcome: Outcome = Outcome.OK, **more: Any) -> TaskEnded:
    exports = {name: more.pop(name) for name in list(more) if name in Exports.__slots__}
    return TaskEnded(host, "t", 1, outcome, exports=Exports(**exports), **more)


def folded(*messages: TaskEnded) -> RunState:
    state = RunState()
    for message in messages:
        state.fold(message)
    return state


def test_set_fact_and_register_are_of_equal_strength() -> None:
    first = ended(variables={"x": 1})
    second = ended(registered={"x": 2})
    assert folded(first, second).host("a").variables == {"x": 2}
    assert folded(second, first).host("a").variables == {"x": 1}


def test_what_one_host_exports_another_one_lacks() -> None:
    state = folded(ended(variables={"x": 1}))
    assert not state.host("b").variables


def test_exports_go_to_all_that_are_named() -> None:
    state = folded(ended(registered={"x": 1}, for_hosts=("a", "b")))
    assert state.host("a").variables == state.host("b").variables == {"x": 1}


def test_facts_of_another_host() -> None:
    state = folded(ended(facts={"ansible_f": 1}, registered={"r": 2}, facts_of="b"))
    assert state.host("b").facts == {"ansible_f": 1}
    assert not state.host("a").facts
    assert state.host("a").variables == {"r": 2}


def test_cacheable_facts_are_facts_too() -> None:
    state = folded(ended(variables={"x": 1}, cacheable={"x": 1}))
    assert state.host("a").facts == {"x": 1}
    cleared = folded(ended(variables={"x": 1}, cacheable={"x": 1}), ended(clear_facts=True))
    assert not cleared.host("a").facts
    assert cleared.host("a").variables == {"x": 1}


def test_local_facts_add_up() -> None:
    one = ended(facts={"ansible_local": {"a": 1}})
    two = ended(facts={"ansible_local": {"b": 2}})
    assert folded(one, two).host("a").facts == {"ansible_local": {"a": 1, "b": 2}}


@given(st.lists(st.dictionaries(st.sampled_from("xyz"), st.integers(), max_size=3), max_size=6))
def test_old_mappings_never_change(steps: list[dict[str, int]]) -> None:
    state, seen = RunState(), []
    for step in steps:
        before = state.host("a").variables
        seen.append((before, dict(before)))
        state.fold(ended(variables=step))
    assert all(mapping == copy for mapping, copy in seen)


def test_only_a_failure_that_counts_is_remembered() -> None:
    state = folded(ended(outcome=Outcome.FAILED, ignored=True, result={"msg": "x"}))
    assert not state.host("a").failure
    state.fold(ended(outcome=Outcome.FAILED, result={"msg": "y"}))
    assert state.host("a").failure == {"msg": "y"}


COUNTED: list[tuple[TaskEnded, bool, dict[str, int], str]] = [
    (ended(), False, {"ok": 1}, "ok"),
    (ended(outcome=Outcome.CHANGED), False, {"ok": 1, "changed": 1}, "changed"),
    (ended(outcome=Outcome.SKIPPED), False, {"skipped": 1}, "skipped"),
    (ended(outcome=Outcome.FAILED), False, {"failed": 1}, "failed"),
    (ended(outcome=Outcome.FAILED), True, {"rescued": 1}, "ok"),
    (ended(outcome=Outcome.FAILED, ignored=True), False, {"ok": 1, "ignored": 1}, "ok"),
    (
        ended(outcome=Outcome.FAILED, ignored=True, result={"changed": True}),
        False,
        {"ok": 1, "ignored": 1, "changed": 1},
        "changed",
    ),
    (ended(outcome=Outcome.UNREACHABLE), False, {"unreachable": 1}, "unreachable"),
    (ended(outcome=Outcome.LOST), False, {"unreachable": 1, "lost": 1}, "lost"),
    (
        ended(outcome=Outcome.UNREACHABLE, ignored=True),
        False,
        {"ok": 1, "ignored": 1},
        "ok",
    ),
    (ended(outcome=Outcome.CANCELLED), False, {"cancelled": 1}, "cancelled"),
]


@pytest.mark.parametrize(("message", "rescued", "counts", "outcome"), COUNTED)
def test_the_recap_counts_as_ansible_does(
    message: TaskEnded, rescued: bool, counts: dict[str, int], outcome: str
) -> None:
    recap = Recap()
    recap.add(message, rescued=rescued)
    tally = recap.of("a")
    assert {name: count for name, count in tally.to_dict().items() if count} == counts
    assert tally.outcome == outcome
    assert ("a" in recap.failures) is (outcome in ("failed", "unreachable", "lost"))
