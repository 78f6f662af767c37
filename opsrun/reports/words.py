"""What a report says of a run in sentences, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from opsrun.reports.model import Host, RunReport, Status, Task
from opsrun.sinks.names import label

Tone = Literal["good", "bad", "open"]


def tone(report: RunReport) -> Tone:
    """Whether it went well; ``open`` while it goes on."""
    if report.about.state == "running":
        return "open"
    return "good" if report.went_well else "bad"


def verdict(report: RunReport) -> str:
    """What it came to, in one sentence."""
    about, bad = report.about, len(report.bad)
    total = sum(host.status is not Status.NOT_BEGUN for host in report.hosts)
    of_hosts = f"{bad:,} of {many(total, 'host')}"
    if about.state == "running":
        return f"Still running when this was written: {_so_far(report)}"
    if about.state == "cut off":
        unknown = f"; {_unknown(report)}" if report.open else ""
        return f"Cut off: {_so_far(report)}{unknown}"
    if about.interrupted:
        return f"Interrupted: {of_hosts} did not end well" if bad else "Interrupted"
    if bad:
        return f"{of_hosts} did not end well"
    if not report.went_well:
        return f"Ended with exit status {about.exit_status}, though every host ended well"
    if not total:
        return "Ended well, on no host"
    return "The host ended well" if total == 1 else f"All {total:,} hosts ended well"


def _so_far(report: RunReport) -> str:
    going = (Status.UNKNOWN, Status.UNFINISHED, Status.UNDER_WAY, Status.NOT_BEGUN)
    done = sum(host.status not in going for host in report.hosts)
    return f"{done:,} of {many(len(report.hosts), 'host')} had ended"


def _unknown(report: RunReport) -> str:
    count = len(report.open)
    return "1 outcome is not known" if count == 1 else f"{count:,} outcomes are not known"


def open_heading(report: RunReport) -> tuple[str, str]:
    """What is told of what was sent and has no end: a heading, and a sentence below it."""
    if report.about.state == "running":
        return "Under way", "This was sent, or about to be, when the report was written."
    return "Not known", (
        "This was sent, or about to be, and how it ended was never written down. It may have been "
        "done, in part or not at all: look there before it is repeated."
    )


def facts(report: RunReport) -> Iterator[tuple[str, str]]:
    """Of the run: name and value."""
    about = report.about
    yield "Run", about.id
    yield "Began", moment(about.started)
    if about.duration is not None:
        yield "Took", duration(about.duration)
    elif about.state == "running":
        yield "So far", duration(max(0.0, about.written - about.started))
    yield "State", _state(report)
    yield "By", f"{about.who} on {about.machine}"
    yield "In", about.cwd
    if about.parent:
        yield "Repeats", about.parent
    yield "opsrun", about.version


def _state(report: RunReport) -> str:
    about = report.about
    if about.state == "ended":
        return f"ended with exit status {about.exit_status}"
    return "cut off: its end was never written down" if about.state == "cut off" else "running"


def moment(seconds: float) -> str:
    """In UTC, for people: ``2026-01-31 12:00:00 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """As an operator says it.

    >>> duration(0.0421), duration(2.34), duration(83), duration(3720)
    ('42 ms', '2.3 s', '1 min 23 s', '1 h 02 min')
    """
    from opsrun.sinks.style import duration

    return f"{seconds * 1000:.0f} ms" if seconds < 0.0995 else duration(seconds)


def many(count: int, noun: str) -> str:
    """A number with its noun.

    >>> many(1, "host"), many(1200, "host")
    ('1 host', '1,200 hosts')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted(counts: Mapping[Status, int]) -> str:
    """``failed 1 · ok 3``."""
    return " · ".join(f"{status} {count:,}" for status, count in counts.items())


@lru_cache(maxsize=4096)
def names(hosts: tuple[str, ...]) -> str:
    """Many hosts in few words: ``web[01-20] (20)``."""
    return label(hosts)


def slowest(report: RunReport, most: int) -> list[Task]:
    """Tasks that held a host longest, those first."""
    found = [task for task in report.tasks if task.longest > 0]
    return sorted(found, key=lambda task: -task.longest)[:most]


def slowest_hosts(report: RunReport, most: int) -> Sequence[Host]:
    """Hosts that were at work longest, those first."""
    found = [host for host in report.hosts if host.duration > 0]
    return sorted(found, key=lambda host: -host.duration)[:most]
