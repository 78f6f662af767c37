"""The events of a run of which only a part is to be shown, as if that had been all of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.errors import UsageError, did_you_mean
from opsrun.events import (
    Event,
    PlayStarted,
    Result,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
)
from opsrun.journal.history import History, KnownRun
from opsrun.results import Outcome

_GOOD = "('ok', 'changed', 'skipped')"
_MANY = 400


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be shown; nothing said means all."""

    hosts: Sequence[str] = ()
    """Names; ``*`` and ``?`` stand for what they do in a shell."""
    tasks: Sequence[str] = ()
    """Ids, or what names of tasks have in them in any case."""
    failed: bool = False
    """What did not end well alone."""

    def __bool__(self) -> bool:
        return bool(self.hosts or self.tasks or self.failed)


def events_of(history: History, run: KnownRun, part: Part) -> Iterator[tuple[int, Event]]:
    """The events of that part, numbered as they were; what is left out is not even read.

    Raises:
        UsageError: the run had no such host, or no such task.
        JournalError: the journal can't be read.
    """
    if not part:
        yield from history.events(run)
        return
    hosts = _hosts(run, part.hosts)
    tasks = _tasks(history, run, part.tasks)
    conditions, values = _conditions(part, hosts, tasks)
    where = " AND ".join(conditions)
    text = f"SELECT DISTINCT task FROM events WHERE run = ? AND type = 'task_result' AND {where}"
    shown = {task for (task,) in history.query(text, (run.number, *values))}
    plays = {task.partition("/")[0] for task in shown}
    counts: dict[Outcome, int] = {}
    for seq, event in history.events(run, where=where, values=values):
        if isinstance(event, TaskStarted) and event.task not in shown:
            continue
        if isinstance(event, PlayStarted) and str(event.index) not in plays:
            continue
        counted = TaskResult if part.tasks else Result
        if isinstance(event, counted) and getattr(event, "item", None) is None:
            counts[event.outcome] = counts.get(event.outcome, 0) + 1
        yield seq, _narrowed(event, hosts, counts)


def _narrowed(event: Event, hosts: set[str], counts: dict[Outcome, int]) -> Event:
    """An event that names all hosts, or counts them, for those that are shown."""
    if hosts and isinstance(event, (PlayStarted, RunStarted)):
        return replace(event, hosts=tuple(host for host in event.hosts if host in hosts))
    return replace(event, counts=counts) if isinstance(event, Summary) else event


def matching(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Those that are wanted, in their own order."""
    plain = {name for name in wanted if not set("*?") & set(name)}
    globs = [name.replace("[", "[[]") for name in wanted if name not in plain]
    return [
        name
        for name in names
        if name in plain or any(fnmatch.fnmatchcase(name, each) for each in globs)
    ]


def _hosts(run: KnownRun, wanted: Sequence[str]) -> set[str]:
    found = set(matching(run.hosts, wanted))
    for name in wanted:
        if not matching(found, [name]):
            raise UsageError(f"run {run.id} had no host {name!r}{did_you_mean(name, run.hosts)}")
    return found


def _tasks(history: History, run: KnownRun, wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return []
    names: dict[str, str] = {}
    for _, event in history.events(run, ("task",)):
        if isinstance(event, TaskStarted):
            names[event.task] = event.name
    found: dict[str, None] = {}
    for word in wanted:
        ids = [id for id, name in names.items() if word == id or word.lower() in name.lower()]
        if not ids:
            hint = did_you_mean(word, names.values())
            raise UsageError(f"run {run.id} had no task {word!r}{hint}")
        found.update(dict.fromkeys(ids))
    return list(found)


def _conditions(part: Part, hosts: set[str], tasks: list[str]) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column, names in (("host", sorted(hosts)), ("task", tasks)):
        if names:
            pieces = [names[at : at + _MANY] for at in range(0, len(names), _MANY)]
            parts = [f"{column} IN ({', '.join('?' * len(piece))})" for piece in pieces]
            conditions.append(f"({column} IS NULL OR {' OR '.join(parts)})")
            values += names
    if part.tasks:
        # What is said of hosts as a whole tells nothing of a task.
        conditions.append("type NOT IN ('result', 'start', 'handlers_pending', 'custom_stats')")
    if part.failed:
        conditions.append(f"(outcome IS NULL OR outcome NOT IN {_GOOD})")
    return conditions or ["1"], values


@dataclass(frozen=True, slots=True)
class Open:
    """What is not known of a run that has no end."""

    unknown: dict[str, list[str]]
    """Hosts by the task (its name; empty for a command) that was about to be sent to them, and
    whose outcome was never written down."""
    unfinished: list[str]
    """Further hosts that have no result."""


def open_ends(history: History, run: KnownRun) -> Open:
    """What is not known of a run."""
    unknown = history.unknown(run)
    names: dict[str, str] = {}
    if any(each.task for each in unknown):
        for _, event in history.events(run, ("task",)):
            if isinstance(event, TaskStarted):
                names[event.task] = event.name
    found: dict[str, list[str]] = {}
    for each in unknown:
        found.setdefault(names.get(each.task, each.task), []).append(each.host)
    rows = history.query("SELECT host FROM events WHERE run = ? AND type = 'result'", (run.number,))
    known = {host for (host,) in rows} | {each.host for each in unknown}
    return Open(found, [host for host in run.hosts if host not in known])
