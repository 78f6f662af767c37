"""ping on hosts in memory: how long a round trip takes, how many come back, and of what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.bench import LONG, WORK, Bench, host, refusing
from support.engines import until

import opsrun.adhoc.ping as ping
import opsrun.engine.gates as gates
from opsrun.adhoc.base import Job
from opsrun.adhoc.ping import Ping
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.events import Outcome, Result
from opsrun.remote.command import Command
from opsrun.testing import Data, FakeTransport, Hold, Lose, ends


@pytest.fixture
def bench(engine: Engine) -> Bench:
    """A worker's surroundings."""
    return Bench(engine)


def answering(engine: Engine, *answers: Any, **options: Any) -> FakeTransport:
    """A host whose commands go through these steps, one after the other."""
    rest: Iterator[Any] = iter(answers)
    return FakeTransport(engine, lambda script: next(rest), host="web01", **options)


def test_ping_tells_login_and_round_trip(bench: Bench) -> None:
    transport = host(bench.engine)
    result = bench.run(Ping(bench.setting), transport)
    assert (result.outcome, result.attempts) == (Outcome.OK, 1)
    assert set(result.data) == {"login", "round_trip"}
    assert all(seconds >= 0 for seconds in result.data.values())
    assert transport.started == [":"]


def test_ping_tries_once(bench: Bench) -> None:
    result = bench.run(Ping(bench.setting), refusing(bench.engine))
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error is not None
    assert (result.error.phase, result.error.message) == ("tcp", "connection refused")
    assert result.error.hint == "is it up?"


def test_ping_has_patience_if_it_is_told_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.0)
    transports = [refusing(bench.engine), refusing(bench.engine), host(bench.engine)]
    result = bench.run(Ping(bench.setting, LONG), *transports)
    assert (result.outcome, result.attempts) == (Outcome.OK, 3)


def test_ping_says_what_the_shell_said(bench: Bench) -> None:
    steps = (Data("stderr", b"This account is currently not available.\nmore"), *ends(1))
    result = bench.run(Ping(bench.setting), host(bench.engine, *steps))
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error is not None
    assert result.error.phase == "exec"
    assert "exit status 1: This account is currently not available." in result.error.message
    assert "more" not in result.error.message


# -- a series of round trips


def test_a_series_is_one_login_and_as_many_round_trips(bench: Bench) -> None:
    transport = host(bench.engine)
    result = bench.run(Ping(bench.setting, count=5), transport)
    assert (result.outcome, transport.connects, transport.started) == (Outcome.OK, 1, [":"] * 5)
    data = result.data
    assert list(data) == ["login", "min", "avg", "max", "sent", "received", "loss"]
    assert 0 <= data["min"] <= data["avg"] <= data["max"]
    assert (data["sent"], data["received"], data["loss"]) == (5, 5, 0.0)


def test_a_round_trip_that_takes_too_long_is_lost_and_the_next_follows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "_NOTHING", Command(":", timeout=0.01))
    never = [Hold(bench.engine)]
    transport = answering(bench.engine, never, never, ends(0), never)
    result = bench.run(Ping(bench.setting, count=4), transport)
    assert result.outcome is Outcome.OK
    assert (result.data["sent"], result.data["received"], result.data["loss"]) == (4, 1, 75.0)


def test_a_series_of_which_none_comes_back_ends_as_one_that_did_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "_NOTHING", Command(":", timeout=0.01))
    result = bench.run(Ping(bench.setting, count=3), host(bench.engine, Hold(bench.engine)))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "0.01" in result.error.message
    assert result.data == {}


@pytest.mark.parametrize("patience", [None, LONG])
def test_a_connection_that_breaks_ends_the_series(bench: Bench, patience: float | None) -> None:
    """And nobody logs in a second time to hide it."""
    transport = answering(bench.engine, ends(0), ends(0), [Lose("reset by peer")])
    result = bench.run(Ping(bench.setting, patience, count=9), transport)
    assert (result.outcome, transport.connects) == (Outcome.UNREACHABLE, 1)
    assert result.error is not None
    assert result.error.message == "2 of 9 round trips came back, then: reset by peer"
    assert (result.data["sent"], result.data["received"], result.data["loss"]) == (3, 2, 33.3)


def test_one_that_breaks_before_the_first_is_tried_again_where_there_is_patience(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.0)
    broken = answering(bench.engine, [Lose("reset by peer")])
    result = bench.run(Ping(bench.setting, LONG, count=2), broken, host(bench.engine))
    assert (result.outcome, result.attempts, result.data["sent"]) == (Outcome.OK, 2, 2)


def test_a_shell_that_fails_later_is_no_loss_but_the_end(bench: Bench) -> None:
    transport = answering(bench.engine, ends(0), [Data("stderr", b"no more\n"), *ends(1)])
    result = bench.run(Ping(bench.setting, count=3), transport)
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error is not None
    assert result.error.message.endswith("the shell ended with exit status 1: no more")


def test_when_patience_ends_in_a_series_what_came_back_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is up once the second round trip hangs: it is under way, and not lost."""
    hold, now = Hold(bench.engine), bench.engine.now
    monkeypatch.setattr(ping, "_NOTHING", Command(":"))
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.001)
    monkeypatch.setattr(bench.engine, "now", lambda: now() + 2 * LONG * hold.reached.is_set())
    transport = answering(bench.engine, ends(0), [hold])
    worker = Ping(bench.setting, LONG, count=3)
    bench.places.acquire()
    assert worker(Job(WORK, lambda: transport), Slot(bench.places))
    [result] = bench.of(Result)
    assert (result.data["sent"], result.data["received"]) == (1, 1)
    until(bench.engine, lambda: transport.closed)


def test_cancelled_in_a_series(bench: Bench) -> None:
    hold, done = Hold(bench.engine), []
    transport = answering(bench.engine, ends(0), [hold])
    worker = Ping(bench.setting, count=3)
    task = bench.engine.spawn(lambda: done.append(bench.run(worker, transport)))
    assert hold.reached.wait(LONG)
    bench.stop.cancel("enough")
    assert task.join(LONG)
    assert (done[0].outcome, done[0].data["received"]) == (Outcome.CANCELLED, 1)
