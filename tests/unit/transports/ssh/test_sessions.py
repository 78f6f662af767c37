"""Who gets a session channel when, against a server that allows so many and tells nobody."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.threads import ThreadEngine
from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.sessions import Claim, Sessions

NOW = Deadline("open", 0.0, lambda: 0.0)


@dataclass
class Server:
    """sshd's ways: what has arrived is read whole, and only then are closed channels' places free.

    Args:
        most: its MaxSessions.
    """

    most: int
    arrived: deque[tuple[str, int]] = field(default_factory=deque)
    said: deque[tuple[str, int]] = field(default_factory=deque)
    used: int = 0
    refusals: int = 0

    def read(self) -> None:
        freed = 0
        while self.arrived:
            what, chanid = self.arrived.popleft()
            if what == "close":
                freed += 1
            elif self.used < self.most:
                self.used += 1
                self.said.append(("opened", chanid))
            else:
                self.refusals += 1
                self.said.append(("refused", chanid))
        self.used -= freed


class World:
    """A server, and users of one connection who each want a channel once."""

    def __init__(self, most: int, users: int) -> None:
        self.server = Server(most)
        self.sessions = Sessions(ThreadEngine())
        self.claims: list[Claim] = [self.sessions.claim() for _ in range(users)]
        self.asked: dict[int, Claim] = {}
        self.open: list[int] = []
        self.served: list[Claim] = []
        self.number = 0

    def ask(self) -> bool:
        for claim in self.claims:
            if claim.granted:
                self.number += 1
                self.sessions.ask(claim, self.number)
                self.asked[self.number] = claim
                self.server.arrived.append(("open", self.number))
                return True
        return False

    def close(self) -> bool:
        if not self.open:
            return False
        chanid = self.open.pop(0)
        self.server.arrived.append(("close", chanid))
        self.sessions.close(chanid)
        return True

    def read(self) -> bool:
        some = bool(self.server.arrived)
        self.server.read()
        return some

    def answer(self) -> bool:
        if not self.server.said:
            return False
        what, chanid = self.server.said.popleft()
        claim = self.asked.pop(chanid)
        if what == "opened":
            self.sessions.opened(chanid)
            self.open.append(chanid)
            self.served.append(claim)
        else:
            assert self.sessions.refused(chanid), "there was something in its way"
        return True

    def go_on(self, *steps: str) -> None:
        """By turns, until none of the steps has anything to do."""
        while sum(getattr(self, step)() for step in steps):
            pass


STEPS = ("ask", "close", "read", "answer")


@given(st.integers(1, 12), st.integers(1, 40), st.lists(st.sampled_from(STEPS), max_size=200))
def test_everybody_gets_a_channel_in_the_end(most: int, users: int, steps: list[str]) -> None:
    world = World(most, users)
    for step in steps:
        getattr(world, step)()
        # What is learnt is never less than the server allows.
        assert world.sessions.limit is None or world.sessions.limit >= most
    world.go_on(*STEPS)
    assert sorted(claim.number for claim in world.served) == list(range(users))
    assert world.server.used == 0


@given(st.integers(1, 12), st.integers(1, 40))
def test_no_more_is_refused_than_is_allowed(most: int, users: int) -> None:
    """While none is closed: each question past the limit is asked once, and never again."""
    world = World(most, users)
    world.go_on("ask", "read", "answer")
    assert len(world.open) == min(most, users)
    assert world.server.refusals <= most
    assert world.sessions.limit == (most if users > most else None)


@pytest.fixture
def full() -> World:
    """One channel is open, and the server allows no other; that is known."""
    world = World(1, 2)
    world.go_on("ask", "read", "answer")
    assert world.sessions.limit == 1
    return world


def test_what_came_first_goes_first(full: World) -> None:
    later = full.sessions.claim()
    full.close()
    assert (full.claims[1].granted, later.granted) == (True, False)


def test_a_claim_that_is_not_granted_in_time_is_gone(full: World) -> None:
    assert not full.sessions.wait(full.claims[1], NOW)
    later = full.sessions.claim()
    full.close()
    assert later.granted


def test_a_grant_that_nobody_takes_is_passed_on(full: World) -> None:
    later = full.sessions.claim()
    full.close()
    full.sessions.withdraw(full.claims[1])
    assert later.granted


def test_a_close_that_the_server_has_not_read_to_the_end_costs_one_question(full: World) -> None:
    """Close and question arrive together: the place is free as soon as the refusal is out."""
    full.close()
    assert full.ask()
    full.read()
    assert full.server.refusals == 2
    assert full.answer()
    assert full.ask()
    full.read()
    assert full.answer()
    assert len(full.served) == 2


def test_with_no_other_channel_open_a_refusal_is_final() -> None:
    sessions = Sessions(ThreadEngine())
    sessions.ask(sessions.claim(), 1)
    assert not sessions.refused(1)
    assert sessions.limit is None


def test_an_answer_that_nobody_waits_for_holds_up_nobody() -> None:
    sessions = Sessions(ThreadEngine())
    first, second = sessions.claim(), sessions.claim()
    assert (first.granted, second.granted) == (True, False)
    sessions.ask(first, 1)
    sessions.leave(1)
    assert second.granted
    sessions.opened(1)
    assert sessions.open == 1
    sessions.close(1)
    assert sessions.open == 0


def test_the_end_of_the_connection_ends_the_wait(full: World) -> None:
    ends: list[Any] = []
    engine = ThreadEngine()
    waiting = Deadline("open", None, engine.now)
    task = engine.spawn(lambda: ends.append(full.sessions.wait(full.claims[1], waiting)))
    full.sessions.end()
    assert task.join(30.0)
    assert ends == [False]
