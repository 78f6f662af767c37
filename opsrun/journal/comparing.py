"""What is otherwise in one run than in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.events import Result, TaskResult, TaskStarted
from opsrun.journal.history import History, KnownRun
from opsrun.sinks.difference import differences
from opsrun.sinks.lines import lines_of

NONE = "nothing"
"""Stands for no outcome: a host that did not come so far."""
Change = tuple[str, str]


@dataclass(slots=True)
class Comparison:
    """Two runs, compared host by host."""

    added: list[str]
    """Hosts that only the second one had."""
    gone: list[str]
    outcomes: dict[Change, list[str]] = field(default_factory=dict)
    """Hosts by what they came to in the first run, and in the second."""
    tasks: dict[str, dict[Change, list[str]]] = field(default_factory=dict)
    """The same by task."""
    only: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    """Tasks that one of the runs had alone."""
    outputs: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    """Hosts by task (empty for a command) and by how their output differs, as a unified diff."""

    def __bool__(self) -> bool:
        more = self.outcomes or self.tasks or any(self.only) or self.outputs
        return bool(self.added or self.gone or more)

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        return {
            "added": self.added,
            "gone": self.gone,
            "outcomes": _changes(self.outcomes),
            "tasks": [{"task": n, "outcomes": _changes(found)} for n, found in self.tasks.items()],
            "tasks_gone": self.only[0],
            "tasks_added": self.only[1],
            "outputs": [
                {"task": task or None, "hosts": hosts, "diff": list(diff)}
                for (task, diff), hosts in self.outputs.items()
            ],
        }


def _changes(found: Mapping[Change, list[str]]) -> list[dict[str, Any]]:
    return [{"before": a, "after": b, "hosts": hosts} for (a, b), hosts in found.items()]


@dataclass(slots=True)
class _Ends:
    hosts: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """Outcome and output."""
    tasks: dict[str, dict[str, tuple[str, list[str]]]] = field(default_factory=dict)


def compared(history: History, first: KnownRun, second: KnownRun) -> Comparison:
    """What changed from the first run to the second.

    Raises:
        JournalError: the journal can't be read.
    """
    before, after = _ends(history, first), _ends(history, second)
    found = Comparison(
        [host for host in second.hosts if host not in set(first.hosts)],
        [host for host in first.hosts if host not in set(second.hosts)],
    )
    common = [host for host in first.hosts if host in set(second.hosts)]
    _compare(found, "", found.outcomes, common, before.hosts, after.hosts)
    for name, ends in before.tasks.items():
        if name not in after.tasks:
            found.only[0].append(name)
            continue
        changes: dict[Change, list[str]] = {}
        _compare(found, name, changes, common, ends, after.tasks[name])
        if changes:
            found.tasks[name] = changes
    found.only[1].extend(name for name in after.tasks if name not in before.tasks)
    return found


def _compare(
    found: Comparison,
    task: str,
    changes: dict[Change, list[str]],
    hosts: list[str],
    before: Mapping[str, tuple[str, list[str]]],
    after: Mapping[str, tuple[str, list[str]]],
) -> None:
    for host in hosts:
        (was, old), (is_now, new) = before.get(host, (NONE, [])), after.get(host, (NONE, []))
        if was != is_now:
            changes.setdefault((was, is_now), []).append(host)
        if old != new:
            diff = tuple(differences(old, new))
            found.outputs.setdefault((task, diff), []).append(host)


def _ends(history: History, run: KnownRun) -> _Ends:
    ends = _Ends()
    names: dict[str, str] = {}
    for _, event in history.events(run, ("task", "task_result", "result")):
        if isinstance(event, TaskStarted):
            names[event.task] = event.name
        elif isinstance(event, TaskResult) and event.item is None and event.retries_left is None:
            said = event.result.get("stdout")
            output = str(said).splitlines() if said else []
            of_task = ends.tasks.setdefault(names.get(event.task, event.task), {})
            of_task[event.host] = (str(event.outcome), output)
        elif isinstance(event, Result):
            output = [line.text() for line in lines_of(event.stdout)]
            ends.hosts[event.host] = (str(event.outcome), output)
    return ends
