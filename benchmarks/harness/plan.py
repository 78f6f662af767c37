"""What is run, how often, and what fits into the time that there is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

COMMANDS = ("true", "df", "sleep 2")

_FEW = 200
"""Up to here, half as many at once as there are hosts are measured, too."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command on so many hosts, so many of them at once."""

    hosts: int
    command: str
    forks: int
    reps: int
    slow: bool
    """The slow contestants take part, too."""

    def __str__(self) -> str:
        return f"{self.hosts:,} hosts, `{self.command}`, {self.forks:,} at once"


def full(hosts: Sequence[int], reps: int) -> list[Scenario]:
    """Every command; on few hosts with half and with all of them at once.

    On many hosts, where a run takes long, all runs but one are for the command that sleeps.
    """
    plan = []
    for count in hosts:
        few = count <= _FEW
        for forks in (max(1, count // 2), count) if few else (count,):
            for command in COMMANDS:
                sleeps = command.startswith("sleep")
                rounds = reps if few or sleeps else 1
                slow = sleeps or (few and forks < count)
                plan.append(Scenario(count, command, forks, rounds, slow))
    return plan


def quick(hosts: Sequence[int], reps: int) -> list[Scenario]:
    """Half of the hosts at once; the slow contestants for one command only."""
    return [
        Scenario(count, command, max(1, count // 2), reps, slow=command == "df")
        for count in hosts
        for command in COMMANDS
    ]


class Clock:
    """The time that is left, and what a run of a contestant will take of it."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._taken: dict[tuple[str, int], float] = {}

    def note(self, name: str, hosts: int, seconds: float) -> None:
        """Remember what a run took."""
        self._taken[name, hosts] = seconds

    def left(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self._until - time.monotonic())

    def allows(self, name: str, hosts: int) -> bool:
        """Whether another run is likely to end in time."""
        return self.left() > 1.1 * self._guess(name, hosts)

    def _guess(self, name: str, hosts: int) -> float:
        known = [
            (hosts / count, seconds)
            for (other, count), seconds in self._taken.items()
            if other == name
        ]
        if not known:
            return 1.0
        # The nearest number of hosts; costs grow with it, but not below what a start takes.
        factor, seconds = min(known, key=lambda each: abs(each[0] - 1))
        return seconds * max(1.0, factor)
