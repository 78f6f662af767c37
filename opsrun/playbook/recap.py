"""What a run came to, host by host: the counts that Ansible's recap has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsrun.playbook.messages import TaskEnded
from opsrun.results import Outcome


@dataclass(slots=True)
class Tally:
    """One host's counts; of tasks, and a loop is one."""

    ok: int = 0
    """Ended well, changed or not."""
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    lost: int = 0
    """Those of ``unreachable`` whose connection broke under way: what they did is not known."""
    cancelled: int = 0

    def to_dict(self) -> dict[str, Any]:
        """By name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def outcome(self) -> Outcome:
        """The host's, over all its tasks."""
        if self.lost:
            return Outcome.LOST
        if self.unreachable:
            return Outcome.UNREACHABLE
        if self.failed:
            return Outcome.FAILED
        if self.cancelled:
            return Outcome.CANCELLED
        if self.changed:
            return Outcome.CHANGED
        return Outcome.OK if self.ok or not self.skipped else Outcome.SKIPPED


class Recap:
    """All hosts' counts: a fold of the messages of runners."""

    def __init__(self) -> None:
        self.hosts: dict[str, Tally] = {}
        self.failures: dict[str, TaskEnded] = {}
        """Of each host the task that it failed at last, and was not rescued from."""

    def of(self, host: str) -> Tally:
        """A host's counts."""
        return self.hosts.setdefault(host, Tally())

    def add(self, ended: TaskEnded, *, rescued: bool = False) -> None:
        """Fold a task in; ``rescued`` where its failure led into a rescue part."""
        tally = self.of(ended.host)
        match ended.outcome:
            case Outcome.OK:
                # An include counts as often as something was included.
                tally.ok += max(1, len(ended.includes))
            case Outcome.CHANGED:
                tally.ok += 1
                tally.changed += 1
            case Outcome.SKIPPED:
                tally.skipped += 1
            case Outcome.CANCELLED:
                tally.cancelled += 1
            case _:
                self._bad(ended, tally, rescued)

    def _bad(self, ended: TaskEnded, tally: Tally, rescued: bool) -> None:
        if ended.outcome is not Outcome.FAILED:
            if ended.ignored:
                tally.ignored += 1
                tally.ok += 1
                return
            if rescued:
                tally.rescued += 1
                return
            tally.unreachable += 1
            tally.lost += ended.outcome is Outcome.LOST
            self.failures[ended.host] = ended
        elif ended.ignored:
            tally.ok += 1
            tally.ignored += 1
            tally.changed += bool(ended.result.get("changed"))
        elif rescued:
            tally.rescued += 1
        else:
            tally.failed += 1
            self.failures[ended.host] = ended
