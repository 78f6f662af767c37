from __future__ import annotations

from collections import defaultdict
from typing import Any

from event_runs import result, started, summary
from hypothesis import given
from hypothesis import strategies as st

from opsrun.events import ErrorInfo, Event, Outcome, Result
from opsrun.sinks.base import BytesWriter, OutputOptions
from opsrun.sinks.fold import FoldSink


def folded(*results: Result, **options: object) -> tuple[list[str], list[str]]:
    out, err = BytesWriter(), BytesWriter()
    sink = FoldSink(out, err, OutputOptions(**options))  # type: ignore[arg-type]
    hosts = sorted({r.host for r in results})
    events: list[Event] = [started(*hosts), *results, summary(results)]
    for seq, event in enumerate(events, 1):
        sink.handle(seq, event)
    sink.close()
    return out.text().splitlines(), err.text().splitlines()


def test_equal_outputs_stand_once_the_largest_group_first() -> None:
    alone = result("web00", stdout=b"x\n")
    many = [result(f"web{i:02}", stdout=b"a\nb\n") for i in range(20, 0, -1)]
    out, err = folded(alone, *many)
    assert out == ["web[01-20] (20)", "  a", "  b", "web00", "  x"]
    assert err == ["ok 21 · 2.3 s"]


def test_groups_of_one_size_stand_in_the_order_of_the_hosts() -> None:
    out, _ = folded(result("c", stdout=b"3"), result("a", stdout=b"1"), result("b", stdout=b"2"))
    assert out == ["a", "  1", "b", "  2", "c", "  3"]


def test_whatever_differs_parts_a_group() -> None:
    same: dict[str, Any] = {"stdout": b"x\n"}
    out, _ = folded(
        result("a", **same),
        result("b", Outcome.FAILED, rc=1, **same),
        result("c", Outcome.FAILED, rc=2, **same),
        result("d", Outcome.FAILED, signal="TERM", **same),
        result("e", truncated=True, **same),
        result("f", stdout=b"x"),
        result("g", Outcome.CHANGED, **same),
        result("h", stderr=b"y", **same),
    )
    assert [line for line in out if not line.startswith(" ")] == [
        "a",
        "b · failed · rc=1",
        "c · failed · rc=2",
        "d · failed · SIGTERM",
        "e · truncated",
        "f",
        "g · changed",
        "h",
    ]


def test_standard_error_has_a_heading_of_its_own() -> None:
    out, err = folded(*(result(h, stdout=b"o\n", stderr=b"e\n") for h in ("a1", "a2")))
    assert out == ["a[1-2] (2)", "  o"]
    assert err == ["a[1-2] (2) · stderr", "  e", "ok 2 · 2.3 s"]


def test_silent_hosts_are_listed_once_and_failed_ones_with_their_reason() -> None:
    out, err = folded(
        result("a1"), result("a2"), result("b1", Outcome.FAILED, rc=1), result("c", stdout=b"x")
    )
    assert out == ["c", "  x"]
    assert err == [
        "no output: a[1-2] (2)",
        "failed b1: exit status 1",
        "ok 3 · failed 1 · 2.3 s",
    ]


def test_a_body_can_not_pretend_to_be_a_heading() -> None:
    out, _ = folded(result("a", stdout=b"web[01-99] (99)\n"))
    assert out == ["a", "  web[01-99] (99)"]


def test_a_failure_is_not_told_twice_with_its_last_words() -> None:
    _, err = folded(result("a", Outcome.FAILED, rc=1, stderr=b"why\n"))
    assert err == [
        "a · failed · rc=1 · stderr",
        "  why",
        "failed a: exit status 1",
        "failed 1 · 2.3 s",
    ]


def test_diff_shows_the_others_against_the_majority() -> None:
    most = [result(h, stdout=b"1\n2\n3\n") for h in ("a1", "a2", "a3")]
    out, _ = folded(
        *most,
        result("b", stdout=b"1\n\x1b2\n3\n"),
        result("c", Outcome.FAILED, rc=3, stdout=b"1\n2\n3\n"),
        result("d", stdout=b"1\r\n2\r\n3\r\n"),
        result("e", stdout=b"quite other\n"),
        diff=True,
    )
    assert out == [
        "a[1-3] (3)",
        "  1",
        "  2",
        "  3",
        "b · differs from a[1-3] (3)",
        "  @@ -1,3 +1,3 @@",
        "   1",
        "  -2",
        "  +^[2",
        "   3",
        "c · failed · rc=3 · same as a[1-3] (3)",
        "d · same as a[1-3] (3), but for the ends of lines",
        "e",
        "  quite other",
    ]


def test_lost_hosts_with_output_keep_it() -> None:
    error = ErrorInfo("run", "connection reset")
    out, err = folded(result("a", Outcome.LOST, stdout=b"half", truncated=True, error=error))
    assert out == ["a · lost · truncated", "  half"]
    assert err == ["lost a: run: connection reset", "lost 1 · 2.3 s"]


@given(st.lists(st.sampled_from([b"", b"x\n", b"y\n", b"x"]), max_size=8))
def test_every_host_is_in_exactly_one_place(outputs: list[bytes]) -> None:
    results = [result(f"h{i}x", stdout=data) for i, data in enumerate(outputs)]
    out, err = folded(*results)
    groups: dict[bytes, int] = defaultdict(int)
    for data in outputs:
        groups[data] += 1
    headings = [line for line in out if not line.startswith(" ")]
    assert len(headings) == len([data for data in groups if data])
    silent = [line for line in err if line.startswith("no output: ")]
    assert len(silent) == (b"" in groups)


def test_outputs_are_held_once() -> None:
    sink = FoldSink(BytesWriter(), BytesWriter(), OutputOptions())
    for index in range(50):
        body = b"x" * 1000 + b"\n"
        sink.handle(1, result(f"h{index}", stdout=body, stderr=b"%d" % (index % 2)))
    held = {id(group.first.stdout) for group in sink._groups.values()}
    assert (len(sink._groups), len(held), len(sink._outputs)) == (2, 1, 3)
