"""Turns of `linear`, and where blocks lead to; as Ansible 2.18 does the same plays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.plays import (
    AWAY,
    FAILS,
    block,
    flush,
    handler,
    includes,
    meta,
    notifies,
    once,
    play,
    task,
)

from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Role
from opsrun.results import Outcome

SKIPPED = {"outcome": Outcome.SKIPPED}
IGNORED = {"outcome": Outcome.FAILED, "ignored": True}
FATAL = {"outcome": Outcome.FAILED, "fatal": True}


def test_hosts_that_stand_elsewhere_wait() -> None:
    tree = [block("B", "t1", "t2", rescue=["r1"], always=["a1"]), "t3"]
    made = play(tree, {("t1", "b"): FAILS})
    assert made.turns() == ["t1:abc", "t2:ac", "r1:b", "a1:abc", "t3:abc"]
    assert made.end is not None
    assert made.end.failed == ()


def test_the_cause_of_a_rescue_is_told_inside_it_alone() -> None:
    made = play([block("B", "t1", rescue=["r1"], always=["a1"]), "t2"], {("t1", "a"): FAILS})
    told = {(each.task, each.host): each.rescuing for each in made.orders}
    assert told["r1", "a"] == told["a1", "a"] == ("t1", "B")
    assert told["a1", "b"] is None
    assert told["t2", "a"] is None


def test_a_failure_in_rescue_goes_through_always_and_lasts() -> None:
    tree = [block("B", "t1", rescue=["r1", "r2"], always=["a1"]), "t2"]
    made = play(tree, {("t1", "a"): FAILS, ("r1", "a"): FAILS})
    assert made.by("a") == ["t1", "r1", "a1"]
    assert made.end is not None
    assert made.end.failed == ("a",)


def test_a_failure_in_a_rescue_is_rescued_by_the_block_around() -> None:
    inner = block("I", "t1", rescue=["r1"], always=["a1"])
    made = play(
        [block("O", inner, "t2", rescue=["r2"]), "t3"], {("t1", "a"): FAILS, ("r1", "a"): FAILS}
    )
    assert made.by("a") == ["t1", "r1", "a1", "r2", "t3"]


def test_a_failure_in_always_misses_what_is_left_of_it() -> None:
    made = play([block("B", "t1", rescue=["r1"], always=["a1", "a2"]), "t2"], {("a1", "a"): FAILS})
    assert made.by("a") == ["t1", "a1"]


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.LOST])
def test_who_went_away_gets_no_rescue_and_no_always(outcome: Outcome) -> None:
    tree = [block("B", "t1", rescue=["r1"], always=["a1"]), "t2"]
    made = play(tree, {("t1", "a"): {"outcome": outcome}})
    assert made.by("a") == ["t1"]
    assert made.end is not None
    assert made.end.unreachable == ("a",)
    assert made.end.failed == ()


def test_what_is_ignored_does_not_count() -> None:
    gone = {**AWAY, "ignored": True}
    made = play([block("B", "t1", rescue=["r1"]), "t2"], {("t1", "a"): IGNORED, ("t1", "b"): gone})
    assert made.turns() == ["t1:abc", "t2:abc"]


def test_who_runs_once_and_what_if_it_fails() -> None:
    made = play([once("t1"), "t2"])
    assert made.turns() == ["t1:a", "t2:abc"]
    assert made.orders[0].for_hosts == ("a", "b", "c")
    made = play([once("t1"), "t2"], {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a"]
    assert made.end is not None
    assert made.end.failed == ("a", "b", "c")
    assert "run_once" in made.end.aborted


def test_of_a_task_that_runs_once_the_one_host_alone_is_rescued() -> None:
    tree = [block("B", once("t1"), "t2", rescue=["r1"], always=["a1"]), "t3"]
    made = play(tree, {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a", "r1:a", "a1:abc", "t3:a"]
    made = play([block("B", once("t1"), always=["a1"]), "t3"], {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a", "a1:a"]


def test_nobody_goes_on_where_the_one_host_went_away() -> None:
    made = play([once("t1"), "t2"], {("t1", "a"): AWAY})
    assert made.turns() == ["t1:a"]
    assert made.end is not None
    assert (made.end.unreachable, made.end.failed) == (("a",), ("b", "c"))


@pytest.mark.parametrize(("said", "turn"), [(True, "t1:a"), (False, "t1:abc"), (None, "t1:abc")])
def test_the_first_host_says_what_a_template_came_to(said: bool | None, turn: str) -> None:
    made = play([once("t1", "{{ x }}"), "t2"], {("t1", "a"): {"run_once": said}})
    assert made.turns() == [turn, "t2:abc"]


def test_the_first_host_that_is_left_runs_once() -> None:
    made = play(["t0", once("t1"), "t2"], {("t0", "a"): FAILS})
    assert made.turns() == ["t0:abc", "t1:b", "t2:bc"]
    assert made.orders[-1].batch == ("b", "c")
    assert made.orders[-1].removed == ("a",)


def test_errors_that_are_fatal_lead_everybody_to_the_rescue() -> None:
    tree = [block("B", "t1", "t2", rescue=["r1"], always=["a1"]), "t3"]
    made = play(tree, {("t1", "b"): FATAL})
    assert made.turns() == ["t1:abc", "r1:abc", "a1:abc", "t3:abc"]
    assert made.end is not None
    assert made.end.aborted == ""


def test_errors_that_are_fatal_end_the_play_where_nobody_rescues() -> None:
    made = play([block("B", "t1", "t2", always=["a1"]), "t3"], {("t1", "b"): FATAL})
    assert made.turns() == ["t1:abc", "a1:abc"]
    assert made.end is not None
    assert made.end.failed == ("a", "b", "c")
    assert made.end.aborted


def test_who_is_away_is_fatal_for_the_others_too() -> None:
    tree = [block("B", "t1", "t2", rescue=["r1"]), "t3"]
    made = play(tree, {("t1", "b"): {**AWAY, "fatal": True}})
    assert made.turns() == ["t1:abc", "r1:ac", "t3:ac"]


def test_too_many_failures_end_the_play_after_the_task() -> None:
    made = play(["t1", "t2"], {("t1", "a"): FAILS}, hosts="abcd", max_fail_percentage=24)
    assert made.turns() == ["t1:abcd"]
    assert made.end is not None
    assert made.end.failed == ("a", "b", "c", "d")
    assert "1 of 4 hosts failed" in made.end.aborted
    made = play(["t1", "t2"], {("t1", "a"): FAILS}, hosts="abcd", max_fail_percentage=25)
    assert made.turns() == ["t1:abcd", "t2:bcd"]


def test_rescued_failures_and_hosts_away_are_not_too_many() -> None:
    tree = [block("B", "t1", rescue=["r1"]), "t2", "t3"]
    made = play(tree, {("t1", "a"): FAILS, ("t2", "b"): AWAY}, max_fail_percentage=0)
    assert made.turns() == ["t1:abc", "r1:a", "t2:abc", "t3:ac"]


def test_a_batch_in_which_everybody_failed_is_the_last() -> None:
    made = play(["t1"], {("t1", "a"): FAILS, ("t1", "b"): AWAY}, hosts="ab")
    assert made.end is not None
    assert made.end.aborted == "all hosts of the batch failed or are unreachable"


def test_handlers_run_for_failed_hosts_if_forced() -> None:
    tree = ["t1", "t2", flush("f1"), "t3", flush("f2")]
    says = {("t1", "*"): notifies("H"), ("t2", "b"): FAILS}
    made = play(tree, says, handlers=[handler("H")], force_handlers=True)
    assert made.turns() == ["t1:abc", "t2:abc", "H:abc", "t3:ac"]
    made = play(tree, says, handlers=[handler("H")])
    assert made.turns() == ["t1:abc", "t2:abc", "H:ac", "t3:ac"]
    assert made.end is not None
    assert made.end.pending == {"b": ("H",)}


def test_only_tasks_from_the_one_to_start_at_are_done() -> None:
    facts = task("facts", implicit=True)
    made = play(
        [facts, "t1", block("B", "t2", "t3"), "t4"], start_at=lambda each: each.name == "t3"
    )
    assert made.turns() == ["facts:abc", "t3:abc", "t4:abc"]
    made = play(["t1"], start_at=lambda each: False)
    assert made.turns() == []
    assert not made.scheduler.started


def test_includes_that_cannot_be_loaded_are_fatal_where_errors_are() -> None:
    lookup = task("i", keywords=Keywords(any_errors_fatal=True))
    tree = [block("B", lookup, "t2", rescue=["r"]), "t3"]
    made = play(tree, {("i", "b"): includes("nofile")})
    assert made.turns() == ["i:abc", "r:abc", "t3:abc"]


def test_those_who_fail_twice_do_so_in_one_block() -> None:
    inner = block("I", once("t1"), rescue=["r1"])
    made = play([block("O", inner, rescue=["r2"]), "t3"], {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a", "r1:a", "r2:bc", "t3:abc"]
    inner = block("I", once("t1"), always=["a1"])
    made = play([block("O", inner, rescue=["r2"]), "t3"], {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a", "a1:a", "r2:abc", "t3:abc"]
    inner = block("I", once("t1"))
    made = play([block("O", inner, rescue=["r2"], always=["a2"])], {("t1", "a"): FAILS})
    assert made.turns() == ["t1:a", "r2:abc", "a2:abc"]


def test_who_was_ended_does_not_keep_a_play_going_that_is_over_for_all_others() -> None:
    made = play([meta("end_host"), "t1"], {("end_host", "a"): {"meta": ""}, ("t1", "a"): FATAL})
    assert made.end is not None
    assert made.end.ended == ("b", "c")
    assert made.end.failed == ("a",)
    assert "any_errors_fatal" in made.end.aborted


def test_a_host_away_in_a_task_that_ran_once_and_is_ignored_stops_nobody() -> None:
    lenient = task("t1", keywords=Keywords(run_once=True, ignore_errors=True))
    made = play([lenient, "t2"], {("t1", "a"): AWAY})
    assert made.turns() == ["t1:a", "t2:bc"]


def use(name: str, number: int, *tasks: str, **more: Any) -> Block:
    """One use of a role."""
    role = Role(name, f"/roles/{name}", key=name, **more)
    inside = [task(each, role=role) for each in tasks]
    return block(f"{name}{number}", *inside, role=role, role_end=True)


def test_a_role_that_a_host_has_had_is_left_out() -> None:
    tree = [use("r", 1, "t1", "t2"), use("r", 2, "t3"), use("s", 3, "t4")]
    made = play(tree, {("t1", "b"): SKIPPED, ("t2", "b"): SKIPPED}, hosts="ab")
    assert made.turns() == ["t1:ab", "t2:ab", "t3:b", "t4:ab"]


def test_a_role_may_come_again_if_it_says_so() -> None:
    tree = [use("r", 1, "t1"), use("r", 2, "t2", allow_duplicates=True), use("r", 3, "t3")]
    assert play(tree, hosts="a").turns() == ["t1:a", "t2:a"]


def test_a_role_without_its_end_has_not_run() -> None:
    tree = [block("B", use("r", 1, "t1", "t2"), rescue=[use("r", 2, "t3")]), use("r", 3, "t4")]
    made = play(tree, {("t2", "a"): FAILS}, hosts="ab")
    assert made.turns() == ["t1:ab", "t2:ab", "t3:a"]


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_roles_are_left_out_host_by_host(strategy: str) -> None:
    tree = [use("r", 1, "t1"), use("r", 2, "t2")]
    made = play(tree, {("t1", "b"): SKIPPED}, hosts="ab", strategy=strategy)
    assert (made.by("a"), made.by("b")) == (["t1"], ["t1", "t2"])


def test_the_end_of_a_role_that_a_host_goes_to_is_one() -> None:
    first = use("r", 1, "t1", "t2")
    leave = meta("end_role", role=first.role)
    left = replace(first, tasks=(first.tasks[0], leave, first.tasks[1]))
    assert play([left, use("r", 2, "t3")], hosts="a").turns() == ["t1:a", "end_role:a"]
