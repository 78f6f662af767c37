from __future__ import annotations

import pytest
from event_runs import result, summary

from opsrun.events import ErrorInfo, Outcome, Result
from opsrun.sinks.problems import Problems, last_lines, reason, summary_line


def told(*results: Result, interrupted: bool = False, tails: bool = True) -> list[str]:
    problems = Problems(color=False, tails=tails)
    for one in results:
        problems.add(one)
    return list(problems.render(interrupted))


def failed(host: str, stderr: bytes = b"", rc: int = 1) -> Result:
    return result(host, Outcome.FAILED, rc=rc, stderr=stderr)


def unreachable(host: str, message: str, hint: str = "") -> Result:
    return result(host, Outcome.UNREACHABLE, error=ErrorInfo("tcp", message, hint))


def test_nothing_wrong_nothing_said() -> None:
    assert told(*(result("a", outcome) for outcome in Outcome if outcome.is_good)) == []


def test_the_same_reason_stands_once() -> None:
    hosts = [unreachable(f"web0{i}", "refused", "start sshd") for i in (1, 2, 3)]
    assert told(*hosts, unreachable("db", "timed out")) == [
        "unreachable web[01-03] (3): tcp: refused",
        "    -> start sshd",
        "unreachable db: tcp: timed out",
    ]


def test_the_gravest_stand_last_next_to_the_summary() -> None:
    lines = told(result("l", Outcome.LOST), unreachable("u", "x"), failed("f"))
    assert [line.split()[0] for line in lines] == ["failed", "unreachable", "lost"]


def test_a_hosts_own_name_keeps_no_reasons_apart() -> None:
    lines = told(*(unreachable(h, f"no route to {h}", f"ping {h}") for h in ("web1", "web10")))
    assert lines == ["unreachable web[1,10] (2): tcp: no route to <host>", "    -> ping <host>"]


def test_a_single_host_is_quoted_as_it_spoke() -> None:
    assert told(unreachable("a", "no a here")) == ["unreachable a: tcp: no a here"]


def test_different_last_words_are_told_apart() -> None:
    lines = told(failed("a1", b"x\n"), failed("a2", b"x\n"), failed("b", b"1\n2\n3\n4\n"))
    assert lines == [
        "failed a[1-2],b (3): exit status 1",
        "    a[1-2] (2)",
        "    ! x",
        "    b",
        "    ! 2",
        "    ! 3",
        "    ! 4",
    ]


def test_of_many_last_words_a_few_are_told() -> None:
    lines = told(*(failed(f"h{i}x", b"%d\n" % i) for i in range(9)))
    assert lines[-1] == "    … and 6 other endings"
    assert len([line for line in lines if line.startswith("    ! ")]) == 3


def test_last_words_can_not_pretend_to_be_ours() -> None:
    (_, tail) = told(failed("a", b"x\rfailed b: exit status 9\x1b[1A\n"))
    assert tail == "    ! … failed b: exit status 9^[[1A"


def test_a_message_with_line_breaks_stays_one_line() -> None:
    assert told(unreachable("a", "one\ntwo\x1b[2J")) == ["unreachable a: tcp: one\\ntwo^[[2J"]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (failed("a", rc=3), "exit status 3"),
        (result("a", Outcome.FAILED, signal="KILL"), "killed by SIGKILL"),
        (result("a", Outcome.FAILED, rc=1, error=ErrorInfo("run", "late")), "run: late"),
        (result("a", Outcome.LOST), ""),
    ],
)
def test_reason(ended: Result, words: str) -> None:
    assert reason(ended) == words


def test_last_lines_are_bounded() -> None:
    assert last_lines(b"") == ()
    assert last_lines(b"a\n\n  \nb\n\n") == ("a", "b")
    (line,) = last_lines(b"x" * 10_000)
    assert len(line) == 300
    assert last_lines(b"y" * 5000 + b"\nend\n") == ("end",)


def cancelled(host: str, message: str = "", *, ran: bool = False) -> Result:
    error = ErrorInfo("run", message) if message else None
    data = {"may_still_run": True} if ran else {}
    return result(host, Outcome.CANCELLED, error=error, started=1.0, data=data)


def test_stopped_early_gives_the_reason() -> None:
    results = (cancelled("a1", "--fail-fast", ran=True), cancelled("a2", "--fail-fast"))
    assert told(*results) == [
        "stopped early; not finished: a[1-2] (perhaps still running: a1): --fail-fast"
    ]


