"""Handlers that were notified and did not run: kept for a later run with ``--resume``.

What is kept names plays, hosts and handlers as the files spell them, and no value of any variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opsrun.errors import UsageError
from opsrun.playbook.messages import PlayEnded
from opsrun.playbook.model.nodes import Node, Play, Task

Due = dict[str, dict[str, str]]
"""By host: ids of handlers, and their names as written (ids, where they have none)."""


@dataclass(frozen=True, slots=True)
class PendingPlay:
    """What is left of one play."""

    index: int
    name: str
    due: Due


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """What a run left, and when it ended."""

    when: str
    """Date and time, as ISO 8601 has it."""
    plays: tuple[PendingPlay, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """All that have something pending, each once."""
        return tuple(dict.fromkeys(host for play in self.plays for host in play.due))


class PendingStore(Protocol):
    """Keeps the record of one run: of these playbooks, on this inventory."""

    def load(self) -> PendingRecord | None:
        """The record; None if there is none. UsageError if it can't be read."""

    def save(self, plays: Sequence[PendingPlay]) -> None:
        """Replace it; nothing pending is no record. OSError."""


@dataclass(slots=True)
class PendingHandlers:
    """What is pending while a run goes on.

    Args:
        plays: of the run.
        before: what an earlier run left.
        resume: whether that is to be carried out now.
    """

    plays: Sequence[Play]
    before: PendingRecord | None = None
    resume: bool = False
    _due: dict[int, Due] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for play in self.before.plays if self.before is not None else ():
            self._due[play.index] = {host: dict(due) for host, due in play.due.items()}
            self._names[play.index] = play.name
        if self.resume:
            self._match()

    def _match(self) -> None:
        by_index = {play.index: play for play in self.plays}
        for index, due in self._due.items():
            play, name = by_index.get(index), self._names[index]
            if play is None or play_name(play) != name:
                found = "there is no such play" if play is None else f"it is {play_name(play)!r}"
                raise UsageError(_changed(f"play {index + 1} was {name!r}, and now {found}"))
            known = {task.id: handler_name(task) for task in _tasks(play.handlers)}
            wanted = {task: each[task] for each in due.values() for task in each}
            for task, handler in wanted.items():
                # What an include brought is known once it has been included again.
                if "+" not in task and known.get(task) != handler:
                    now = f"its place has {known[task]!r}" if task in known else "it is gone"
                    raise UsageError(_changed(f"play {name!r} had the handler {handler!r}: {now}"))

    def due(self, play: int) -> Mapping[str, frozenset[str]]:
        """Handlers that count as notified when a play begins, by host: ids."""
        if not self.resume:
            return {}
        return {host: frozenset(due) for host, due in self._due.get(play, {}).items()}

    def ran(self, host: str, task: str) -> None:
        """A task has ended on a host: if it was pending there, it is no more."""
        for due in self._due.values():
            due.get(host, {}).pop(task, None)

    def left(self, play: Play, ended: PlayEnded, hosts: Sequence[str]) -> None:
        """A batch of a play has ended, and ``hosts`` were its hosts."""
        self._names[play.index] = play_name(play)
        due = self._due.setdefault(play.index, {})
        for host in hosts:
            old, new = due.get(host, {}), ended.due.get(host, {})
            named = {task: name or old.get(task, task) for task, name in new.items()}
            # Without a resume nobody has told the scheduler of what is older.
            due[host] = named if self.resume else {**old, **named}

    def now(self) -> tuple[PendingPlay, ...]:
        """What is pending, plays in order."""
        found = []
        for index in sorted(self._due):
            due = {host: handlers for host, handlers in self._due[index].items() if handlers}
            if due:
                found.append(PendingPlay(index, self._names[index], due))
        return tuple(found)


def play_name(play: Play) -> str:
    """As written: its name, or its hosts."""
    hosts = play.hosts
    shown = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
    return str(play.name or shown)


def handler_name(task: Task) -> str:
    """As written; its id, where it has none."""
    return str(task.name) or task.id


def _tasks(nodes: Sequence[Node]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Task):
            yield node
        else:
            yield from node.every_task()


def _changed(what: str) -> str:
    return (
        f"--resume: the playbook has changed since handlers were left pending: {what}. "
        "Nothing was done; run it without --resume, or the handlers' work by hand"
    )
