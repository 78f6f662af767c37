"""Hosts that wait: in turn, for some of several, at one gate for all; and what ends the waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.bench import LONG, WORK, Bench, host
from support.engines import until

import opsrun.engine.gates as gates
from opsrun.adhoc.base import Job, Trail, Worker
from opsrun.adhoc.checks import parse_all
from opsrun.adhoc.lookout import Lookout, Wanted
from opsrun.adhoc.run import Before, nothing
from opsrun.adhoc.wait import Wait
from opsrun.adhoc.when_ready import WhenReady
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import AuthenticationFailed, BecomeError, ConnectionFailed
from opsrun.events import Outcome, Result, Waiting, WorkId
from opsrun.remote.connection import Connection
from opsrun.testing import FakeTransport
from opsrun.transports.pipe import LocalTransport

Rule = Callable[[str, int], None]
"""Raises where a port of a host's, or an address, is not to answer."""


def refuse(words: str = "connection refused") -> ConnectionFailed:
    """The error of a port that nobody listens at."""
    failed = ConnectionFailed(words, phase="tcp")
    failed.refused = True
    return failed


@dataclass
class View:
    """An `Outlook` whose ports answer as a test wishes."""

    engine: Engine
    rule: Rule = lambda host, port: None
    groups: dict[str, Sequence[Job]] = field(default_factory=dict)
    spare: int = 100
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    def probe_tcp(self, host: str, port: int, stop: Stop) -> None:
        self.asked[host, port] += 1
        self.rule(host, port)

    @contextmanager
    def dial(self, host: str, address: str, port: int, stop: Stop) -> Iterator[None]:
        self.asked[address, port] += 1
        self.rule(address, port)
        yield

    def address(self, host: str) -> str:
        return f"{host}.example.org"

    def jobs_of(self, pattern: str) -> Sequence[Job]:
        return self.groups[pattern]


@pytest.fixture
def bench(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A worker's surroundings; probers make no pauses to speak of."""
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.001)
    return Bench(engine)


def worker(bench: Bench, view: View, *checks: str, **wanted: Any) -> Wait:
    """What waits for these checks."""
    wanted.setdefault("timeout", LONG)
    return Wait(bench.setting, Wanted(parse_all(checks), **wanted), Lookout(bench.setting, view))


def attempts(result: Result) -> dict[str, int]:
    """How often each check was tried that held."""
    return {name: figures["attempts"] for name, figures in result.data.items()}


def ran_out(engine: Engine, view: View, words: str, *checks: str, **wanted: Any) -> Result:
    """What a wait comes to that runs out with these words; soon, unless this machine is busy."""
    for timeout in (0.05, 1.0, LONG):
        bench = Bench(engine)
        result = bench.run(worker(bench, view, *checks, timeout=timeout, **wanted))
        assert result.outcome is Outcome.FAILED
        assert result.error is not None
        assert result.error.phase == "wait"
        if words in result.error.message:
            break
    assert words in result.error.message
    return result


class Patience:
    """A rule that lets the first so many tries fail."""

    def __init__(self, **fails: int) -> None:
        self.left = {int(port.lstrip("p")): number for port, number in fails.items()}

    def __call__(self, host: str, port: int) -> None:
        self.left[port] = self.left.get(port, 0) - 1
        if self.left[port] >= 0:
            raise refuse()


# -- one host


def test_checks_are_met_one_after_the_other(bench: Bench) -> None:
    view = View(bench.engine, Patience(p5432=2))
    result = bench.run(worker(bench, view, "tcp:5432", "ssh"), host(bench.engine))
    assert result.outcome is Outcome.OK
    assert attempts(result) == {"tcp:5432": 3, "ssh": 1}
    assert view.asked == {("web01", 5432): 3}


