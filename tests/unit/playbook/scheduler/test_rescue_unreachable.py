"""Blocks that rescue hosts which can't be reached."""

from __future__ import annotations

from typing import Any

import pytest
from support.plays import AWAY, FAILS, block, handler, includes, meta, notifies, once, play

from opsrun.results import Outcome

LOST = {"outcome": Outcome.LOST}


@pytest.fixture(params=["linear", "free", "host_pinned"])
def strategy(request: pytest.FixtureRequest) -> Any:
    return request.param


def lost(name: str, *tasks: Any, **more: Any) -> Any:
    return block(name, *tasks, rescue_unreachable=True, **more)


def test_the_host_goes_into_the_rescue_part_and_on(strategy: str) -> None:
    tree = [lost("B", "a", "b", rescue=["r"], always=["w"]), "z"]
    made = play(tree, {("a", "b"): AWAY}, strategy=strategy)
    assert made.by("a") == ["a", "b", "w", "z"]
    assert made.by("b") == ["a", "r", "w", "z"]
    [order] = [each for each in made.orders if (each.task, each.host) == ("r", "b")]
    assert order.rescuing == ("a", "B")
    assert made.end is not None
    assert (made.end.unreachable, made.end.failed) == ((), ())


def test_without_the_keyword_it_is_gone(strategy: str) -> None:
    made = play(
        [block("B", "a", rescue=["r"], always=["w"])], {("a", "b"): AWAY}, strategy=strategy
    )
    assert made.by("b") == ["a"]
    assert made.end is not None
    assert made.end.unreachable == ("b",)


def test_what_broke_under_way_is_not_rescued(strategy: str) -> None:
    tree = [lost("B", "a", rescue=["r"])]
    made = play(tree, {("a", "b"): LOST}, strategy=strategy)
    assert made.by("b") == ["a"]
    assert made.end is not None
    assert made.end.unreachable == ("b",)


def test_rescues_for_failures_are_passed_by_and_always_parts_are_not(strategy: str) -> None:
    inner = block("I", "a", rescue=["ir"], always=["iw"])
    middle = block("M", inner, rescue=["mr"])
    tree = [lost("O", middle, rescue=["r"], always=["w"]), "z"]
    made = play(tree, {("a", "*"): AWAY}, strategy=strategy)
    assert made.by("a") == ["a", "iw", "r", "w", "z"]


def test_a_failure_on_the_way_is_an_ordinary_one(strategy: str) -> None:
    middle = block("M", block("I", "a", always=["iw"]), rescue=["mr"])
    tree = [lost("O", middle, "b", rescue=["r"])]
    made = play(tree, {("a", "*"): AWAY, ("iw", "*"): FAILS}, strategy=strategy)
    assert made.by("a") == ["a", "iw", "mr", "b"]


@pytest.mark.parametrize("where", ["r", "w", "z"])
def test_lost_again_behind_the_block_it_is_gone(strategy: str, where: str) -> None:
    tree = [lost("B", "a", rescue=["r"], always=["w"]), "z", "y"]
    made = play(tree, {("a", "a"): AWAY, (where, "a"): AWAY}, strategy=strategy)
    road = ["a", "r", "w", "z"]
    assert made.by("a") == road[: road.index(where) + 1]
    assert made.end is not None
    assert made.end.unreachable == ("a",)


def test_lost_in_a_rescue_the_next_one_out_takes_it(strategy: str) -> None:
    tree = [lost("O", lost("I", "a", rescue=["ir"], always=["iw"]), rescue=["r"]), "z"]
    made = play(tree, {("a", "*"): AWAY, ("ir", "*"): AWAY}, strategy=strategy)
    assert made.by("a") == ["a", "ir", "iw", "r", "z"]


def test_a_rescue_that_fails(strategy: str) -> None:
    tree = [lost("B", "a", rescue=["r"]), "z"]
    made = play(tree, {("a", "a"): AWAY, ("r", "a"): FAILS}, strategy=strategy)
    assert made.by("a") == ["a", "r"]
    assert made.end is not None
    assert made.end.failed == ("a",)


def test_what_is_included_counts_as_inside(strategy: str) -> None:
    tree = [lost("B", "inc", rescue=["r"]), "z"]
    says = {("inc", "*"): includes("f"), ("x", "b"): AWAY}
    made = play(tree, says, files={"f": [block("F", "x")]}, strategy=strategy)
    assert made.by("b") == ["inc", "x", "r", "z"]


def test_handlers_that_are_flushed_inside(strategy: str) -> None:
    tree = [lost("B", "a", meta("flush_handlers", "f"), rescue=["r"]), "z"]
    says = {("a", "*"): notifies("h"), ("h", "b"): AWAY}
    made = play(tree, says, handlers=[handler("h")], strategy=strategy)
    assert made.by("b") == ["a", "f", "h", "r", "z"]


def test_a_task_that_runs_once_sends_all_into_the_rescue() -> None:
    tree = [lost("B", once("a"), rescue=["r"]), "z"]
    made = play(tree, {("a", "a"): AWAY})
    assert made.turns() == ["a:a", "r:abc", "z:abc"]


def test_any_errors_fatal_sends_all_into_the_rescue() -> None:
    tree = [lost("B", "a", "b", rescue=["r"]), "z"]
    made = play(tree, {("a", "b"): {**AWAY, "fatal": True}})
    assert made.turns() == ["a:abc", "r:abc", "z:abc"]


def test_ignored_is_ignored(strategy: str) -> None:
    tree = [lost("B", "a", "b", rescue=["r"])]
    made = play(tree, {("a", "b"): {**AWAY, "ignored": True}}, strategy=strategy)
    assert made.by("b") == ["a", "b"]
