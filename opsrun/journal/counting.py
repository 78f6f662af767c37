"""How long tasks and hosts took over many runs, and how often they failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.journal.history import History

_BAD = "outcome IN ('failed', 'unreachable', 'lost')"
_MANY = 400


@dataclass(slots=True)
class Count:
    """What a host, a task or a command came to."""

    name: str
    times: int = 0
    """How many results there are."""
    bad: int = 0
    """Of them failed, unreachable or lost."""
    seconds: float = 0.0
    """All of them together."""
    longest: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds."""
        return self.seconds / self.times if self.times else 0.0

    def add(self, times: int, bad: int, seconds: float, longest: float) -> None:
        """Count more."""
        self.times += times
        self.bad += bad
        self.seconds += seconds
        self.longest = max(self.longest, longest)

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        rate = self.bad / self.times if self.times else 0.0
        return {
            "name": self.name,
            "results": self.times,
            "bad": self.bad,
            "failure_rate": round(rate, 6),
            "mean": round(self.mean, 6),
            "longest": round(self.longest, 6),
        }


def counts(history: History, numbers: Sequence[int]) -> tuple[list[Count], list[Count]]:
    """Hosts, and tasks or commands, of some runs: the slowest first.

    Args:
        history: has them.
        numbers: of the runs.

    Raises:
        JournalError: the journal can't be read.
    """
    hosts: dict[str, Count] = {}
    tasks: dict[str, Count] = {}
    sums = f"count(*), sum({_BAD}), coalesce(sum(duration), 0), coalesce(max(duration), 0)"
    for at in range(0, len(numbers), _MANY):
        part = numbers[at : at + _MANY]
        runs = f"run IN ({', '.join('?' * len(part))})"
        text = f"SELECT host, {sums} FROM events WHERE {runs} AND type = 'result' GROUP BY host"
        for host, *rest in history.query(text, part):
            hosts.setdefault(host, Count(host)).add(*rest)
        names = {
            (run, task): str(name)
            for run, task, name in history.query(
                f"SELECT run, task, json_extract(body, '$.name') FROM events WHERE {runs} "
                "AND type = 'task'",
                part,
            )
        }
        text = (
            f"SELECT run, task, {sums} FROM events WHERE {runs} AND type = 'task_result' "
            "AND json_extract(body, '$.item') IS NULL GROUP BY run, task"
        )
        for run, task, *rest in history.query(text, part):
            name = names.get((run, task), task)
            tasks.setdefault(name, Count(name)).add(*rest)
        text = (
            f"SELECT r.action || ' ' || r.command, {sums.replace('duration', 'e.duration')} "
            f"FROM events AS e JOIN runs AS r ON r.number = e.run WHERE e.{runs} "
            "AND e.type = 'result' AND r.action != 'playbook' GROUP BY 1"
        )
        for name, *rest in history.query(text, part):
            tasks.setdefault(name, Count(name)).add(*rest)
    return _sorted(hosts), _sorted(tasks)


def _sorted(found: dict[str, Count]) -> list[Count]:
    return sorted(found.values(), key=lambda count: (-count.mean, count.name))