def test_what_held_is_told_of_a_wait_that_ran_out(bench: Bench) -> None:
    view = View(bench.engine, Patience(p2=10**9))
    result = ran_out(bench.engine, view, "; last: connection refused", "tcp:1", "tcp:2")
    assert attempts(result) == {"tcp:1": 1}
    assert result.error is not None
    assert result.error.message.startswith("tcp:2 was not ready after ")


def test_a_cancelled_wait_is_cancelled(bench: Bench) -> None:
    view, done = View(bench.engine, Patience(p1=10**9)), []
    wait = worker(bench, view, "tcp:1", timeout=None)
    task = bench.engine.spawn(lambda: done.append(bench.run(wait)))
    until(bench.engine, lambda: view.asked)
    bench.stop.cancel("the operator said so")
    assert task.join(LONG)
    assert done[0].outcome is Outcome.CANCELLED
    assert bench.engine.close(LONG), "no prober stays behind"


def test_a_prober_that_crashes_ends_the_wait_at_once(bench: Bench) -> None:
    def crash(host: str, port: int) -> None:
        raise ZeroDivisionError("a bug")

    result = bench.run(worker(bench, View(bench.engine, crash), "tcp:1", timeout=None))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.message == "tcp:1: the check itself failed: ZeroDivisionError('a bug')"


def test_waiting_hosts_hold_no_place_but_their_attempts_do(bench: Bench) -> None:
    """One place, and two hosts that wait for each other's check."""
    inside: list[int] = []
    most = 0
    tried = {1: False, 2: False}

    def rule(host: str, port: int) -> None:
        nonlocal most
        inside.append(port)
        most = max(most, len(inside))
        bench.engine.event().wait(0.001)
        inside.remove(port)
        tried[port] = True
        if not all(tried.values()):
            raise refuse()

    def wait(port: int) -> None:
        one = worker(quiet, View(bench.engine, rule), f"tcp:{port}")
        bench.places.acquire()
        assert one(Job(WORK, lambda: host(bench.engine)), Slot(bench.places))
        bench.places.release()

    quiet = Bench(bench.engine)
    quiet.setting = replace(bench.setting, emit=lambda event: None)
    tasks = [bench.engine.spawn(wait, port) for port in (1, 2)]
    assert all(task.join(LONG) for task in tasks)
    assert most == 1


@pytest.mark.parametrize(
    ("error", "outcome", "phase"),
    [
        (AuthenticationFailed("Permission denied", host="web01", phase="auth", hint="whose key?"),
         Outcome.UNREACHABLE, "auth"),
        (BecomeError("wrong password", host="web01", phase="become"), Outcome.FAILED, "become"),
    ],
)  # fmt: skip
def test_a_login_that_was_refused_is_not_tried_again(
    bench: Bench, error: Any, outcome: Outcome, phase: str
) -> None:
    """A prober that goes on for minutes would have locked the account long before."""

    class Locked(FakeTransport):
        def connect(self) -> Any:
            self.connects += 1
            raise error

    transport = Locked(bench.engine, {})
    result = bench.run(worker(bench, View(bench.engine), "ssh", timeout=None), transport)
    assert transport.connects == 1
    assert result.outcome is outcome
    assert result.error is not None
    assert (result.error.phase, result.error.message) == (phase, error.message)


def test_a_host_that_is_out_of_reach_is_tried_again(bench: Bench) -> None:
    down = [host(bench.engine, login=[refuse()]) for _ in range(3)]
    result = bench.run(worker(bench, View(bench.engine), "ssh"), *down, host(bench.engine))
    assert result.outcome is Outcome.OK
    assert attempts(result) == {"ssh": 4}


def test_a_host_that_stays_out_of_reach_uses_up_its_time(bench: Bench) -> None:
    refusing = Job(WORK, lambda: host(bench.engine, login=[refuse()]))
    group = {"db": [refusing]}
    words = "last: web01: connection refused"
    result = ran_out(bench.engine, View(bench.engine, groups=group), words, "all(db) ssh")
    assert result.error is not None
    assert result.error.message.startswith("all(db) ssh was not ready after ")


