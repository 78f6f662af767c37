"""exec and ping on hosts in memory: one start, one result, and nothing sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.bench import LONG, WORK, Bench, host, refusing
from support.engines import until

import opsrun.remote.perseverance as perseverance
from opsrun.adhoc.base import Job
from opsrun.adhoc.run import Exec
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    HostKeyError,
)
from opsrun.events import Notice, Outcome, Output, Result, Retry, WorkId
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner
from opsrun.testing import Data, FakeTransport, Hold, Lose, ends


@pytest.fixture
def bench(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A worker's surroundings, without a pause between attempts."""
    monkeypatch.setattr(perseverance, "FIRST", 0.0)
    return Bench(engine)


def execute(bench: Bench, *transports: FakeTransport, **settings: Any) -> Result:
    """``uptime`` on a host."""
    bench.setting = replace(bench.setting, **settings)
    return bench.run(Exec(bench.setting, Command("uptime")), *transports)


# -- exec


def test_exec_gives_what_the_command_gave(bench: Bench) -> None:
    steps = (Data("stdout", b"up\n"), Data("stderr", b"!"), *ends(0))
    result = execute(bench, host(bench.engine, *steps))
    assert (result.outcome, result.rc, result.stdout, result.stderr) == (
        Outcome.OK, 0, b"up\n", b"!",
    )  # fmt: skip
    assert (result.error, result.attempts, result.truncated) == (None, 1, False)
    assert bench.of(Output) == [], "nobody wanted them"


@pytest.mark.parametrize(("rc", "signal"), [(1, None), (255, None), (None, "KILL")])
def test_a_command_that_fails(bench: Bench, rc: int | None, signal: str | None) -> None:
    result = execute(bench, host(bench.engine, *ends(rc, signal)))
    assert (result.outcome, result.rc, result.signal) == (Outcome.FAILED, rc, signal)
    assert result.error is None


def test_output_is_emitted_as_it_comes_where_it_is_wanted(bench: Bench) -> None:
    steps = (Data("stdout", b"a"), Data("stderr", b"b"), Data("stdout", b"c"), *ends(0))
    result = execute(bench, host(bench.engine, *steps), stream=True)
    assert [(event.stream, event.data) for event in bench.of(Output)] == [
        ("stdout", b"a"), ("stderr", b"b"), ("stdout", b"c"),
    ]  # fmt: skip
    assert (result.stdout, result.stderr) == (b"ac", b"b")


def test_a_login_that_fails_is_tried_again(bench: Bench) -> None:
    fails = [refusing(bench.engine) for _ in range(2)]
    good = host(bench.engine)
    result = execute(bench, *fails, good, retries=5)
    assert (result.outcome, result.attempts) == (Outcome.OK, 3)
    assert [event.attempt for event in bench.of(Retry)] == [1, 2]
    assert bench.of(Retry)[0].error.to_dict() == {
        "phase": "tcp", "message": "connection refused", "hint": "is it up?",
    }  # fmt: skip
    assert good.started == ["uptime"]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_used_up(bench: Bench, retries: int) -> None:
    transports = [refusing(bench.engine) for _ in range(retries + 1)]
    result = execute(bench, *transports, retries=retries)
    assert (result.outcome, result.attempts) == (Outcome.UNREACHABLE, retries + 1)
    assert len(bench.of(Retry)) == retries
    assert [transport.connects for transport in transports] == [1] * (retries + 1)


@pytest.mark.parametrize("kind", [HostKeyError, AuthenticationFailed])
def test_an_answer_that_stays_the_same_is_not_asked_for_again(
    bench: Bench, kind: type[ConnectionFailed]
) -> None:
    error = kind("no", host="web01", phase="auth")
    result = execute(bench, refusing(bench.engine, error), retries=9)
    assert (result.outcome, result.attempts) == (Outcome.UNREACHABLE, 1)


@pytest.mark.parametrize(
    "steps",
    [[Lose("reset")], [Data("stdout", b"x"), Lose("reset")], ends(1)],
    ids=["lost", "lost in output", "failed"],
)
def test_a_command_never_goes_out_twice(bench: Bench, steps: Sequence[Any]) -> None:
    transport = host(bench.engine, *steps)
    result = execute(bench, transport, retries=9)
    assert result.attempts == 1
    assert transport.started == ["uptime"]
    assert bench.of(Retry) == []


def test_what_may_have_been_typed_is_not_typed_again(bench: Bench) -> None:
    """Sent raw it may have its effect before the start is over, however that ends."""
    no = ConnectionFailed("the server hung up", host="web01", phase="exec")
    raw = Exec(bench.setting, Command("reload", manner=Manner(raw=True)))
    raw.setting = replace(bench.setting, retries=9)
    result = bench.run(raw, host(bench.engine, opening=[no]), host(bench.engine))
    assert result.attempts == 1
    assert bench.of(Retry) == []


