from __future__ import annotations

import re
from dataclasses import replace

from event_runs import NASTY, result, started, summary, work
from hypothesis import given
from hypothesis import strategies as st

from opsrun.events import ErrorInfo, Event, Outcome, Output, Retry, StreamName, Waiting
from opsrun.sinks.base import BytesWriter, OutputOptions
from opsrun.sinks.text import TextSink

REFUSED = ErrorInfo("tcp", "connection refused", "is sshd running?")


def shown(*events: Event, **options: object) -> tuple[list[str], list[str]]:
    out, err = BytesWriter(), BytesWriter()
    sink = TextSink(out, err, OutputOptions(**options))  # type: ignore[arg-type]
    for seq, event in enumerate(events, 1):
        sink.handle(seq, event)
    sink.close()
    return out.text().splitlines(), err.text().splitlines()


def output(host: str, data: bytes, stream: StreamName = "stdout") -> Output:
    return Output(host, work(host), stream, data)


def test_each_stream_goes_to_its_own_behind_an_aligned_name() -> None:
    out, err = shown(
        started("web1", "database1"),
        output("web1", b"one\ntwo\n"),
        output("database1", b"oops\n", "stderr"),
    )
    assert out == ["web1      | one", "web1      | two"]
    assert err == ["database1 ! oops"]


def test_a_name_too_long_to_align_to_is_shown_whole_and_moves_no_other() -> None:
    long = "h" * 60
    out, _ = shown(started("web1", long), output("web1", b"a\n"), output(long, b"b\n"))
    assert out == ["web1 | a", f"{long} | b"]


def test_a_wide_name_takes_its_columns() -> None:
    out, _ = shown(started("日本", "abcdef"), output("日本", b"x\n"), output("abcdef", b"y\n"))
    assert out == ["日本   | x", "abcdef | y"]


def test_lines_of_hosts_never_mix() -> None:
    out, _ = shown(
        started("a", "b"),
        output("a", b"first "),
        output("b", b"other\n"),
        output("a", b"half\nrest"),
        result("a", stdout=b"first half\nrest"),
        result("b", stdout=b"other\n"),
    )
    assert out == ["b | other", "a | first half", "a | rest"]


def test_output_that_never_came_as_events_is_taken_from_the_result() -> None:
    out, err = shown(started("a", "b"), result("a", stdout=b"x\n", stderr=b"y"))
    assert (out, err) == (["a | x"], ["a ! y"])


def test_what_was_streamed_is_not_shown_again_by_the_result() -> None:
    out, _ = shown(started("a", "b"), output("a", b"x\n"), result("a", stdout=b"x\n"))
    assert out == ["a | x"]


def test_a_character_cut_between_two_events_is_whole() -> None:
    data = "日本é\n".encode()
    events = [output("a", data[i : i + 1]) for i in range(len(data))]
    assert shown(started("a"), *events)[0] == ["a | 日本é"]


