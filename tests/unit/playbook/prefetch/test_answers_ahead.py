"""When answers that came early are given out, how many are asked for, and what ends that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import ConnectionLost
from opsrun.playbook.prefetch import answers as ahead
from opsrun.playbook.prefetch.answers import (
    AGE,
    CAP,
    FIRST,
    MOST,
    SLOW,
    Answers,
    Key,
    Pace,
    Prefetch,
    Question,
)
from opsrun.playbook.prefetch.changes import Changes
from opsrun.remote.command import CommandResult


class FakeTicket:
    def __init__(self, answer: CommandResult | None) -> None:
        self.answer, self.done, self.looked = answer, False, 0
        self.orphaned = False

    def result(self) -> CommandResult:
        self.done = True
        self.looked += 1
        if self.answer is None:
            raise ConnectionLost("cut")
        return self.answer


class Told:
    """A shell that answers every question by itself, with a clock and what the run knows."""

    def __init__(self) -> None:
        self.clock = 100.0
        self.changes = Changes(nullcontext())
        self.pace = Pace()
        self.answers = Answers(self.changes, self.pace, lambda: self.clock)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.tickets: list[FakeTicket] = []
        self.next: dict[str, Any] = {"truncated": False, "duration": 0.01}
        self.breaks = False
        self.shell: Any = SimpleNamespace(session=self)

    def send(self, script: str, **how: Any) -> FakeTicket:
        self.sent.append((script, how))
        made = CommandResult(rc=0, stdout=script.encode(), **self.next)
        self.tickets.append(FakeTicket(None if self.breaks else made))
        return self.tickets[-1]

    def fill(self, *scripts: str, behind: bool = False) -> list[str]:
        """What of these is asked."""
        before = len(self.sent)

        def questions(known: set[Key]) -> Iterator[tuple[Key, Question]]:
            for each in scripts:
                if (each, 0) not in known:
                    yield (each, 0), Question(each)

        self.answers.fill(self.shell, questions, behind=behind)
        return [script for script, _ in self.sent[before:]]

    def taken(self, script: str) -> str | None:
        found = self.answers.taken(Question(script))
        return None if found is None else found.stdout.decode()


@pytest.fixture
def told() -> Told:
    return Told()


MANY = [f"s{number}" for number in range(100)]


def test_an_answer_is_given_out_once_to_the_same_question(told: Told) -> None:
    assert told.fill("a", "b") == ["a", "b"]
    assert told.taken("A") is None
    assert told.taken("a") == "a"
    assert told.taken("a") is None
    assert told.answers.taken(Question("b", b"")) is None
    assert told.answers.taken(Question("b", cap=1)) is None
    assert told.taken("b") == "b"


def test_questions_are_idle_and_kept_short(told: Told) -> None:
    told.fill("a")
    [(_, how)] = told.sent
    assert how["idle"] is True
    assert how["timeout"] == ahead.PATIENCE
    assert how["cap"] == CAP


@pytest.mark.parametrize(("later", "given"), [(AGE, "a"), (AGE + 0.1, None)])
def test_an_old_answer_is_none(told: Told, later: float, given: str | None) -> None:
    told.fill("a")
    told.clock += later
    assert told.taken("a") == given


def test_whatever_may_have_changed_anything_voids_all(told: Told) -> None:
    for change in (told.changes.touch, told.changes.never_over):
        told.fill("a", "b")
        change()
        assert told.taken("a") is None
        assert told.taken("b") is None
    assert told.fill("c") == []


def test_nothing_is_asked_while_a_change_is_under_way_but_behind_ones_own(told: Told) -> None:
    with told.changes.under_way():
        assert told.fill("a") == []
        with told.changes.under_way():
            assert told.fill("a", behind=True) == []
        assert told.fill("a", behind=True) == ["a"]
    assert told.taken("a") == "a"


def test_a_change_that_begins_while_an_answer_comes_voids_it(told: Told) -> None:
    told.fill("a")
    ticket = told.tickets[0]
    usual = ticket.result

    def result() -> CommandResult:
        told.changes.touch()
        return usual()

    ticket.result = result  # type: ignore[method-assign]
    assert told.taken("a") is None


def test_what_is_cut_off_is_asked_again(told: Told) -> None:
    told.next["truncated"] = True
    told.fill("a")
    assert told.taken("a") is None


def test_a_question_that_fails_is_the_last(told: Told) -> None:
    told.breaks = True
    told.fill("a", "b")
    assert told.taken("a") is None
    told.breaks = False
    assert told.fill("c") == []


def test_where_one_is_slow_no_more_are_asked(told: Told) -> None:
    told.next["duration"] = SLOW + 0.1
    told.fill("a")
    assert told.taken("a") == "a"
    assert told.fill("c") == []


def test_settle_waits_for_each_and_minds_no_error(told: Told) -> None:
    told.fill("a")
    told.breaks = True
    told.answers.asked_in_turn()
    told.fill("a", "b")
    told.answers.settle()
    assert [each.looked for each in told.tickets] == [1, 1]
    told.answers.settle()
    assert [each.looked for each in told.tickets] == [1, 1]
    assert told.taken("a") == "a"


def test_it_is_filled_up_when_half_is_used(told: Told) -> None:
    first = told.fill(*MANY)
    assert first == MANY[:FIRST]
    told.pace.depth = FIRST
    for script in first[: FIRST // 2 - 1]:
        assert told.taken(script) == script
        told.pace.depth = FIRST
        assert told.fill(*MANY[len(told.sent) :]) == []
    told.taken(first[FIRST // 2 - 1])
    told.pace.depth = FIRST
    assert len(told.fill(*MANY[FIRST // 2 :])) == FIRST // 2


def test_the_same_question_of_two_tasks_is_asked_once(told: Told) -> None:
    def questions(known: set[Key]) -> Iterator[tuple[Key, Question]]:
        yield ("t1", 0), Question("same")
        yield ("t2", 0), Question("same")

    told.answers.fill(told.shell, questions)
    assert [script for script, _ in told.sent] == ["same"]


def test_no_more_goes_out_in_one_write_than_fits(told: Told) -> None:
    long = ["x" * ahead.LONGEST, "y"]
    assert told.fill(*long) == long[:1]


@given(st.lists(st.booleans(), max_size=60))
def test_the_pace_stays_within_its_bounds(uses: list[bool]) -> None:
    pace = Pace()
    for used in uses:
        before = pace.depth
        pace.used() if used else pace.wasted()
        assert 0 <= pace.depth <= MOST
        assert pace.depth >= before if used else pace.depth <= before // 2
    for _ in range(ahead.PROOF * 7):
        pace.used()
    assert pace.depth == MOST


def test_one_shell_has_one_set_of_answers() -> None:
    class Shell: ...

    prefetch = Prefetch(Changes(nullcontext()), lambda: 0.0)
    one, two = Shell(), Shell()
    found: Any = prefetch.of(one)  # type: ignore[arg-type]
    assert prefetch.of(one) is found  # type: ignore[arg-type]
    assert prefetch.of(two) is not found  # type: ignore[arg-type]


def test_changes_count_beginnings_and_know_what_goes_on() -> None:
    changes = Changes(nullcontext())
    token = changes.token()
    assert token is not None
    assert changes.holds(token)
    with changes.under_way():
        assert changes.token() is None
        assert not changes.holds(token)
    assert changes.token() not in (None, token)
    changes.never_over()
    assert changes.token() is None
    assert changes.token(behind=True) is not None
    with changes.under_way():
        assert changes.token(behind=True) is None


def test_an_answer_does_not_outlive_its_shell() -> None:
    told = Told()
    told.fill("a", "b")
    assert told.answers.taken(Question("a")) is not None
    for ticket in told.tickets:
        ticket.orphaned = True
    assert told.answers.taken(Question("b")) is None
