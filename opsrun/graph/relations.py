"""Lines between the parts of plays: who notifies whom, who waits for whom, what comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opsrun.dialect.tags import Template
from opsrun.graph.model import Edge, Item
from opsrun.graph.wording import awaited, shortened
from opsrun.playbook.gating.lineup import Lineup
from opsrun.playbook.model.gates import Await, is_gate
from opsrun.playbook.model.nodes import Play, Task

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)


@dataclass(slots=True)
class _Handlers:
    """Which handlers a play has, by all that they can be called."""

    called: dict[str, list[str]] = field(default_factory=dict)

    def add(self, task: Task) -> None:
        names = {str(task.name), *map(str, task.listen)}
        if task.role is not None:
            names.add(f"{task.role.name} : {task.name}")
        for name in names - {""}:
            self.called.setdefault(name, []).append(task.id)


class Relations:
    """Gathers what tasks and plays say of others while trees are built.

    Args:
        plays: all of them.

    Raises:
        PlaybookError: plays follow each other in a circle, or one that there is not.
    """

    def __init__(self, plays: Sequence[Play]) -> None:
        self._edges: list[Edge] = _order(plays)
        self._tasks: list[Task] = []
        self._opened: list[tuple[str, str]] = []
        self._awaited: list[tuple[str, str]] = []
        for play in plays:
            self._await(str(play.index), play.gates)

    def of_task(self, task: Task) -> None:
        """A task that has been drawn."""
        self._tasks.append(task)
        self._opened += [(str(name), task.id) for name in task.opens]
        self._await(task.id, task.awaits)

    def notes(self, task: Task) -> tuple[str, ...]:
        """What is to be said at a task, since no line may say it."""
        opens = [f"opens {shortened(name)}" for name in task.opens]
        awaits = [f"awaits {awaited(each)}" for each in task.awaits]
        notify = [f"notifies {shortened(name)}" for name in task.notify if _is_open(name)]
        return (*awaits, *opens, *notify)

    def of_play(self, items: Iterable[Item], handlers: Sequence[Item]) -> None:
        """A play whose items are all drawn: who notifies whom is known now."""
        drawn = {each.id for item in (*items, *handlers) for each in item.walk()}
        own = {each.id for item in handlers for each in item.walk()}
        known = _Handlers()
        for task in self._tasks:
            if task.id in own:
                known.add(task)
        for task in self._tasks:
            self._edges += _notified(task, known, drawn)
        self._tasks.clear()

    def edges(self) -> tuple[Edge, ...]:
        """All of them, each once."""
        gates = [
            Edge(source, target, "gate", shortened(name))
            for wanted, target in self._awaited
            for name, source in self._opened
            if _meet(name, wanted)
        ]
        return tuple(dict.fromkeys((*self._edges, *gates)))

    def _await(self, who: str, entries: Iterable[Await]) -> None:
        for entry in entries:
            if entry.kind != "check":
                self._awaited += [
                    (str(name), who) for name in entry.what if _is_open(name) or is_gate(name)
                ]


def _is_open(text: object) -> bool:
    return isinstance(text, Template)


def _notified(task: Task, known: _Handlers, drawn: set[str]) -> Iterable[Edge]:
    for name in task.notify:
        for handler in known.called.get(str(name), ()):
            if handler in drawn and handler != task.id:
                yield Edge(task.id, handler, "notify")


def _meet(opened: str, wanted: str) -> bool:
    """Whether two names of gates may be the same once their templates are rendered."""
    return opened == wanted or bool(
        _pattern(opened).fullmatch(_JINJA.sub("x", wanted))
        or _pattern(wanted).fullmatch(_JINJA.sub("x", opened))
    )


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in _JINJA.split(name)), re.S)


def _order(plays: Sequence[Play]) -> list[Edge]:
    """Which play follows which, without what follows from the rest."""
    before = Lineup(plays).before
    found: list[Edge] = []
    for play in plays:
        own = before[play.index]
        behind = set().union(*(before[index] for index in own)) if own else set()
        found += [Edge(str(index), str(play.index), "order") for index in sorted(own - behind)]
    return found
