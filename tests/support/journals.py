"""Journals for tests, written as runs write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsrun.engine.threads import ThreadEngine
from opsrun.events import Event, Outcome, Result, RunStarted, Summary, WorkId
from opsrun.journal.about import About
from opsrun.journal.recorder import Recorder


def keep(
    path: Path,
    events: Sequence[Event],
    about: About | None = None,
    intents: Sequence[WorkId] = (),
) -> None:
    """Write a run down: its first event is its beginning, and its last one may be its end.

    Args:
        path: of the journal.
        events: all of them.
        about: see `About`.
        intents: what is about to be sent before any host's end; None was told of those without.
    """
    engine = ThreadEngine()
    recorder = Recorder(path, about, known=lambda: ())
    first = events[0]
    assert isinstance(first, RunStarted)
    recorder.begin(engine, first)
    for work in intents:
        recorder.intent(work)
    for seq, event in enumerate(events, 1):
        recorder.record(seq, event)
    recorder.commit()
    recorder.close()
    engine.close(5)


def command(
    run: str,
    outputs: dict[str, tuple[Outcome, bytes]],
    hosts: Sequence[str] = (),
    *,
    words: str = "uptime",
    started: float = 1700000000.0,
    ends: bool = True,
) -> list[Event]:
    """The events of a command's run.

    Args:
        run: its id.
        outputs: of the hosts that ended.
        hosts: all of them, where there are more.
        words: the command.
        started: seconds since the epoch.
        ends: whether it came to its end.
    """
    events: list[Event] = [
        RunStarted(run, "exec", words, tuple(hosts or outputs), started),
    ]
    for host, (outcome, stdout) in outputs.items():
        rc = None if outcome in (Outcome.UNREACHABLE, Outcome.LOST) else int(not outcome.is_good)
        work = work_of(host)
        events.append(
            Result(host, work, outcome, rc=rc, stdout=stdout, started=started, duration=1.0)
        )
    if ends:
        found = [outcome for outcome, _ in outputs.values()]
        counts = {outcome: found.count(outcome) for outcome in Outcome if outcome in found}
        status = int(any(not outcome.is_good for outcome in found))
        events.append(Summary(run, counts, 1.5, exit_status=status))
    return events


def work_of(host: str) -> WorkId:
    """What a command is on a host."""
    return WorkId(host, ("exec",), "a1b2c3d4e5f6")