@given(st.lists(st.sampled_from([*NASTY, b"a", b"\n", b"\r", b"b\n", b"\xc3"]), max_size=10))
def test_it_does_not_matter_how_the_bytes_were_cut(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    whole = shown(started("a"), output("a", data), color=True)
    parts = shown(started("a"), *(output("a", chunk) for chunk in chunks), color=True)
    single = (output("a", data[i : i + 1]) for i in range(len(data)))
    assert whole == parts == shown(started("a"), *single, color=True)


def test_a_line_past_the_limit_goes_on_under_another_mark() -> None:
    out, _ = shown(started("a"), output("a", b"x" * 70000))
    assert [line[:5] for line in out] == ["a | x", "a + x"]
    assert sum(line.count("x") for line in out) == 70000


def test_failures_are_said_at_once_and_collected_at_the_end() -> None:
    results = [
        result("web1", Outcome.FAILED, rc=2, stderr=b"no web1 here\n"),
        result("db1", Outcome.UNREACHABLE, error=REFUSED),
        result("web2", Outcome.FAILED, rc=2, stderr=b"no web2 here\n"),
        result("web3"),
    ]
    _, err = shown(started("web1", "web2", "web3", "db1"), *results, summary(results))
    assert err == [
        "web1 ! no web1 here",
        "web1 x failed: exit status 2",
        "db1  x unreachable: tcp: connection refused",
        "web2 ! no web2 here",
        "web2 x failed: exit status 2",
        "failed web[1-2] (2): exit status 2",
        "    ! no <host> here",
        "unreachable db1: tcp: connection refused",
        "    -> is sshd running?",
        "ok 1 · failed 2 · unreachable 1 · 2.3 s",
    ]


def test_a_single_host_fails_once() -> None:
    failed = result("a", Outcome.FAILED, signal="KILL")
    _, err = shown(started("a"), failed, summary([failed]))
    assert err == ["failed a: killed by SIGKILL", "failed 1 · 2.3 s"]


def test_quiet_shows_output_and_failures_only() -> None:
    results = [result("a", stdout=b"x\n"), result("b", Outcome.FAILED, rc=1)]
    waits = Waiting("b", "ssh", 1, 5, 60)
    retry = Retry("b", 1, 1.0, REFUSED)
    out, err = shown(started("a", "b"), waits, retry, *results, summary(results), verbosity=-1)
    assert out == ["a | x"]
    assert err == ["failed b: exit status 1"]


def test_verbose_says_what_ended_well() -> None:
    done = result("a", Outcome.CHANGED, duration=0.25)
    _, err = shown(started("a", "b"), done, verbosity=1)
    assert err == ["run r1: exec df -h: a,b (2)", "a . changed, 0.2 s"]


def test_values_of_a_result_are_shown() -> None:
    ping = replace(started("a"), action="ping")
    values = result("a", data={"rtt": 0.00123456, "user": "x\ny"})
    assert shown(ping, values)[0] == ["a | rtt=0.001235 user=x\\ny"]
    assert shown(started("a"), values)[0] == []


def test_colour_marks_the_name_and_nothing_of_the_text() -> None:
    out, _ = shown(started("a"), output("a", b"\x1b[31mred\n"), color=True)
    assert re.fullmatch(r"\x1b\[\d+ma\x1b\[0m \x1b\[2m\|\x1b\[0m \^\[\[31mred", out[0])


def test_each_host_has_the_same_colour_in_every_run() -> None:
    first, _ = shown(started("a", "b"), output("a", b"x\n"), color=True)
    again, _ = shown(started("b", "a"), output("a", b"x\n"), color=True)
    assert first == again


def test_interrupted_names_whoever_was_not_finished() -> None:
    results = [
        result("web03", Outcome.CANCELLED, started=3.0, data={"may_still_run": True}),
        *(result(f"web0{i}", Outcome.CANCELLED, started=float(i == 4)) for i in range(4, 8)),
        result("web01"),
    ]
    hosts = started(*(f"web0{i}" for i in range(1, 8)))
    _, err = shown(hosts, *results, summary(results, interrupted=True), verbosity=-1)
    assert err == ["interrupted; not finished: web[03-07] (perhaps still running: web03)"]


def test_a_stream_that_breaks_off_still_shows_what_there_was() -> None:
    out, err = shown(started("a", "b"), output("a", b"half"), result("b", Outcome.LOST))
    assert out == ["a | half"]
    assert err[-1] == "lost b"


def test_waiting_hosts_share_a_line() -> None:
    _, err = shown(
        started("db01", "db02"),
        Waiting("db01", "tcp:5432", 7, 12.2, 60, "connection refused"),
        Waiting("db02", "tcp:5432", 6, 11.9, 60, "connection refused"),
        Waiting("db01", "tcp:5432", 9, 17.0, 60, "timed out"),
        Retry("db01", 1, 1.25, REFUSED),
    )
    assert err == [
        "db[01-02] (2) wait for tcp:5432, attempt 7, 12 s of 60 s, last: connection refused",
        "db01 waits for tcp:5432, attempt 9, 17 s of 60 s, last: timed out",
        "retry: db01: attempt 1: tcp: connection refused; again in 1.2 s",
    ]


def test_a_tick_says_who_waits() -> None:
    err = BytesWriter()
    sink = TextSink(BytesWriter(), err, OutputOptions())
    sink.handle(1, Waiting("db", "ssh", 1, 5, None))
    sink.flush()
    assert err.text() == ""
    sink.tick(1.0)
    assert err.text() == "db waits for ssh, attempt 1, 5 s\n"