def test_a_login_is_made_anew_and_becomes_nobody(bench: Bench) -> None:
    def transport() -> Any:
        raise AssertionError("that one may be kept, or become somebody")

    job = Job(WORK, transport, afresh=lambda: host(bench.engine))
    bench.places.acquire()
    data: dict[str, Any] = {}
    lookout = Lookout(bench.setting, View(bench.engine))
    lookout.wait(job, Slot(bench.places), Wanted(parse_all(["ssh"])), data)
    assert data["ssh"]["attempts"] == 1


def test_a_silent_port_is_not_a_free_one(bench: Bench) -> None:
    """A filter is silent, and so is a host that is down."""
    tries: list[int] = []

    def rule(host: str, port: int) -> None:
        tries.append(port)
        if len(tries) < 3:
            raise ConnectionFailed("no answer", phase="tcp")
        raise refuse()

    result = bench.run(worker(bench, View(bench.engine, rule), "port-free:80"))
    assert attempts(result) == {"port-free:80": 3}


def test_waiters_say_what_they_wait_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.001)

    def rule(host: str, port: int) -> None:
        if len(bench.of(Waiting)) < 3:
            raise refuse("connection refused")

    result = bench.run(worker(bench, View(bench.engine, rule), "tcp:5432"))
    assert result.outcome is Outcome.OK
    told = bench.of(Waiting)
    assert {(each.host, each.gate, each.timeout) for each in told} == {("web01", "tcp:5432", LONG)}
    assert any(each.last_error == "connection refused" for each in told)


# -- so many of several


def test_some_of_the_checks_are_enough(bench: Bench) -> None:
    view = View(bench.engine, Patience(p1=10**9, p3=2))
    result = bench.run(worker(bench, view, "tcp:1", "tcp:2", "tcp:3", any_of=2))
    assert result.outcome is Outcome.OK
    assert attempts(result) == {"tcp:2": 1, "tcp:3": 3}
    assert bench.engine.close(LONG), "the prober of the one that did not pass has ended"


def test_too_few_checks_say_what_each_ended_with(bench: Bench) -> None:
    view = View(bench.engine, Patience(p1=10**9, p2=10**9))
    words = "last: tcp:1: connection refused; tcp:2: connection refused"
    for _ in range(3):
        result = ran_out(bench.engine, view, words, "tcp:1", "tcp:2", "tcp:3", any_of=2)
        if result.data:
            break
    assert attempts(result) == {"tcp:3": 1}
    assert result.error is not None
    assert result.error.message.startswith("any 2 of: tcp:1, tcp:2, tcp:3 was not ready after ")


def test_checks_that_can_never_pass_end_it_at_once(bench: Bench) -> None:
    denied = AuthenticationFailed("Permission denied", host="web01", phase="auth")
    view = View(bench.engine, Patience(p1=10**9))
    wait = worker(bench, view, "ssh", "tcp:1", any_of=2, timeout=None)
    result = bench.run(wait, host(bench.engine, login=[denied]))
    assert result.error is not None
    assert "ssh: Permission denied" in result.error.message


# -- many hosts, one question


def many(bench: Bench, one: Worker, number: int) -> list[bool]:
    """Have so many hosts do it at the same time; how each ended."""
    ended: list[bool] = []

    def run(place: int) -> None:
        name = f"web{place:02}"
        job = Job(WorkId(name, ("test",), "x"), lambda: host(bench.engine))
        bench.places.acquire()
        ended.append(one(job, Slot(bench.places)))
        bench.places.release()

    tasks = [bench.engine.spawn(run, place) for place in range(number)]
    assert all(task.join(LONG) for task in tasks)
    return ended


def all_wait(bench: Bench, number: int) -> bool:
    """Whether so many hosts have said that they wait."""
    return len({event.host for event in bench.of(Waiting)}) >= number


