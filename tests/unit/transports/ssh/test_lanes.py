"""The handshakes at one server: never more than the limit, never a stall, and what is learnt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opsrun.transports.ssh import lanes
from opsrun.transports.ssh.lanes import (
    PENALTIES,
    PENALTY_FIRST,
    PENALTY_LONGEST,
    REMEMBERED,
    Ending,
    Lane,
    Place,
)

BOUND = 5


class LaneMachine(RuleBasedStateMachine):
    """Hosts come, log in or fail, give up; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.lane = Lane(BOUND, lambda: 0.5)
        self.active: list[Place] = []
        self.queue: list[Place] = []
        self.granted_last: list[Place] = []

    @rule()
    def ask(self) -> None:
        place = Place()
        was_closed = self.lane.closed_for(self.now) > 0
        room = len(self.active) < int(self.lane.limit) and not self.queue
        self.lane.ask(place, self.now)
        assert (place.refused, place.granted) == (was_closed, room and not was_closed)
        if place.granted:
            self.active.append(place)
        elif not place.refused:
            self.queue.append(place)

    @precondition(lambda self: self.active)
    @rule(which=st.integers(0, 100), ending=st.sampled_from(Ending))
    def end(self, which: int, ending: Ending) -> None:
        place = self.active.pop(which % len(self.active))
        settled = self.lane.leave(place, ending, self.now)
        first = self.queue[: len(settled)]
        assert settled == first, "first come, first served"
        del self.queue[: len(settled)]
        if settled and settled[0].granted:
            self.active += settled
            assert len(self.active) <= int(self.lane.limit)
        assert all(one.settled for one in settled)

    @precondition(lambda self: self.queue)
    @rule(which=st.integers(0, 100))
    def give_up(self, which: int) -> None:
        place = self.queue.pop(which % len(self.queue))
        assert self.lane.leave(place, Ending.NEUTRAL, self.now) == []

    @rule(seconds=st.floats(0, 40))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def counts_are_right(self) -> None:
        assert self.lane.active == len(self.active)
        assert list(self.lane.waiting) == self.queue
        assert 1 <= self.lane.limit <= BOUND

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if self.queue:
            assert len(self.active) >= int(self.lane.limit) >= 1

    @invariant()
    def what_is_in_use_or_has_taught_is_kept(self) -> None:
        if self.active or self.queue or self.lane.limit < BOUND:
            assert not self.lane.forgettable(self.now)


TestLane: Any = LaneMachine.TestCase


def lane_of(bound: int = BOUND, luck: float = 0.0) -> Lane:
    return Lane(bound, lambda: luck)


def begin(lane: Lane, now: float = 0.0) -> Place:
    place = Place()
    lane.ask(place, now)
    return place


def run(lane: Lane, *endings: Ending, now: float = 0.0) -> None:
    """One handshake after the other."""
    for ending in endings:
        place = begin(lane, now)
        assert place.granted
        lane.leave(place, ending, now)


def test_a_round_that_is_dropped_halves_once() -> None:
    lane = lane_of(8)
    places = [begin(lane) for _ in range(8)]
    for place in places:
        lane.leave(place, Ending.DROPPED, 0.0)
    assert lane.limit == 4
    run(lane, Ending.DROPPED)
    assert lane.limit == 2
    run(lane, *[Ending.DROPPED] * 5)
    assert lane.limit == 1, "and never less"


def test_good_ends_raise_it_by_one_a_round_back_to_the_bound_and_no_further() -> None:
    lane = lane_of()
    run(lane, *[Ending.DROPPED] * 5)
    run(lane, Ending.GOOD)
    assert lane.limit == 2
    run(lane, *[Ending.GOOD] * 2)
    assert 2.8 < lane.limit <= 3
    run(lane, *[Ending.GOOD] * 100)
    assert lane.limit == BOUND


def test_what_says_nothing_of_the_load_changes_nothing() -> None:
    lane = lane_of()
    run(lane, Ending.DROPPED, *[Ending.NEUTRAL] * 20)
    assert (lane.limit, lane.progress) == (BOUND / 2, 0)


def test_a_penalty_closes_the_lane_for_all_who_wait_and_come() -> None:
    lane = lane_of(2)
    first, second, third = (begin(lane) for _ in range(3))
    assert lane.leave(first, Ending.PENALISED, 100.0) == [third]
    assert third.refused
    assert begin(lane, 100.0 + PENALTY_FIRST - 0.01).refused
    assert lane.leave(second, Ending.PENALISED, 105.0) == []
    assert lane.closed_until == 100.0 + PENALTY_FIRST, "of the same round: nothing new"
    assert begin(lane, 100.0 + PENALTY_FIRST).granted
    waits = begin(lane, 100.0 + PENALTY_FIRST)
    assert not waits.settled, "one at a time at first"


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
def test_penalties_grow_are_jittered_upwards_and_bounded(luck: float) -> None:
    lane, now = lane_of(luck=luck), 0.0
    for nth in range(6):
        run(lane, Ending.PENALISED, now=now)
        steady = min(PENALTY_LONGEST, PENALTY_FIRST * 2**nth)
        assert steady <= lane.closed_for(now) < steady * 4 / 3
        assert lane.hopeless is (nth + 1 > PENALTIES)
        now = lane.closed_until
    run(lane, Ending.GOOD, now=now)
    assert not lane.hopeless
    run(lane, Ending.PENALISED, now=now)
    assert PENALTY_FIRST <= lane.closed_for(now) < PENALTY_FIRST * 4 / 3


def test_the_first_penalty_is_as_long_as_sshd_enforces_any() -> None:
    assert lanes.PENALTY_FIRST >= 15.0


def test_what_was_taught_is_forgotten_in_time() -> None:
    lane = lane_of()
    assert lane.forgettable(0.0)
    run(lane, Ending.DROPPED, now=10.0)
    run(lane, *[Ending.GOOD] * 100, now=20.0)
    assert not lane.forgettable(10.0 + REMEMBERED - 1)
    assert lane.forgettable(10.0 + REMEMBERED)
