from __future__ import annotations

import pytest
from event_runs import result, started

from opsrun.events import ErrorInfo, Outcome, Result
from opsrun.sinks.base import BytesWriter, OutputOptions
from opsrun.sinks.cells import width
from opsrun.sinks.line import LineSink


def line(ended: Result, *hosts: str, columns: int | None = None) -> str:
    out, err = BytesWriter(), BytesWriter()
    sink = LineSink(out, err, OutputOptions(width=columns))
    sink.handle(1, started(*(hosts or (ended.host,))))
    sink.handle(2, ended)
    sink.flush()
    assert err.text() == ""
    assert out.text().count("\n") == 1
    return out.text().removesuffix("\n")


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (result("a", stdout=b"one\n"), "a | ok          | rc=0   | one"),
        (result("a", stdout=b"one\ntwo"), "a | ok          | rc=0   | one (+1 line)"),
        (result("a", stdout=b"\n\n one\n2\n"), "a | ok          | rc=0   | one (+3 lines)"),
        (result("a"), "a | ok          | rc=0"),
        (result("a", stderr=b"1\n2\n"), "a | ok          | rc=0   | stderr: 2"),
        (result("a", data={"rtt": 0.5}), "a | ok          | rc=0   | rtt=0.5"),
        (result("a", Outcome.FAILED, rc=255), "a | failed      | rc=255"),
        (
            result("a", Outcome.FAILED, signal="KILL", stdout=b"x", truncated=True),
            "a | failed      | SIGKILL | x (truncated)",
        ),
        (
            result("a", Outcome.UNREACHABLE, error=ErrorInfo("dns", "no such name")),
            "a | unreachable | -      | dns: no such name",
        ),
        (result("a", stdout=b"x\x1b[1A\n"), "a | ok          | rc=0   | x^[[1A"),
    ],
)
def test_a_host_on_a_line(ended: Result, expected: str) -> None:
    assert line(ended) == expected


def test_names_are_aligned() -> None:
    assert line(result("a"), "a", "longer").startswith("a      | ok ")


@pytest.mark.parametrize("text", ["x" * 500, "日" * 500])
def test_a_line_fits_the_terminal(text: str) -> None:
    shown = line(result("a", stdout=f"{text}\nmore\n".encode()), columns=80)
    assert width(shown) in (79, 80)
    assert shown.endswith("… (+1 line)")


def test_a_narrow_terminal_still_shows_something() -> None:
    assert "xxxx…" in line(result("a", stdout=b"x" * 500), columns=10)
