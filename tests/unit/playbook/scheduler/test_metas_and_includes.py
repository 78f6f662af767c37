"""Meta tasks, dynamic includes, `free`, `host_pinned`, cancelling, answers that nobody wants."""

from __future__ import annotations

from typing import Any

import pytest
from support.plays import (
    AWAY,
    FAILS,
    ROLE,
    block,
    flush,
    handler,
    includes,
    meta,
    notifies,
    once,
    play,
    task,
    world,
)

from opsrun.playbook.messages import Include, Load, Loaded, RunTask, TaskEnded
from opsrun.playbook.model.nodes import Block
from opsrun.playbook.scheduler import StaleMessage
from opsrun.playbook.scheduler.includes import frozen
from opsrun.results import Outcome

NOT = {"meta": "", "outcome": Outcome.SKIPPED}


def test_one_host_ends_the_play_for_all() -> None:
    made = play(
        ["t1", meta("end_play"), "t2", flush("f")],
        {("t1", "b"): notifies("H")},
        handlers=[handler("H")],
    )
    assert made.turns() == ["t1:abc", "end_play:a"]
    assert made.end is not None
    assert made.end.play_over
    assert not made.end.aborted
    assert made.end.pending == {"b": ("H",)}


def test_only_the_first_host_is_asked_whether_to_end_the_play() -> None:
    made = play([meta("end_play"), "t2"], {("end_play", "a"): NOT})
    assert made.turns() == ["end_play:a", "t2:abc"]


def test_the_end_of_a_batch_is_not_the_end_of_the_play() -> None:
    made = play([meta("end_batch"), "t2"])
    assert made.turns() == ["end_batch:a"]
    assert made.end is not None
    assert not made.end.play_over


def test_a_host_that_is_ended_has_not_failed_and_misses_always() -> None:
    tree = [block("B", meta("end_host"), always=["a1"]), "t2"]
    made = play(tree, {("end_host", "a"): NOT, ("end_host", "c"): NOT})
    assert made.turns() == ["end_host:abc", "a1:ac", "t2:ac"]
    assert made.end is not None
    assert made.end.ended == ("b",)
    assert made.end.failed == ()
    assert made.orders[-1].batch == ("a", "c")


@pytest.mark.parametrize("nested", [False, True])
def test_the_end_of_a_role_leads_behind_it(nested: bool) -> None:
    leave = meta("end_role", role=ROLE)
    inner = block("I", leave, "x1", always=["x2"])
    if nested:
        tree = [block("R", inner, "x3", role=ROLE, role_end=True), "t"]
    else:
        tree = [block("P", inner, block("R", "x3", role=ROLE, role_end=True), "t0"), "t"]
    made = play(tree, {("end_role", "b"): NOT}, hosts="ab")
    assert made.by("b") == ["end_role", "x1", "x2", "x3"] + (["t"] if nested else ["t0", "t"])
    assert made.by("a") == ["end_role"] + (["t"] if nested else ["t0", "t"])


def test_cleared_errors_bring_back_who_was_away_where_it_was() -> None:
    tree = [block("B", "t1", "t2"), meta("clear_host_errors"), "t3"]
    made = play(tree, {("t1", "a"): AWAY, ("t1", "b"): FAILS})
    assert made.turns() == [
        *("t1:abc", "t2:c", "clear_host_errors:c", "t3:c"),
        *("t2:a", "clear_host_errors:a", "t3:a"),
    ]
    assert made.end is not None
    assert (made.end.failed, made.end.unreachable, made.end.aborted) == ((), (), "")


def test_cleared_errors_are_forgotten_in_always() -> None:
    tree = [block("B", "t1", always=[meta("clear_host_errors"), "a1"]), "t2"]
    made = play(tree, {("t1", "b"): FAILS}, hosts="ab")
    assert made.by("b") == ["t1", "a1", "t2"]


def test_equal_includes_are_loaded_together_and_done_in_turn() -> None:
    files = {"x": [block("X", "x1", "x2")], "y": [block("Y", "y1")]}
    says = {
        ("i", "a"): includes("y"),
        ("i", "b"): includes("x", "y"),
        ("i", "c"): includes("x"),
    }
    made = play(["i", "t"], says, hosts="abcd", files=files)
    assert [(load.include.name, load.hosts) for load in made.loads] == [
        ("y", ("a", "b")),
        ("x", ("b", "c")),
    ]
    assert made.turns() == ["i:abcd", "y1:ab", "x1:bc", "x2:bc", "t:abcd"]


def test_other_variables_make_another_include() -> None:
    one, other = (Include("tasks", "x", vars={"item": item}) for item in (1, True))
    said = {("i", "*"): {"includes": (one, other, one)}}
    made = play(["i"], said, hosts="ab", files={"x": [block("X", "x1")]})
    assert [load.include.vars["item"] for load in made.loads] == [1, True, 1]
    assert made.loads[0].hosts == ("a", "b")
    assert frozen({"a": [1, {"b": set()}]}) == frozen({"a": (1, {"b": set()})})


