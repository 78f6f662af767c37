"""Gates: opened once for all, given up in time, and told apart why."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import opsrun.engine.gates as gates
from opsrun.engine.base import Engine
from opsrun.engine.gates import Gate, Pace, Progress
from opsrun.engine.stop import Stop
from opsrun.errors import GateTimeout, HostError, NotBuiltError, OpsrunError

LONG = 30.0
AT_ONCE = Pace(0.0, 0.0)


def refusing(times: int, then: BaseException | None = None, log: list[int] | None = None):  # type: ignore[no-untyped-def]
    """A check that fails so often, and then passes or raises."""
    tries = log if log is not None else []

    def check() -> None:
        tries.append(len(tries) + 1)
        if len(tries) <= times:
            raise HostError(f"refused {len(tries)}", host="web01", phase="tcp")
        if then is not None:
            raise then

    return check


def test_a_gate_opens_for_all_its_waiters(engine: Engine) -> None:
    ready, waiting = engine.event(), engine.semaphore(0)
    progress: list[Progress] = []

    def check() -> None:
        if not ready.is_set():
            raise OpsrunError("not yet")

    gate = Gate("tcp:1", check, engine, Stop(engine), pace=Pace(0.001, 0.001))

    def wait() -> None:
        waiting.release()
        progress.append(gate.wait_open(LONG))

    waiters = [engine.spawn(wait) for _ in range(20)]
    for _ in waiters:
        waiting.acquire()
    prober = engine.spawn(gate.probe)
    assert not gate.is_open
    ready.set()
    assert all(waiter.join(LONG) for waiter in waiters)
    assert prober.join(LONG)
    assert gate.is_open
    assert len(progress) == 20
    assert len({each.attempt for each in progress}) == 1
    assert gate.wait_open(0).attempt == progress[0].attempt, "an open gate makes nobody wait"


def test_attempts_and_the_last_error_are_told(engine: Engine) -> None:
    gate = Gate("tcp:1", refusing(3), engine, Stop(engine), pace=AT_ONCE)
    gate.probe()
    progress = gate.wait_open(None)
    assert progress.attempt == 4
    assert progress.last_error == "refused 3"
    assert isinstance(gate.failure, HostError)


def test_the_first_attempt_is_made_at_once(engine: Engine) -> None:
    gate = Gate("x", refusing(0), engine, Stop(engine), pace=Pace(math.inf, math.inf))
    gate.probe()
    assert gate.is_open


def test_a_shut_gate_times_out_and_says_what_was_tried(engine: Engine) -> None:
    stop, tried = Stop(engine), engine.event()

    def check() -> None:
        tried.set()
        raise HostError("connection refused", host="web01", phase="tcp")

    gate = Gate("tcp:5432", check, engine, stop, pace=Pace(LONG, LONG))
    prober = engine.spawn(gate.probe)
    assert tried.wait(LONG)
    with pytest.raises(GateTimeout) as caught:
        gate.wait_open(0.01)
    assert "tcp:5432 was not ready after 0.0 s and 1 attempt;" in str(caught.value)
    assert "last: connection refused" in str(caught.value)
    stop.cancel("over")
    assert prober.join(LONG), "and cancelling ends the prober in its pause"


def test_a_timeout_of_nothing_looks_once(engine: Engine) -> None:
    gate = Gate("x", refusing(9), engine, Stop(engine))
    with pytest.raises(GateTimeout, match="0 attempts"):
        gate.wait_open(0)


def test_a_check_that_breaks_fails_its_waiters_at_once(engine: Engine) -> None:
    gate = Gate("x", refusing(1, ZeroDivisionError("a bug")), engine, Stop(engine), pace=AT_ONCE)
    gate.probe()
    with pytest.raises(GateTimeout, match="check itself failed: ZeroDivisionError"):
        gate.wait_open(None)
    assert not gate.is_open


def test_a_check_that_can_never_pass_is_made_once(engine: Engine) -> None:
    tries: list[int] = []
    check = refusing(0, NotBuiltError("no such thing here"), tries)
    gate = Gate("odd:1", check, engine, Stop(engine), pace=AT_ONCE)
    prober = engine.spawn(gate.probe)
    with pytest.raises(GateTimeout, match=r"^odd:1: no such thing here$"):
        gate.wait_open(None)
    assert prober.join(LONG)
    assert tries == [1]


def test_cancelling_releases_the_waiters(engine: Engine) -> None:
    stop, tried = Stop(engine), engine.event()

    def check() -> None:
        tried.set()
        raise OpsrunError("no")

    gate = Gate("x", check, engine, stop, pace=Pace(LONG, LONG))
    errors: list[str] = []

    def wait() -> None:
        try:
            gate.wait_open(None)
        except GateTimeout as error:
            errors.append(str(error))

    tasks = [engine.spawn(wait) for _ in range(5)]
    tasks.append(engine.spawn(gate.probe))
    assert tried.wait(LONG)
    stop.cancel("over")
    assert all(task.join(LONG) for task in tasks)
    assert len(errors) == 5


def test_a_cancelled_run_tries_nothing(engine: Engine) -> None:
    stop, tries = Stop(engine), []
    stop.cancel("over")
    gate = Gate("x", refusing(0, log=tries), engine, stop)
    gate.probe()
    assert tries == []
    with pytest.raises(GateTimeout):
        gate.wait_open(None)


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_attempts_are_limited(engine: Engine, attempts: int) -> None:
    tries: list[int] = []
    gate = Gate("x", refusing(99, log=tries), engine, Stop(engine), pace=AT_ONCE, attempts=attempts)
    gate.probe()
    assert tries == list(range(1, attempts + 1))
    with pytest.raises(GateTimeout, match=f"{attempts} attempt"):
        gate.wait_open(None)


def test_the_last_attempt_may_pass(engine: Engine) -> None:
    gate = Gate("x", refusing(2), engine, Stop(engine), pace=AT_ONCE, attempts=3)
    gate.probe()
    assert gate.wait_open(None).attempt == 3


def test_waiters_report_while_they_wait(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.001)
    gate = Gate("x", refusing(0), engine, Stop(engine))
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 3:
            engine.spawn(gate.probe)

    gate.wait_open(LONG, tell)
    assert len(told) >= 3
    assert [each.attempt for each in told[:3]] == [0, 0, 0]
    elapsed = [each.elapsed for each in told]
    assert elapsed == sorted(elapsed)


def test_nobody_reports_as_the_timeout_strikes(engine: Engine) -> None:
    gate = Gate("x", refusing(0), engine, Stop(engine))
    told: list[Progress] = []
    with pytest.raises(GateTimeout):
        gate.wait_open(0.001, told.append)
    assert told == []


@given(st.integers(1, 2000), st.floats(0, 1, exclude_max=True))
def test_pace_grows_to_its_longest_within_its_jitter(attempt: int, luck: float) -> None:
    pace = Pace(0.5, 5.0)
    delay = pace.delay(attempt, lambda: luck)
    steady = min(5.0, 0.5 * 1.5 ** min(attempt - 1, 50))
    assert 0.75 * steady <= delay <= 1.25 * steady
    assert delay <= pace.delay(attempt + 1, lambda: luck)


def test_pace_is_random_by_itself() -> None:
    assert len({Pace().delay(1) for _ in range(50)}) > 1
