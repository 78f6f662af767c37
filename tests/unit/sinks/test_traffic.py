"""The status line's words about files under way."""

from __future__ import annotations

from opsrun.events import Outcome, Progress, Result, WorkId
from opsrun.sinks.traffic import Traffic
from opsrun.sinks.transfers import body, is_transfer

WORK = WorkId("a", ("put",), "0" * 12)


def progress(host: str, done: int, total: int | None) -> Progress:
    return Progress(host, WORK, done, total)


def test_bytes_rate_and_the_slowest() -> None:
    traffic = Traffic()
    assert not traffic
    traffic.add(progress("web01", 0, 4096))
    traffic.add(progress("web02", 1024, 4096))
    assert traffic
    assert list(traffic.words(10.0)) == ["1.0 KiB of 8.0 KiB", "slowest web01 0 %"]
    traffic.add(progress("web01", 3072, 4096))
    assert list(traffic.words(12.0)) == ["4.0 KiB of 8.0 KiB", "1.5 KiB/s", "slowest web02 25 %"]


def test_a_host_that_ended_early_is_no_longer_waited_for() -> None:
    traffic = Traffic()
    traffic.add(progress("web01", 1024, 4096))
    traffic.add(progress("web02", 4096, 4096))
    traffic.end("web01")
    traffic.end("web02")
    traffic.end("web03")
    assert list(traffic.words(1.0)) == ["5.0 KiB"]


def test_the_rate_is_that_of_the_last_seconds() -> None:
    traffic = Traffic()
    for second in range(20):
        traffic.add(progress("a", 1024 * min(second, 10), None))
        words = list(traffic.words(float(second)))
    assert words == ["10.0 KiB", "0 B/s"]


def result(**data: object) -> Result:
    usual = {"verb": "sent", "files": 0, "bytes": 0, "unchanged": 0}
    return Result("a", WORK, Outcome.OK, data=usual | data)


def test_what_happened_is_said_in_words() -> None:
    assert body(result(unchanged=1), 0) == b"1 file unchanged\n"
    assert body(result(), 0) == b"nothing to do\n"
    sent = result(files=2, bytes=1536, others=1, attributes=2, deleted=3, unchanged=4)
    assert body(sent, 0) == (
        b"2 files sent (1.5 KiB), 1 folder or link made, 2 modes or owners set, 3 deleted, "
        b"4 files unchanged\n"
    )


def test_a_plan_and_a_verbose_run_name_every_change() -> None:
    plan = result(files=1, bytes=5, changes=["+ a\x1b[2J"], changes_omitted=7, dry_run=True)
    assert body(plan, 0) == b"+ a^[[2J\n\xe2\x80\xa6 and 7 more\n1 file would be sent (5 B)\n"
    assert body(result(files=1, bytes=5, changes=["+ a"]), 1) == b"+ a\n1 file sent (5 B)\n"


def test_other_results_are_no_transfers() -> None:
    assert is_transfer(result())
    assert not is_transfer(Result("a", WORK, Outcome.OK, data={"login": 1.0}))
    assert not is_transfer(Result("a", WORK, Outcome.FAILED, data=dict(result().data)))
