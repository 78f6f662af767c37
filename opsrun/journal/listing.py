"""Runs as they stand in a list: read without what a list doesn't show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from opsrun.errors import UsageError
from opsrun.journal.about import is_alive
from opsrun.journal.history import History, State
from opsrun.results import Outcome

Ending = Literal["ok", "failed", "interrupted", "running", "cut off"]
"""How a run stands: ``failed`` is one with another exit status than 0."""
ENDINGS: tuple[Ending, ...] = ("ok", "failed", "interrupted", "running", "cut off")
_COLUMNS = (
    "number, id, action, command, json_array_length(hosts), json_extract(hosts, '$[0]'), started, "
    "ended, duration, exit_status, interrupted, counts, who, machine, cwd, argv, process, parent"
)
_MANY = 400
"""So many hosts are asked for in one question; SQLite takes no more than 999 values."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in a list."""

    number: int
    id: str
    action: str
    """Of the command line where one command is made of another's means: ``exec -m``, ``facts``."""
    command: str
    host_count: int
    first_host: str
    """Empty where there was none."""
    started: float
    """Seconds since the epoch."""
    duration: float | None
    """Seconds; None for a run whose end was never written down."""
    exit_status: int | None
    interrupted: bool
    counts: Mapping[Outcome, int]
    who: str
    machine: str
    cwd: str
    argv: tuple[str, ...]
    parent: str
    state: State

    @property
    def ending(self) -> Ending:
        """In one word."""
        if self.state != "ended":
            return self.state
        if self.interrupted:
            return "interrupted"
        return "failed" if self.exit_status else "ok"

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        from opsrun.views.fields import timestamp

        return {
            "run": self.id,
            "started": timestamp(self.started),
            "who": self.who,
            "machine": self.machine,
            "cwd": self.cwd,
            "action": self.action,
            "command": self.command,
            "argv": list(self.argv),
            "hosts": self.host_count,
            "counts": {str(outcome): count for outcome, count in self.counts.items()},
            "state": self.state,
            "interrupted": self.interrupted,
            "exit_status": self.exit_status,
            "duration": None if self.duration is None else round(self.duration, 6),
            "parent": self.parent or None,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are listed; nothing said means all of them."""

    since: float | None = None
    """Seconds since the epoch, as in all that follows."""
    until: float | None = None
    actions: Sequence[str] = ()
    who: Sequence[str] = ()
    hosts: Sequence[str] = ()
    """Names; ``*`` and ``?`` stand for what they do in a shell. A run that had one of them."""
    endings: Sequence[Ending] = field(default=())
    grep: str = ""
    """A regular expression, found in the command or the command line; case doesn't count."""
    most: int = -1
    """So many, the newest; -1 for all."""


def listed(history: History, wanted: Wanted) -> list[ListedRun]:
    """The runs that are wanted, the oldest first.

    Raises:
        UsageError: ``grep`` is no regular expression.
        JournalError: the journal can't be read.
    """
    try:
        found = re.compile(wanted.grep, re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"no regular expression: {wanted.grep!r}: {error}") from error
    where, values = _conditions(wanted)
    text = f"SELECT {_COLUMNS} FROM runs {where} ORDER BY number DESC"
    runs: list[ListedRun] = []
    for row in history.query(text, values):
        if len(runs) == wanted.most:
            break
        with history.reading():
            # Before anything else is made of the row: few of many may be wanted.
            if wanted.grep and not (found.search(row[3]) or found.search(_joined(row[15]))):
                continue
            run = _listed(row)
        if not wanted.endings or run.ending in wanted.endings:
            runs.append(run)
    return runs[::-1]


def action_of(action: str, argv: Sequence[str]) -> str:
    """What the operator called it: ``exec -m`` and ``facts`` are plays of one task."""
    return argv[0] if action == "playbook" and argv and argv[0] in ("exec", "facts") else action


def _joined(argv: str) -> str:
    return " ".join(json.loads(argv))


def _conditions(wanted: Wanted) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []

    def add(condition: str, *more: Any) -> None:
        parts.append(condition)
        values.extend(more)

    if wanted.since is not None:
        add("started >= ?", wanted.since)
    if wanted.until is not None:
        add("started < ?", wanted.until)
    if wanted.actions:
        name = (
            "CASE WHEN action = 'playbook' AND json_extract(argv, '$[0]') IN ('exec', 'facts') "
            "THEN json_extract(argv, '$[0]') ELSE action END"
        )
        add(f"{name} IN ({_marks(wanted.actions)})", *wanted.actions)
    if wanted.who:
        add(f"who IN ({_marks(wanted.who)})", *wanted.who)
    if wanted.hosts:
        condition, more = _of_hosts(wanted.hosts)
        add(f"EXISTS (SELECT 1 FROM json_each(runs.hosts) WHERE {condition})", *more)
    if wanted.endings and not {"running", "cut off"} & set(wanted.endings):
        add("ended IS NOT NULL")
    return f"WHERE {' AND '.join(parts)}" if parts else "", values


def _of_hosts(names: Sequence[str]) -> tuple[str, list[str]]:
    plain = [name for name in names if not set("*?") & set(name)]
    globs = [name.replace("[", "[[]") for name in names if set("*?") & set(name)]
    parts = [
        f"value IN ({_marks(plain[at : at + _MANY])})" for at in range(0, len(plain), _MANY)
    ] + ["value GLOB ?"] * len(globs)
    return " OR ".join(parts), [*plain, *globs]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _listed(row: Sequence[Any]) -> ListedRun:
    (number, id, action, command, count, first, started, ended, duration) = row[:9]
    (status, interrupted, counts, who, machine, cwd, argv, process, parent) = row[9:]
    words = tuple(json.loads(argv))
    state: State = "ended"
    if ended is None:
        state = "running" if is_alive(process, machine) else "cut off"
    return ListedRun(
        number,
        id,
        action_of(action, words),
        command,
        count,
        first or "",
        started,
        duration,
        status,
        bool(interrupted),
        {Outcome(name): number for name, number in json.loads(counts or "{}").items()},
        who,
        machine,
        cwd,
        words,
        parent or "",
        state,
    )
