"""Servers that penalise who comes back too fast: kept away from, long enough and by all of us."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest
from support import evil
from support.crowds import Dropping

from opsrun.adhoc.base import Job
from opsrun.adhoc.run import Exec
from opsrun.composition.run import Run, RunOptions
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.engine.stop import Stop
from opsrun.events import Event, Result, Retry, WorkId
from opsrun.remote.command import Command
from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.lanes import PENALTIES, PENALTY_FIRST
from opsrun.transports.ssh.pacing import PER_ADDRESS, Pacer, door
from opsrun.transports.targets.target import SSHTarget


class Clock:
    """An engine whose time is moved on by whoever pauses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.ahead = 0.0

    def now(self) -> float:
        return self._engine.now() + self.ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@pytest.fixture
def clock(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The engine, and pauses that are over at once but count."""
    clock = Clock(engine)

    def wait(stop: Stop, seconds: float) -> bool:
        clock.ahead += seconds
        return stop.cancelled

    monkeypatch.setattr(Stop, "wait", wait)
    return clock


def run_at(clock: Clock, port: int, names: int) -> list[Event]:
    """A command on so many names of one server; all events."""
    password = Credential("password", ("password",), _password=Secret(evil.FULL))
    engine = cast(Engine, clock)
    shared = SSHShared(
        engine=engine,
        credentials=lambda target: [password],
        verify=lambda *host_key: None,
        known_key_types=lambda target: (),
        pacer=Pacer(engine),
    )
    # One host's pause is everybody's time: no other deadline may end by it.
    patient = dict.fromkeys(("dns", "tcp", "banner", "kex", "auth", "open", "exec"), 1e6)
    timeouts = Timeouts(**patient, keepalive=0.0)
    jobs = []
    for number in range(names):
        target = SSHTarget(f"web{number:02}", "127.0.0.1", port, "alice", timeouts=timeouts)
        jobs.append(
            Job(
                WorkId(target.host, ("exec",), "0123456789ab"),
                partial(SSHTransport, target, shared),
                door(target),
            )
        )
    options = RunOptions("exec", "true", plan=Plan(forks=64))
    run = Run(engine, options, jobs, lambda setting: Exec(setting, Command("true")))
    return list(run.stream())


PENALTY = b"Not allowed at this time\r\n"


def test_a_penalty_keeps_all_of_us_away_for_long_enough(clock: Clock) -> None:
    """Each connection during a penalty would be held against us: there is none."""
    refused: list[float] = []

    def judge() -> None:
        refused.append(clock.now())

    with Dropping(1, PENALTY, judge) as server:
        events = run_at(clock, server.port, 1)
        [result] = [event for event in events if isinstance(event, Result)]
        assert (str(result.outcome), result.attempts) == ("ok", 2)
        [retry] = [event for event in events if isinstance(event, Retry)]
        assert retry.delay >= PENALTY_FIRST
        assert retry.error.message.endswith("; the server says: Not allowed at this time")
        assert "PerSourcePenalties" in retry.error.hint
        assert clock.now() - refused[0] >= PENALTY_FIRST


def test_many_names_of_a_server_that_penalises_wait_together(clock: Clock) -> None:
    with Dropping(1, PENALTY) as server:
        events = run_at(clock, server.port, 20)
        results = [event for event in events if isinstance(event, Result)]
        assert {str(result.outcome) for result in results} == {"ok"}
        assert server.seen == 1 + len(results), "one was refused, and nobody asked too early"
        for retry in (event for event in events if isinstance(event, Retry)):
            assert retry.delay > 0
            assert "Not allowed" in retry.error.message or "no connection" in retry.error.message


def test_a_server_that_always_penalises_is_given_up(clock: Clock) -> None:
    with Dropping(1 << 20, PENALTY) as server:
        events = run_at(clock, server.port, 3)
        results = [event for event in events if isinstance(event, Result)]
        assert {str(result.outcome) for result in results} == {"unreachable"}
        assert {result.error.phase for result in results if result.error} == {"banner"}
        assert server.seen <= PER_ADDRESS + PENALTIES
        assert max(result.attempts for result in results) == 1 + PENALTIES