def test_what_cannot_be_loaded_fails_its_hosts_at_the_include() -> None:
    tree = [block("B", "i", "t1", rescue=["r1"]), "t2"]
    made = play(tree, {("i", "b"): includes("nofile")}, hosts="ab")
    assert made.turns() == ["i:ab", "t1:a", "r1:b", "t2:ab"]
    assert [(said.host, said.message) for said in made.complaints] == [("b", "no file nofile")]


def test_an_include_that_runs_once_is_for_the_one_host() -> None:
    made = play(
        [once("i"), "t"], {("i", "a"): includes("x")}, hosts="ab", files={"x": [block("X", "x1")]}
    )
    assert made.turns() == ["i:a", "x1:a", "t:ab"]


def test_a_fatal_error_finds_a_host_where_it_was_and_not_where_it_waits() -> None:
    tree = [
        block("A", "t1", rescue=["r1"]),
        block("B", "t2", rescue=["r2"]),
    ]
    says = {("t1", "a"): FAILS, ("r1", "a"): {"outcome": Outcome.FAILED, "fatal": True}}
    made = play(tree, says, hosts="ab")
    assert made.turns() == ["t1:ab", "r1:ab", "t2:b"]


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_free_hosts_wait_for_nobody(strategy: str) -> None:
    made = world([once("t1"), "t2"], hosts="ab", strategy=strategy, max_fail_percentage=0)
    first, second = made.scheduler.ready()
    assert isinstance(first, RunTask)
    assert isinstance(second, RunTask)
    made.scheduler.ended(made.answer(first))
    (third,) = made.scheduler.ready()
    assert isinstance(third, RunTask)
    assert (third.host, third.task) == ("a", "t2")
    said = [each.message for each in made.scheduler.complaints()]
    assert any(each.startswith("run_once has no effect") for each in said)
    assert any(each.startswith("max_fail_percentage has no effect") for each in said)


def test_free_hosts_end_the_play_after_what_they_do() -> None:
    made = play(["t1", meta("end_play"), "t2"], {("end_play", "a"): NOT}, strategy="free")
    assert "t2" in made.by("a") or made.end is not None
    assert "t2" not in made.by("b")
    assert made.end is not None
    assert made.end.play_over


def test_what_is_cancelled_waits_for_what_it_ordered() -> None:
    made = world(["t1", "t2"], hosts="ab")
    orders = made.scheduler.ready()
    made.scheduler.cancel("interrupted")
    assert made.scheduler.ready() == []
    for order in orders:
        assert isinstance(order, RunTask)
        made.scheduler.ended(made.answer(order))
    made.run()
    assert made.end is not None
    assert made.end.aborted == "interrupted"
    assert made.end.cancelled == ("a", "b")


def test_answers_that_nobody_waits_for_are_refused_by_name() -> None:
    made = world(["t1", "t2"], hosts="a")
    (order,) = made.scheduler.ready()
    assert isinstance(order, RunTask)
    for wrong in (("b", "t1", order.turn), ("a", "t2", order.turn), ("a", "t1", 99)):
        with pytest.raises(StaleMessage, match=f"host='{wrong[0]}', task='{wrong[1]}'"):
            made.scheduler.ended(TaskEnded(*wrong, outcome=Outcome.OK))
    made.scheduler.ended(made.answer(order))
    with pytest.raises(StaleMessage, match="told to do nothing"):
        made.scheduler.ended(made.answer(order))
    with pytest.raises(StaleMessage, match="number=7"):
        made.scheduler.loaded(Loaded(7), ())


def test_an_include_is_answered_once() -> None:
    made = world(["i"], {("i", "a"): includes("x")}, hosts="a")
    (order,) = made.scheduler.ready()
    assert isinstance(order, RunTask)
    made.scheduler.ended(made.answer(order))
    (load,) = made.scheduler.ready()
    assert isinstance(load, Load)
    made.scheduler.loaded(Loaded(load.number), ())
    with pytest.raises(StaleMessage):
        made.scheduler.loaded(Loaded(load.number), ())


def test_no_hosts_no_tasks() -> None:
    for tree in ([], [block("B")], [task("t")]):
        made = play(tree, hosts="")
        assert made.did == []
        assert made.end is not None
        assert not made.end.aborted


def test_a_cancelled_host_takes_no_further_part() -> None:
    gone = {"outcome": Outcome.CANCELLED}
    made = play(["t1", "t2"], {("t1", "a"): gone})
    assert made.turns() == ["t1:abc", "t2:bc"]
    assert made.end is not None
    assert made.end.cancelled == ("a",)


class Afresh(dict[str, list[Block]]):
    """Files that are read anew for every include: equal ids, other objects."""

    def get(self, name: str, default: Any = None) -> Any:
        return [block("X", "x1", "x2")]


def test_what_is_loaded_twice_is_the_same_task() -> None:
    one, other = ({"includes": (Include("tasks", "x", vars={"item": item}),)} for item in (1, 2))
    made = play(["i", "t"], {("i", "a"): one, ("i", "b"): other}, hosts="ab", files=Afresh(x=[]))
    assert made.turns() == ["i:ab", "x1:ab", "x2:ab", "t:ab"]