def test_interrupted() -> None:
    assert told(cancelled("a", "Ctrl-C"), interrupted=True) == ["interrupted; not finished: a"]
    assert told(interrupted=True) == ["interrupted; every host was finished"]


def test_summary_line() -> None:
    results = [result("a"), result("b", Outcome.LOST), result("c", Outcome.CHANGED)]
    assert summary_line(summary(results), False) == "ok 1 · changed 1 · lost 1 · 2.3 s"
    assert summary_line(summary([]), False) == "no hosts · 2.3 s"
    assert summary_line(summary([result("a")]), True) == "\x1b[32mok\x1b[0m 1 · 2.3 s"


def test_addresses_and_keys_keep_no_reasons_of_ours_apart() -> None:
    def refused(host: str, address: str, key: str) -> Result:
        return unreachable(host, f"root@{address}: no", f"{address} port 22 showed SHA256:{key}")

    hosts = ("a1", "10.0.0.1", "A" * 43), ("a2", "10.0.0.2", "B" * 43), ("a3", "fe80::1", "C" * 43)
    assert told(*(refused(*host) for host in hosts)) == [
        "unreachable a[1-3] (3): tcp: root@<address>: no",
        "    -> <address> port 22 showed <fingerprint>",
    ]


def test_times_and_versions_are_no_addresses() -> None:
    lines = told(unreachable("a", "at 10:45, OpenSSH 9.2"), unreachable("b", "at 10:46"))
    assert lines == ["unreachable a: tcp: at 10:45, OpenSSH 9.2", "unreachable b: tcp: at 10:46"]


def test_addresses_in_a_hosts_own_words_stay() -> None:
    lines = told(failed("a", b"no route to 10.0.0.1\n"), failed("b", b"no route to 10.0.0.2\n"))
    assert [line for line in lines if "!" in line] == [
        "    ! no route to 10.0.0.1",
        "    ! no route to 10.0.0.2",
    ]


def test_a_cancelled_host_has_not_failed_in_a_phase() -> None:
    cancelled = result("a", Outcome.CANCELLED, error=ErrorInfo("dns", "enough", "never started"))
    assert reason(cancelled) == "enough"


def timed_out(host: str, left: list[str], silent: float) -> Result:
    fate = f"told to end, this may still be running: {', '.join(left)}" if left else "it was ended"
    message = f"still running after 2 s; {fate} (silent for {silent:.1f} s)"
    data = {"may_still_run": True, "left": left} if left else {}
    error = ErrorInfo("run", message, "raise --command-timeout")
    return result(host, Outcome.FAILED, error=error, data=data)


def test_processes_and_times_keep_no_reasons_of_ours_apart() -> None:
    assert told(*(timed_out(f"a{n}", [], n / 10) for n in range(1, 4))) == [
        "failed a[1-3] (3): run: still running after 2 s; it was ended (silent for <time>)",
        "    -> raise --command-timeout",
    ]
    lines = told(
        *(
            timed_out(f"a{n}", [f"{n} sudo", f"{n + 1} x (silent for 3 s)"], 2.0)
            for n in range(1, 6)
        )
    )
    assert lines == [
        "failed a[1-5] (5): run: still running after 2 s; told to end, this may still be running: "
        "<…> (silent for <time>)",
        "    still there on a1: 1 sudo, 2 x (silent for 3 s)",
        "    still there on a2: 2 sudo, 3 x (silent for 3 s)",
        "    still there on a3: 3 sudo, 4 x (silent for 3 s)",
        "    … and on 2 other hosts",
        "    -> raise --command-timeout",
    ]


def test_of_one_host_processes_are_named_once() -> None:
    (line, _) = told(timed_out("a1", ["7 sleep"], 0.5))
    assert line.endswith("may still be running: 7 sleep (silent for 0.5 s)")


@pytest.mark.parametrize("left", [3, "all", None, {"a": 1}])
def test_what_is_no_list_of_processes_names_none(left: object) -> None:
    ended = result("a1", Outcome.CANCELLED, started=1.0, data={"left": left})
    assert not any("still there" in line for line in told(ended, interrupted=True))


def test_processes_that_an_interrupt_left_are_named() -> None:
    names = [f"{n} s\x1b[2J" for n in range(10)]
    ended = result(
        "a1", Outcome.CANCELLED, started=1.0, data={"may_still_run": True, "left": names}
    )
    head, line = told(ended, interrupted=True)
    assert head == "interrupted; not finished: a1 (perhaps still running: a1)"
    assert line.startswith("    still there on a1: 0 s^[[2J, 1 s^[[2J, ")
    assert line.endswith("7 s^[[2J, +2 more")