@pytest.mark.parametrize("check", ["tcp:db:5432", "all(db) tcp:5432"])
def test_one_prober_and_one_event_release_all_who_ask_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.001)
    good = 0

    def rule(host: str, port: int) -> None:
        nonlocal good
        if not all_wait(bench, 20):
            raise refuse()
        good += 1

    db = Job(WorkId("db", ("test",), "x"), lambda: host(bench.engine))
    view = View(bench.engine, rule, {"db": [db]})
    assert many(bench, worker(bench, view, check), 20) == [True] * 20
    assert good == 1, "one attempt that passed, for twenty hosts"
    tried = {attempts(result)[check] for result in bench.of(Result)}
    assert tried == {view.asked["db", 5432]}


def test_who_comes_later_asks_anew(bench: Bench) -> None:
    """What was ready before the last batch was worked on need not be ready behind it."""
    down: set[str] = set()

    def rule(address: str, port: int) -> None:
        if address in down:
            down.clear()
            raise refuse()

    view = View(bench.engine, rule)
    one = worker(bench, view, "tcp:lb:80")
    assert many(bench, one, 1) == [True]
    down.add("lb")
    assert many(bench, one, 1) == [True]
    assert view.asked["lb", 80] == 3


def test_a_question_that_can_never_be_answered_is_asked_once(bench: Bench) -> None:
    denied = AuthenticationFailed("Permission denied", host="db1", phase="auth")
    transport = host(bench.engine, login=[denied])
    group = [Job(WorkId("db1", ("test",), "x"), lambda: transport)]
    one = worker(bench, View(bench.engine, groups={"db": group}), "all(db) ssh", timeout=None)
    assert many(bench, one, 5) == [False] * 5
    assert many(bench, one, 5) == [False] * 5
    assert transport.connects == 1
    [message] = {result.error.message for result in bench.of(Result)}
    assert message == "all(db) ssh: db1: auth: Permission denied"


def test_the_prober_ends_with_its_last_waiter(bench: Bench) -> None:
    view = View(bench.engine, Patience(p80=10**9))
    assert many(bench, worker(bench, view, "tcp:lb:80", timeout=0.05), 3) == [False] * 3
    assert bench.engine.close(LONG)


def test_cancelling_ends_shared_waits_as_well(bench: Bench) -> None:
    view, ended = View(bench.engine, Patience(p80=10**9)), []
    one = worker(bench, view, "tcp:lb:80", timeout=None)
    task = bench.engine.spawn(lambda: ended.extend(many(bench, one, 4)))
    until(bench.engine, lambda: view.asked)
    bench.stop.cancel("over")
    assert task.join(LONG)
    assert ended == [False] * 4
    assert {result.outcome for result in bench.of(Result)} == {Outcome.CANCELLED}
    assert bench.engine.close(LONG)


# -- groups


def members(bench: Bench, number: int) -> list[Job]:
    """Hosts that are none of the run's."""
    return [
        Job(WorkId(f"db{place}", ("test",), "x"), lambda: host(bench.engine))
        for place in range(number)
    ]


def test_all_of_a_group_have_to_hold_in_one_look(bench: Bench) -> None:
    """db0 was up when db1 was not; when db1 is, db0 has gone, and comes back."""
    looks: Counter[str] = Counter()

    def rule(name: str, port: int) -> None:
        looks[name] += 1
        if name == "db1" and looks["db1"] < 3:
            raise refuse()
        if name == "db0" and looks["db1"] == 3 and looks["gone"] == 0:
            looks["gone"] += 1
            raise refuse("gone again")

    view = View(bench.engine, rule, {"db": members(bench, 2)})
    result = bench.run(worker(bench, view, "all(db) tcp:1"))
    assert result.outcome is Outcome.OK
    assert looks["db1"] >= 4, "looked at again, for db0 had gone"


