"""Gates: opened once for all, given up in time, and told apart why."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import until

import opsrun.engine.gates as gates
from opsrun.engine.base import Engine, Task
from opsrun.engine.enough import Enough
from opsrun.engine.gates import Gate, Pace, Progress, State
from opsrun.engine.stop import Stop
from opsrun.errors import (
    AuthenticationFailed,
    BecomeError,
    ConnectionFailed,
    GateTimeout,
    HostError,
    NotBuiltError,
    OpsrunError,
    UsageError,
)

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


def test_an_attempt_that_takes_longer_than_the_wait_is_told(engine: Engine) -> None:
    stop = Stop(engine)
    begun, go_on = engine.event(), engine.event()

    def check() -> None:
        begun.set()
        go_on.wait()

    gate = Gate("x", check, engine, stop)
    gate.start()
    begun.wait()
    with pytest.raises(GateTimeout, match=r"0\.0 s and 1 attempt, which has not ended yet$"):
        gate.wait_open(0)
    go_on.set()
    gate.wait_open(LONG)


def test_a_timeout_of_nothing_looks_once(engine: Engine) -> None:
    gate = Gate("x", refusing(9), engine, Stop(engine))
    with pytest.raises(GateTimeout, match="0 attempts"):
        gate.wait_open(0)


def test_a_timeout_that_no_clock_reaches_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="expected seconds to wait, found nan"):
        Gate("x", None, engine, Stop(engine)).wait_open(math.nan)


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


# -- opened, abandoned, cleared


def by_hand(engine: Engine, stop: Stop | None = None) -> Gate:
    """A gate that somebody's work opens."""
    return Gate("db is migrated", None, engine, stop or Stop(engine))


def waiting(engine: Engine, gate: Gate, number: int) -> tuple[list[Any], list[Task]]:
    """So many tasks that wait for a gate, and what each of them gets."""
    got: list[Any] = []
    inside = engine.semaphore(0)

    def wait() -> None:
        inside.release()
        try:
            got.append(gate.wait_open(LONG))
        except GateTimeout as error:
            got.append(str(error))

    tasks = [engine.spawn(wait) for _ in range(number)]
    for _ in tasks:
        inside.acquire()
    return got, tasks


def test_who_did_the_work_opens_the_gate(engine: Engine) -> None:
    gate = by_hand(engine)
    assert gate.state is State.PROBING
    got, tasks = waiting(engine, gate, 10)
    gate.start()
    gate.open()
    assert all(task.join(LONG) for task in tasks)
    assert [type(each) for each in got] == [Progress] * 10
    assert (gate.state, gate.is_open, gate.attempt) == (State.OPEN, True, 0)


def test_a_gate_whose_opener_ended_without_opening_it_fails_at_once(engine: Engine) -> None:
    gate = by_hand(engine)
    got, tasks = waiting(engine, gate, 5)
    gate.abandon("the migration failed")
    assert all(task.join(LONG) for task in tasks)
    assert got == ["db is migrated: the migration failed"] * 5
    assert gate.state is State.FAILED
    with pytest.raises(GateTimeout, match="the migration failed"):
        gate.wait_open(None)


def test_an_open_gate_is_not_abandoned_any_more(engine: Engine) -> None:
    gate = by_hand(engine)
    gate.open()
    gate.abandon("too late")
    assert gate.wait_open(0).attempt == 0


def test_cancelling_releases_who_waits_for_somebodys_work(engine: Engine) -> None:
    stop = Stop(engine)
    gate = by_hand(engine, stop)
    got, tasks = waiting(engine, gate, 3)
    stop.cancel("over")
    assert all(task.join(LONG) for task in tasks)
    assert len(got) == 3
    assert all("db is migrated was not ready" in words for words in got)


def test_a_cleared_gate_makes_wait_again(engine: Engine) -> None:
    gate = by_hand(engine)
    got, tasks = waiting(engine, gate, 4)
    gate.open()
    gate.clear()
    assert all(task.join(LONG) for task in tasks)
    assert [type(each) for each in got] == [Progress] * 4, "whom it had released it has released"
    with pytest.raises(GateTimeout):
        gate.wait_open(0)
    gate.open()
    assert gate.wait_open(0).attempt == 0


def test_probing_goes_on_when_a_gate_is_cleared_and_one_prober_is_enough(engine: Engine) -> None:
    up, tried = engine.event(), engine.semaphore(0)
    inside: list[int] = []

    def check() -> None:
        inside.append(1)
        assert len(inside) == 1, "two probers at once"
        tried.release()
        inside.pop()
        if not up.is_set():
            raise OpsrunError("down")

    stop = Stop(engine)
    gate = Gate("x", check, engine, stop, pace=Pace(0.001, 0.001))
    up.set()
    for _ in range(3):
        gate.start()
    assert gate.wait_open(LONG).attempt == 1
    for _ in range(5):
        up.clear()
        gate.clear()
        assert gate.state is State.PROBING
        tried.acquire()
        up.set()
        gate.wait_open(LONG)
    stop.cancel("over")


