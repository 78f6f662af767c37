"""Whom a run waits for is said, seldom and in few words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from opsrun.adhoc.silence import Silence
from opsrun.events import Notice


class Watch:
    """Hosts that fell silent at given moments."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.stack = stack
        self.silence = Silence(self._take, lambda: self.now, threading.Lock())

    def _take(self, notice: Notice) -> None:
        assert notice.level == "warning"
        self.said.append(notice.message)

    def host(self, name: str, since: float = 0.0) -> ExitStack:
        mine = ExitStack()
        mine.enter_context(self.silence.watching(name, lambda: self.now - since))
        self.stack.push(mine)
        return mine

    def at(self, *moments: float) -> list[str]:
        """What is said if somebody has something to tell at these moments."""
        self.said.clear()
        for self.now in moments:
            self.silence.tell()
        return list(self.said)


@pytest.fixture
def watch() -> Iterator[Watch]:
    with ExitStack() as stack:
        yield Watch(stack)


def test_one_host(watch: Watch) -> None:
    watch.host("web01")
    assert watch.at(59.9) == []
    assert watch.at(60.0) == ["no output for 60 s from web01"]


def test_a_few_are_named_the_longest_first_and_the_others_counted(watch: Watch) -> None:
    for number in range(12):
        watch.host(f"web{number:02}", since=float(12 - number))
    assert watch.at(70.0) == ["no output for 69 s from web11, web10, web09, +7 more"]


def test_three_are_not_counted(watch: Watch) -> None:
    for name in ("a", "b", "c"):
        watch.host(name)
    assert watch.at(60.0) == ["no output for 60 s from a, b, c"]


def test_at_growing_intervals(watch: Watch) -> None:
    watch.host("web01")
    minutes = [60.0 * n for n in range(1, 100)]
    told = [watch.now for each in minutes if watch.at(each)]
    assert [told[n + 1] - told[n] for n in range(len(told) - 1)][:6] == [
        60.0, 120.0, 240.0, 480.0, 960.0, 960.0,
    ]  # fmt: skip
    assert watch.at(100_000.0) == ["no output for 1667 min from web01"]


def test_hosts_that_fall_silent_later_are_told_soon(watch: Watch) -> None:
    watch.host("web01")
    assert watch.at(60.0, 180.0, 420.0) != []
    watch.host("web02", since=400.0)
    assert watch.at(460.0) == []
    assert watch.at(480.0) == ["no output for 8 min from web01, web02"]


def test_many_at_about_the_same_time_are_said_once(watch: Watch) -> None:
    for number in range(50):
        watch.host(f"h{number}", since=number / 100)
    assert len(watch.at(*(60.0 + number / 100 for number in range(50)))) == 1


def test_who_has_ended_or_spoken_is_not_named(watch: Watch) -> None:
    first = watch.host("web01")
    watch.host("web02")
    watch.host("web03", since=50.0)
    first.close()
    assert watch.at(60.0) == ["no output for 60 s from web02"]


def test_a_host_that_spoke_in_between_begins_anew(watch: Watch) -> None:
    first = watch.host("web01")
    assert len(watch.at(60.0, 180.0, 420.0)) == 3
    first.close()
    watch.host("web01", since=430.0)
    assert watch.at(440.0) == []
    assert watch.at(490.0, 540.0) == [
        "no output for 60 s from web01",
    ]