@pytest.mark.parametrize("up", [1, 2, 3])
def test_so_many_of_a_group_are_enough(bench: Bench, up: int) -> None:
    def rule(name: str, port: int) -> None:
        if int(name.removeprefix("db")) >= up:
            raise refuse()

    view = View(bench.engine, rule, {"db": members(bench, 4)})
    if up < 2:
        words = "last: db1: connection refused, and 2 more hosts"
        ran_out(bench.engine, view, words, "any 2 of(db) tcp:1")
    else:
        assert bench.run(worker(bench, view, "any 2 of(db) tcp:1")).outcome is Outcome.OK


def test_enough_of_a_group_wait_for_no_silent_one(bench: Bench) -> None:
    hung = bench.engine.event()

    def silent(stop: Stop) -> None:
        with stop.closing(hung.set):
            assert hung.wait(LONG), "nobody ended the look at the silent host"
        raise refuse("given up")

    class Half(View):
        def probe_tcp(self, host: str, port: int, stop: Stop) -> None:
            if host == "db0":
                silent(stop)

    bench.places = bench.engine.semaphore(4)
    view = Half(bench.engine, groups={"db": members(bench, 3)})
    assert bench.run(worker(bench, view, "any 2 of(db) tcp:1")).outcome is Outcome.OK


def test_a_member_that_refuses_us_is_done_without(bench: Bench) -> None:
    denied = AuthenticationFailed("Permission denied", host="db0", phase="auth")
    refusing = host(bench.engine, login=[denied])
    others = [host(bench.engine, login=[refuse()]) for _ in range(2)]
    group = [
        Job(WorkId("db0", ("test",), "x"), lambda: refusing),
        Job(WorkId("db1", ("test",), "x"), lambda: others.pop() if others else host(bench.engine)),
    ]
    view = View(bench.engine, groups={"db": group})
    assert bench.run(worker(bench, view, "any 1 of(db) ssh")).outcome is Outcome.OK
    assert refusing.connects == 1


def test_a_member_whose_look_breaks_breaks_the_gate(bench: Bench) -> None:
    def crash(name: str, port: int) -> None:
        raise ZeroDivisionError("a bug")

    view = View(bench.engine, crash, {"db": members(bench, 3)})
    result = bench.run(worker(bench, view, "all(db) tcp:1", timeout=None))
    assert result.error is not None
    assert "the check itself failed: ZeroDivisionError('a bug')" in result.error.message


def test_a_large_group_takes_no_more_places_than_there_are(bench: Bench) -> None:
    inside, most = 0, 0

    def rule(name: str, port: int) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        bench.engine.event().wait(0.0001)
        inside -= 1

    bench.places = bench.engine.semaphore(3)
    view = View(bench.engine, rule, {"db": members(bench, 200)})
    assert bench.run(worker(bench, view, "all(db) tcp:1")).outcome is Outcome.OK
    assert most <= 3


# -- connections that are kept


