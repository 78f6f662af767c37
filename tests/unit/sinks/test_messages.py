from __future__ import annotations

import pytest

from opsrun.events import ErrorInfo, Notice, Retry, Waiting
from opsrun.sinks.messages import Waits, notice_line, retry_line, shows_notice


@pytest.mark.parametrize(
    ("level", "least"), [("error", -1), ("warning", 0), ("info", 1), ("debug", 2)]
)
def test_notices_by_verbosity(level: str, least: int) -> None:
    notice = Notice(level, "x")  # type: ignore[arg-type]
    assert [v for v in range(-1, 4) if shows_notice(notice, v)] == list(range(least, 4))


def test_a_notice_is_harmless_and_its_further_lines_are_indented() -> None:
    notice = Notice("warning", "banner:\n\x1b[2Jhello\nerror: no", "web\x07\n")
    expected = "warning: web^G\\n: banner:\n  ^[[2Jhello\n  error: no"
    assert notice_line(notice, False) == expected
    assert notice_line(Notice("info", "x"), True) == "\x1b[36minfo\x1b[0m: x"


def test_a_retry_tells_why_and_when() -> None:
    retry = Retry("db01", 2, 61.0, ErrorInfo("kex", "reset\nby peer"))
    expected = "retry: db01: attempt 2: kex: reset\\nby peer; again in 1 min 01 s"
    assert retry_line(retry, False) == expected


def wait(host: str, attempt: int, last: str = "refused", gate: str = "ssh") -> Waiting:
    return Waiting(host, gate, attempt, float(attempt), 9, last)


def test_waits_are_joined_until_one_repeats() -> None:
    waits = Waits()
    assert waits.add(wait("a1", 1)) == waits.add(wait("a2", 2)) == []
    assert waits.add(wait("a1", 3)) == [
        "a[1-2] (2) wait for ssh, attempt 2, 2 s of 9 s, last: refused"
    ]
    assert waits.take() == ["a1 waits for ssh, attempt 3, 3 s of 9 s, last: refused"]
    assert waits.take() == []


def test_waits_for_other_gates_or_reasons_stay_apart() -> None:
    waits = Waits()
    for one in (wait("a", 1), wait("a", 1, gate="tcp:1"), wait("b", 1, last="")):
        assert waits.add(one) == []
    assert waits.take() == [
        "a waits for ssh, attempt 1, 1 s of 9 s, last: refused",
        "a waits for tcp:1, attempt 1, 1 s of 9 s, last: refused",
        "b waits for ssh, attempt 1, 1 s of 9 s",
    ]