def test_what_was_tried_before_a_gate_was_cleared_opens_it_no_more(engine: Engine) -> None:
    """An attempt that is under way as the gate is cleared says what was true before."""
    begun, go_on = engine.event(), engine.event()
    tries: list[int] = []

    def check() -> None:
        tries.append(1)
        if len(tries) == 1:
            begun.set()
            go_on.wait(LONG)
        else:
            raise OpsrunError("down by now")

    stop = Stop(engine)
    gate = Gate("x", check, engine, stop, pace=Pace(LONG, LONG))
    gate.start()
    assert begun.wait(LONG)
    gate.open()
    gate.clear()
    until(engine, lambda: len(tries) == 2)
    go_on.set()
    stop.cancel("over")
    assert engine.close(LONG)
    assert not gate.is_open


def test_states_are_told_as_they_change(engine: Engine) -> None:
    gate = by_hand(engine)
    told: list[State] = []
    late: list[State] = []

    def broken(state: State) -> None:
        raise ZeroDivisionError

    gate.subscribe(broken)
    end = gate.subscribe(told.append)
    gate.open()
    gate.open()
    gate.subscribe(late.append)
    gate.clear()
    gate.abandon("no")
    end()
    gate.open()
    assert told == [State.OPEN, State.PROBING, State.FAILED]
    assert late == [State.OPEN, State.PROBING, State.FAILED, State.OPEN], (
        "at once, if there is news"
    )


def test_a_subscriber_may_clear_the_gate_that_it_is_told_of(engine: Engine) -> None:
    tries: list[int] = []
    gate = Gate("x", refusing(0, log=tries), engine, Stop(engine), pace=AT_ONCE)

    def once(state: State) -> None:
        if state is State.OPEN and len(tries) < 3:
            gate.clear()

    gate.subscribe(once)
    gate.start()
    until(engine, lambda: len(tries) == 3 and gate.is_open)
    assert engine.close(LONG)


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationFailed("Permission denied", host="web01", phase="auth"),
        BecomeError("wrong password", host="web01", phase="become"),
        UsageError("no such thing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_login_that_was_refused_is_not_tried_again(engine: Engine, error: OpsrunError) -> None:
    tries: list[int] = []
    gate = Gate("ssh", refusing(0, error, tries), engine, Stop(engine), pace=AT_ONCE)
    gate.start()
    with pytest.raises(GateTimeout, match=f"^ssh: {re.escape(str(error))}$"):
        gate.wait_open(None)
    assert tries == [1]
    assert gate.state is State.FAILED


def test_a_host_that_is_out_of_reach_is_tried_again(engine: Engine) -> None:
    tries: list[int] = []

    def check() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise ConnectionFailed("connection refused", host="web01", phase="tcp")

    gate = Gate("ssh", check, engine, Stop(engine), pace=AT_ONCE)
    gate.start()
    assert gate.wait_open(LONG).attempt == 4


# -- so many of several


def of(engine: Engine, number: int) -> list[Gate]:
    """So many gates that are opened by hand."""
    return [Gate(f"g{place}", None, engine, Stop(engine)) for place in range(number)]


def test_enough_gates_open_one_behind_them(engine: Engine) -> None:
    gates = of(engine, 3)
    enough = Enough("any 2", gates, 2, engine, Stop(engine))
    gates[2].open()
    assert enough.state is State.PROBING
    gates[1].abandon("never mind")
    assert enough.state is State.PROBING
    gates[0].open()
    assert enough.wait_open(0).attempt == 0
    assert sorted(enough.opened) == [0, 2]


def test_too_few_gates_that_can_open_fail_it_at_once(engine: Engine) -> None:
    gates = of(engine, 3)
    enough = Enough("any 2", gates, 2, engine, Stop(engine))
    gates[0].abandon("gone")
    gates[2].abandon("gone as well")
    with pytest.raises(GateTimeout, match=r"^any 2: too few of them can hold$"):
        enough.wait_open(None)


@pytest.mark.parametrize("least", [-1, 0, 4])
def test_a_number_that_can_not_be_enough_is_refused(engine: Engine, least: int) -> None:
    with pytest.raises(UsageError, match=f"any: {least} of 3 gates can't be waited for"):
        Enough("any", of(engine, 3), least, engine, Stop(engine))
    with pytest.raises(UsageError, match="1 of 0 gates"):
        Enough("any", [], 1, engine, Stop(engine))


def test_a_gate_that_had_opened_counts_from_the_beginning(engine: Engine) -> None:
    gates = of(engine, 2)
    gates[0].open()
    enough = Enough("any 1", gates, 1, engine, Stop(engine))
    assert enough.is_open
    enough.leave()


def test_what_keeps_the_others_shut_is_told(engine: Engine) -> None:
    stop = Stop(engine)
    gates = [Gate(name, refusing(9), engine, stop, attempts=2, pace=AT_ONCE) for name in "ab"]
    for gate in gates:
        gate.probe()
    enough = Enough("any 1", gates, 1, engine, stop)
    with pytest.raises(GateTimeout, match=r"^any 1: a: refused 2; b: refused 2$"):
        enough.wait_open(None)
    assert enough.attempt == 2