def test_a_channel_that_was_refused_is_tried_again(bench: Bench) -> None:
    no = ConnectionFailed("the server refused a channel", host="web01", phase="open")
    result = execute(bench, host(bench.engine, opening=[no]), host(bench.engine), retries=1)
    assert (result.outcome, result.attempts) == (Outcome.OK, 2)


def test_what_was_lost_is_marked_and_kept(bench: Bench) -> None:
    result = execute(bench, host(bench.engine, Data("stdout", b"partial"), Lose("reset by peer")))
    assert (result.outcome, result.stdout, result.truncated) == (Outcome.LOST, b"partial", True)
    assert result.error is not None
    assert (result.error.phase, result.error.message) == ("run", "reset by peer")


def test_while_it_pauses_a_host_holds_no_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only place is free for this test to take as long as the pause lasts."""
    monkeypatch.setattr(perseverance, "FIRST", LONG)
    done: list[Result] = []
    worker = Exec(replace(bench.setting, retries=1), Command("uptime"))
    task = bench.engine.spawn(
        lambda: done.append(bench.run(worker, refusing(bench.engine), host(bench.engine)))
    )
    until(bench.engine, lambda: bench.of(Retry))
    bench.places.acquire()
    bench.places.release()
    bench.stop.cancel("enough")
    assert task.join(LONG)
    assert done[0].outcome is Outcome.CANCELLED
    assert done[0].error is not None
    assert done[0].error.message == "enough"


def test_pauses_grow_are_jittered_and_bounded(engine: Engine) -> None:
    delays: list[float] = []

    class Impatient(Stop):
        def wait(self, seconds: float) -> bool:
            delays.append(seconds)
            return False

    bench = Bench(engine)
    bench.setting = replace(bench.setting, stop=Impatient(engine), retries=1100)
    execute(bench, *[refusing(engine) for _ in range(1101)])
    assert len(delays) == 1100
    for number, delay in enumerate(delays):
        steady = min(perseverance.LONGEST, perseverance.FIRST * 2.0 ** min(number, 20))
        assert steady * 0.5 <= delay <= steady * 1.5
    assert len(set(delays)) > 1000, "all hosts at once would come back at once"


def test_cancelled_in_the_middle_of_a_login(bench: Bench) -> None:
    hold, done = Hold(bench.engine), []
    task = bench.engine.spawn(lambda: done.append(execute(bench, host(bench.engine, login=[hold]))))
    assert hold.reached.wait(LONG)
    bench.stop.cancel("the operator said so")
    assert task.join(LONG)
    assert done[0].outcome is Outcome.CANCELLED
    assert done[0].error.to_dict() == {
        "phase": "auth", "message": "the operator said so", "hint": "",
    }  # fmt: skip


def test_intent_comes_before_the_command_and_behind_the_login(bench: Bench) -> None:
    transport = host(bench.engine)
    seen: list[tuple[WorkId, int, int]] = []

    class Journal:
        def intent(self, work: WorkId) -> None:
            seen.append((work, transport.connects, len(transport.started)))

    execute(bench, refusing(bench.engine), transport, journal=Journal(), retries=1)
    assert seen == [(WORK, 1, 0)]


def test_without_a_journal_nothing_goes_out(bench: Bench) -> None:
    class Full:
        def intent(self, work: WorkId) -> None:
            raise OSError(28, "No space left on device")

    transport = host(bench.engine)
    result = execute(bench, transport, journal=Full())
    assert transport.started == []
    assert result.outcome is Outcome.FAILED, "known not to have run, and not the host's fault"
    assert result.error is not None
    assert "No space left" in result.error.message


class Exit(BaseException):
    """No Exception, and nobody expects it."""


@pytest.mark.parametrize(
    "error", [LookupError("a bug"), KeyboardInterrupt(), SystemExit(1), Exit()]
)
@pytest.mark.parametrize("sent", [False, True])
def test_a_bug_still_gives_one_result(bench: Bench, error: BaseException, sent: bool) -> None:
    class Buggy(Exec):
        def act(self, job: Job, slot: Slot, trail: Any) -> Result:
            trail.sent = sent
            raise error

    result = bench.run(Buggy(bench.setting, Command("x")))
    assert result.outcome is (Outcome.LOST if sent else Outcome.FAILED)
    assert result.error is not None
    assert "internal error" in result.error.message
    [notice] = bench.of(Notice)
    assert notice.level == "error"
    assert "Traceback" in notice.message
    assert notice.host == "web01"


def test_a_host_that_was_never_started_is_cancelled(bench: Bench) -> None:
    bench.stop.drain("2 hosts failed, more than --max-fail allows")
    Exec(bench.setting, Command("x")).skip(Job(WORK, lambda: host(bench.engine)))
    [result] = bench.of(Result)
    assert (result.outcome, result.started) == (Outcome.CANCELLED, 0.0)
    assert "--max-fail" in result.error.message