class Counting:
    """Ways to this machine's shell, counted; the latest connection can be broken."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.logins = 0
        self.open = 0
        self.latest: Connection | None = None

    def __call__(self) -> Any:
        return _Counted(self)


class _Counted:
    def __init__(self, ways: Counting) -> None:
        self._ways = ways
        self._transport = LocalTransport("web01", ways.engine)
        self._is_open = False

    def connect(self) -> Connection:
        connection = self._transport.connect()
        self._ways.logins += 1
        self._ways.open += 1
        self._ways.latest = connection
        self._is_open = True
        return connection

    def close(self) -> None:
        self._transport.close()
        self._ways.open -= self._is_open
        self._is_open = False


def shell_wait(bench: Bench, ways: Counting, check: str, spare: int = 100) -> dict[str, Any]:
    """Wait for one check in the shell of a host."""
    bench.places.acquire()
    data: dict[str, Any] = {}
    lookout = Lookout(bench.setting, View(bench.engine, spare=spare))
    try:
        wanted = Wanted(parse_all([check]), LONG)
        lookout.wait(Job(WORK, ways), Slot(bench.places), wanted, data)
    finally:
        bench.places.release()
    assert bench.engine.close(LONG)
    assert ways.open == 0, "nothing is left open behind the wait"
    return dict(data[check])


def counter(path: Any, enough: int) -> str:
    """A command that ends well when it is run for the ``enough``-th time."""
    return f"cmd:echo >>{path}; test $(wc -l <{path}) -ge {enough}"


def test_one_login_is_enough_for_all_attempts(bench: Bench, tmp_path: Any) -> None:
    ways = Counting(bench.engine)
    figures = shell_wait(bench, ways, counter(tmp_path / "n", 4))
    assert figures["attempts"] == 4
    assert ways.logins == 1


def test_a_connection_that_broke_is_made_anew(
    bench: Bench, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = Counting(bench.engine)

    def delay(pace: Any, attempt: int) -> float:
        if attempt == 2 and ways.latest is not None:
            ways.latest.close()
        return 0.001

    monkeypatch.setattr(gates.Pace, "delay", delay)
    figures = shell_wait(bench, ways, counter(tmp_path / "n", 4))
    assert figures["attempts"] == 4, "the break cost no attempt"
    assert ways.logins == 2


def test_where_there_is_no_room_nothing_is_kept(bench: Bench, tmp_path: Any) -> None:
    ways = Counting(bench.engine)
    shell_wait(bench, ways, counter(tmp_path / "n", 3), spare=0)
    assert ways.logins == 3


def test_a_command_that_hangs_is_an_attempt_that_failed(
    bench: Bench, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsrun.adhoc.sight.HostSight.run", _hurried)
    ways, marker = Counting(bench.engine), tmp_path / "tried"
    check = f"cmd:test -e {marker} || {{ touch {marker}; sleep 600; }}"
    assert shell_wait(bench, ways, check)["attempts"] == 2
    assert ways.logins == 1, "the session was ended, not the connection"


def _hurried(self: Any, script: str, stop: Stop, *, apart: bool = False) -> Any:
    return self._lines.run(script, stop, apart=apart, seconds=1.0)


def test_cancelled_in_the_middle_of_an_attempt(bench: Bench, tmp_path: Any) -> None:
    ways, marker, done = Counting(bench.engine), tmp_path / "begun", []
    wait = worker(bench, View(bench.engine), f"cmd:touch {marker}; sleep 600", timeout=None)
    bench.places.acquire()
    job = Job(WORK, ways)
    task = bench.engine.spawn(lambda: done.append(wait(job, Slot(bench.places))))
    until(bench.engine, marker.exists)
    bench.stop.cancel("over")
    assert task.join(LONG)
    assert [result.outcome for result in bench.of(Result)] == [Outcome.CANCELLED]
    assert bench.engine.close(LONG)
    assert ways.open == 0


# -- work that waits first


class Recording(Worker):
    """Work that does nothing but say that it was done."""

    def act(self, job: Job, slot: Slot, trail: Trail, before: Before = nothing) -> Result:
        """See `Exec.act`."""
        trail.data["done"] = True
        return Result(job.host, job.work, Outcome.OK, data=trail.data)


def when_ready(bench: Bench, view: View, check: str, timeout: float = LONG) -> WhenReady:
    """That work, behind a gate."""
    wanted = Wanted(parse_all([check]), timeout)
    lookout = Lookout(bench.setting, view)
    return WhenReady(bench.setting, Recording(bench.setting), wanted, lookout)


def test_work_waits_at_its_gate(bench: Bench) -> None:
    result = bench.run(when_ready(bench, View(bench.engine, Patience(p1=2)), "tcp:1"))
    assert result.outcome is Outcome.OK
    assert result.data["done"] is True
    assert result.data["when_ready"]["tcp:1"]["attempts"] == 3


def test_no_work_is_done_behind_a_gate_that_stays_shut(bench: Bench) -> None:
    view = View(bench.engine, Patience(p1=10**9))
    result = bench.run(when_ready(bench, view, "tcp:1", 0.05))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.phase == "wait"
    assert "done" not in result.data
