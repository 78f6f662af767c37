"""A command after which its host goes down: what is waited for, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.bench import LONG, WORK, Bench
from support.engines import until

import opsrun.engine.gates as gates
from opsrun.adhoc.afterwards import ThenWait
from opsrun.adhoc.base import Job
from opsrun.adhoc.checks import parse_all
from opsrun.adhoc.lookout import Lookout, Wanted
from opsrun.adhoc.run import Exec
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    Drop,
    HostKeyError,
)
from opsrun.events import Notice, Outcome, Result, Waiting
from opsrun.remote.boot import ASK
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner
from opsrun.testing import Data, FakeTransport, Hold, Lose, ends

OLD, NEW = (f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "12")
REFUSED = ConnectionFailed("connection refused", host="web01", phase="tcp")
AUTH = AuthenticationFailed("System is going down", host="web01", phase="auth")


class FakeHost:
    """A host that is looked at several times; each look finds what comes next.

    Args:
        command: the steps of the command.
        looks: what the looks after the command find: an error of the login, or what is shown.
        shown: what it shows before the command.
    """

    def __init__(
        self,
        engine: Engine,
        looks: Sequence[Any],
        command: Sequence[Any] = ends(0),
        shown: Any = OLD,
    ) -> None:
        self.engine = engine
        self.first = self._transport({"reboot": command, ASK: self._answer(shown)})
        self._finds = list(looks)
        self.looks: list[FakeTransport] = []
        self.late = 0.0
        """Seconds by which all clocks go on with each look, once there were enough of them."""

    def _transport(self, scripts: Any, login: Sequence[Any] = ()) -> FakeTransport:
        return FakeTransport(self.engine, scripts, host="web01", login=login)

    def _answer(self, shown: Any) -> Sequence[Any]:
        if isinstance(shown, str):
            return Data("stdout", f"{shown}\n".encode()), *ends(0 if shown else 1)
        return shown

    def _look(self, found: Any) -> FakeTransport:
        if isinstance(found, (ConnectionFailed, Hold)):
            return self._transport({}, login=[found])
        return self._transport({ASK: self._answer(found)})

    def afresh(self) -> FakeTransport:
        """A way for the next look; what the last one finds stays."""
        found = self._finds[min(len(self.looks), len(self._finds) - 1)]
        self.looks.append(self._look(found))
        if self.taken > len(self._finds) + 2:
            self.late += 2 * LONG
        return self.looks[-1]

    @property
    def taken(self) -> int:
        """How often it was looked at."""
        return len(self.looks)


class Ports:
    """An `Outlook` of hosts whose ports answer from some attempt on."""

    spare = 0

    def __init__(self, fails: int) -> None:
        self._left = fails

    def probe_tcp(self, host: str, port: int, stop: Stop, /) -> None:
        self._left -= 1
        if self._left >= 0:
            raise ConnectionFailed("connection refused", host=host, phase="tcp")

    def address(self, host: str) -> str:
        raise NotImplementedError

    def dial(self, *args: Any) -> Any:
        raise NotImplementedError

    def jobs_of(self, pattern: str) -> Sequence[Job]:
        raise NotImplementedError


class Rebooting(Bench):
    """Runs ``reboot`` on a `FakeHost`, then waits."""

    def reboot(
        self,
        host: FakeHost,
        conditions: Sequence[str] = ("ssh",),
        timeout: float | None = LONG,
        *,
        fails: int = 0,
        command: Command | None = None,
    ) -> Result:
        now = self.engine.now
        self.engine.now = lambda: now() + host.late  # type: ignore[method-assign]

        execution = Exec(self.setting, command or Command("reboot"))
        wanted = Wanted(parse_all(conditions), timeout)
        lookout = Lookout(self.setting, Ports(fails))
        worker = ThenWait(self.setting, execution, wanted, lookout)
        job = Job(WORK, lambda: host.first, afresh=host.afresh)
        self.places.acquire()
        worker(job, Slot(self.places))
        self.places.release()
        [result] = self.of(Result)
        return result

    @property
    def words(self) -> list[str]:
        """What was told of the host."""
        return [notice.message for notice in self.of(Notice)]


@pytest.fixture
def bench(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Rebooting:
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.0)
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.001)
    return Rebooting(engine)


def test_it_is_back_when_it_shows_another_boot_id(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [OLD, REFUSED, REFUSED, NEW])
    result = bench.reboot(host)
    assert (result.outcome, result.rc, result.error) == (Outcome.OK, 0, None)
    waited = result.data["then_wait"]["ssh"]
    assert waited["before"] == {"boot_id": OLD}
    assert waited["after"] == {"boot_id": NEW}
    assert waited["attempts"] == 4
    assert 0 <= waited["gone_after"] <= waited["seconds"]
    assert host.first.started == [ASK, "reboot"]
    assert bench.words == [f"started anew, and back after {waited['seconds']:.1f} s"]
    assert all(look.closed for look in host.looks)


def test_one_that_is_back_before_anybody_looked_is_back(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [NEW]))
    assert result.outcome is Outcome.OK
    assert "gone_after" not in result.data["then_wait"]["ssh"]


BROKEN = [Data("stdout", b"bye\n"), Lose("connection reset by peer")]


def test_a_broken_connection_is_a_reboots_if_there_was_a_reboot(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [REFUSED, NEW], BROKEN))
    assert (result.outcome, result.rc, result.stdout) == (Outcome.OK, None, b"bye\n")
    assert result.truncated, "what it still had to say is not known"
    assert result.data["ended_by_shutdown"] is True
    assert bench.words[0] == (
        "connection reset by peer, as it does when a host goes down; "
        "waiting for the host to be back"
    )


@pytest.mark.parametrize("end", [(None, "TERM"), (None, "KILL"), (143, None), (129, None)])
def test_so_is_a_command_that_the_shutdown_ended(
    bench: Rebooting, end: tuple[int | None, str | None]
) -> None:
    result = bench.reboot(FakeHost(bench.engine, [REFUSED, NEW], ends(*end)))
    assert (result.outcome, result.rc, result.signal) == (Outcome.OK, None, None)
    assert result.data["ended_by_shutdown"] is True
    assert "the command was ended" in bench.words[0]


def test_a_host_that_was_only_out_of_reach_has_not_rebooted(bench: Rebooting) -> None:
    """What the command did is as unknown as it would be if nobody had waited."""
    host = FakeHost(bench.engine, [REFUSED, OLD], BROKEN)
    result = bench.reboot(host)
    assert (result.outcome, result.stdout) == (Outcome.LOST, b"bye\n")
    assert result.error is not None
    assert result.error.message.startswith("connection reset by peer; then ssh was not ready after")
    assert "still up: it was not started anew since the command" in result.error.message


def test_a_command_that_the_shutdown_of_something_else_ended(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [OLD], ends(None, "TERM")))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "the command was ended (SIGTERM)" in result.error.message


def test_one_that_never_goes_has_failed(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [OLD]))
    assert (result.outcome, result.rc) == (Outcome.FAILED, 0)
    assert result.error is not None
    assert result.error.phase == "wait"


def test_one_that_does_not_come_back_has_failed(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [REFUSED]))
    assert (result.outcome, result.rc) == (Outcome.FAILED, 0)
    assert result.error is not None
    assert result.error.message.endswith("last: connection refused")


@pytest.mark.parametrize("end", [(1, None), (127, None), (None, "SEGV")])
def test_a_command_that_fails_is_not_waited_for(
    bench: Rebooting, end: tuple[int | None, str | None]
) -> None:
    host = FakeHost(bench.engine, [NEW], ends(*end))
    result = bench.reboot(host)
    assert (result.outcome, result.rc, result.signal) == (Outcome.FAILED, *end)
    assert host.taken == 0


# -- hosts that show nothing


@pytest.mark.parametrize("shown", ["", "permission denied"])
def test_without_a_boot_id_it_has_to_be_seen_gone(bench: Rebooting, shown: str) -> None:
    host = FakeHost(bench.engine, ["", "", REFUSED, ""], shown=shown)
    result = bench.reboot(host)
    assert result.outcome is Outcome.OK
    assert host.taken == 4
    assert "before" not in result.data["then_wait"]["ssh"]


BUSY = ConnectionFailed("dropped", host="web01", phase="banner")
BUSY.drop = Drop()


@pytest.mark.parametrize("error", [AUTH, BUSY], ids=["refused", "busy"])
def test_a_server_that_lets_nobody_in_has_not_gone_away(
    bench: Rebooting, error: ConnectionFailed
) -> None:
    result = bench.reboot(FakeHost(bench.engine, [error, error, ""], shown=""))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "has not been seen to go away" in result.error.message


def test_a_login_that_a_shutdown_refuses_is_tried_again(bench: Rebooting) -> None:
    """pam_nologin(8) does, on the way down and on the way up."""
    result = bench.reboot(FakeHost(bench.engine, [AUTH, REFUSED, AUTH, NEW]))
    assert result.outcome is Outcome.OK


def test_one_that_does_not_show_it_yet_is_asked_again(bench: Rebooting) -> None:
    assert bench.reboot(FakeHost(bench.engine, [REFUSED, "", NEW])).outcome is Outcome.OK


def test_an_answer_about_the_boot_id_that_takes_too_long_is_none(
    bench: Rebooting, monkeypatch: pytest.MonkeyPatch
) -> None:
    import opsrun.adhoc.asking as asking

    monkeypatch.setattr(asking, "_BOOT", Command(ASK, timeout=0.01))
    host = FakeHost(bench.engine, [REFUSED, NEW], shown=[Hold(bench.engine)])
    assert bench.reboot(host).outcome is Outcome.OK
    assert host.first.started[-1] == "reboot"


def test_what_takes_raw_words_is_only_logged_in_to(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [REFUSED, "never asked"])
    result = bench.reboot(host, command=Command("reboot", manner=Manner(raw=True)))
    assert result.outcome is Outcome.OK
    assert host.first.started == ["reboot"]
    assert all(look.started == [] for look in host.looks)


def test_nothing_has_gone_out_when_the_connection_breaks_at_the_boot_id(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [NEW], shown=[Lose("reset by peer")])
    result = bench.reboot(host)
    assert (result.outcome, host.first.started) == (Outcome.UNREACHABLE, [ASK])


# -- trust, limits, and the end of a run


@pytest.mark.parametrize(
    ("command", "outcome"), [(ends(0), Outcome.FAILED), (BROKEN, Outcome.LOST)]
)
def test_a_host_that_comes_back_with_another_key_is_not_logged_in_to(
    bench: Rebooting, command: Sequence[Any], outcome: Outcome
) -> None:
    key = HostKeyError("its key has changed", host="web01", phase="hostkey", hint="look")
    host = FakeHost(bench.engine, [REFUSED, key, NEW], command)
    result = bench.reboot(host)
    assert (result.outcome, host.taken) == (outcome, 2)
    assert result.error is not None
    assert result.error.message.endswith(" its key has changed")


def test_a_command_past_its_limit_that_was_ended_is_not_waited_for(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [NEW], [Hold(bench.engine)])
    result = bench.reboot(host, command=Command("reboot", timeout=0.01))
    assert (result.outcome, host.taken) == (Outcome.FAILED, 0)


def test_one_past_its_limit_on_a_host_that_has_gone_is_a_reboots(bench: Rebooting) -> None:
    """Nobody answers any more who could say that it was ended."""
    host = FakeHost(bench.engine, [REFUSED, NEW], [Hold(bench.engine)])
    start = host.first.start

    def one_only(script: str, manner: Any = None) -> Any:
        if host.first.started and script not in (ASK, "reboot"):
            raise ConnectionFailed("no answer", host="web01", phase="open")
        return start(script, manner)

    host.first.start = one_only  # type: ignore[method-assign]
    host.first._ignored = frozenset({"TERM", "KILL"})
    result = bench.reboot(host, command=Command("reboot", timeout=0.01))
    assert result.outcome is Outcome.OK
    assert "may_still_run" not in result.data


def test_cancelled_while_it_waits(bench: Rebooting) -> None:
    hold, done = Hold(bench.engine), []
    host = FakeHost(bench.engine, [hold])
    task = bench.engine.spawn(lambda: done.append(bench.reboot(host, timeout=None)))
    assert hold.reached.wait(LONG)
    bench.stop.cancel("the operator said so")
    assert task.join(LONG)
    assert (done[0].outcome, done[0].rc) == (Outcome.CANCELLED, 0)
    until(bench.engine, lambda: host.looks[0].closed)


def test_cancelled_while_it_waits_behind_a_connection_that_broke(bench: Rebooting) -> None:
    """What the command did is no better known for that."""
    hold, done = Hold(bench.engine), []
    host = FakeHost(bench.engine, [hold], BROKEN)
    task = bench.engine.spawn(lambda: done.append(bench.reboot(host, timeout=None)))
    assert hold.reached.wait(LONG)
    bench.stop.cancel("the operator said so")
    assert task.join(LONG)
    assert done[0].outcome is Outcome.LOST
    assert done[0].error.message == "connection reset by peer; then the operator said so"
    until(bench.engine, lambda: host.looks[0].closed)


def test_while_it_waits_it_holds_no_place_and_says_what_for(
    bench: Rebooting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.001)
    host, done = FakeHost(bench.engine, [REFUSED]), []
    task = bench.engine.spawn(lambda: done.append(bench.reboot(host, timeout=None)))
    until(bench.engine, lambda: bench.of(Waiting))
    bench.places.acquire()
    bench.places.release()
    assert bench.of(Waiting)[-1].gate == "ssh"
    bench.stop.cancel("enough")
    assert task.join(LONG)


# -- other conditions


def test_other_conditions_are_waited_for_in_their_order(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [REFUSED, NEW])
    result = bench.reboot(host, ["ssh", "tcp:5432"], fails=2)
    assert result.outcome is Outcome.OK
    assert list(result.data["then_wait"]) == ["ssh", "tcp:5432"]
    assert result.data["then_wait"]["tcp:5432"]["attempts"] == 3


def test_without_ssh_among_them_nobody_asks_for_a_boot_id(bench: Rebooting) -> None:
    host = FakeHost(bench.engine, [])
    result = bench.reboot(host, ["tcp:5432"])
    assert (result.outcome, host.first.started) == (Outcome.OK, ["reboot"])


def test_without_ssh_among_them_a_broken_connection_is_one(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, [], BROKEN), ["tcp:5432"])
    assert result.outcome is Outcome.LOST
    assert "then_wait" not in result.data


def test_a_condition_that_is_not_met_in_time_fails_its_host(bench: Rebooting) -> None:
    result = bench.reboot(FakeHost(bench.engine, []), ["tcp:5432"], 0.01, fails=10**6)
    assert (result.outcome, result.rc) == (Outcome.FAILED, 0)
    assert result.error is not None
    assert "tcp:5432 was not ready" in result.error.message


def test_one_timeout_is_for_all_conditions(bench: Rebooting) -> None:
    """The clock goes on as the first condition is met, and nothing is left for the second."""
    host = FakeHost(bench.engine, [NEW])

    def emit(event: Any) -> None:
        if isinstance(event, Notice):
            host.late = 2 * LONG
        bench.events.append(event)

    bench.setting = replace(bench.setting, emit=emit)
    result = bench.reboot(host, ["ssh", "tcp:5432"], fails=10**6)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "tcp:5432 was not ready" in result.error.message
