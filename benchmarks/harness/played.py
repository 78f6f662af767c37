"""What the runs of ``playbook.py`` took, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from harness.players import FLOOR, OURS, PLAYERS
from harness.tables import table


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all who are compared."""

    hosts: int
    rtt: float
    """Milliseconds of round trip that were added."""
    new: bool

    def __str__(self) -> str:
        return f"{self.hosts} hosts, {self.rtt:g} ms, {'new' if self.new else 'converged'}"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run."""

    wall: float
    cpu: float
    """Seconds of user and system time, of the program and all that it started."""
    memory_mb: float
    """At the peak, of all its processes together."""
    turns: float | None = None
    """Round trips a host, without those of TCP; None where nobody was in between to count."""
    kb: float | None = None
    """Kilobytes a host, both ways."""
    connections: float | None = None


@dataclass(slots=True)
class Played:
    """All runs."""

    found: dict[tuple[Setting, str], list[Figures]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def settings(self) -> list[Setting]:
        """In their order."""
        return list(dict.fromkeys(setting for setting, _ in self.found))

    def wall(self, setting: Setting, player: str) -> float | None:
        """The median; None if it has no good run."""
        runs = self.found.get((setting, player))
        return median(run.wall for run in runs) if runs else None


_HEAD = ("program", "wall s", "× opsrun", "client CPU s", "MB", "round trips", "KB", "runs")


def tables(played: Played) -> Iterator[str]:
    """One for each setting."""
    for setting in played.settings():
        lines = [
            _cells(played, setting, player.name)
            for player in PLAYERS
            if (setting, player.name) in played.found
        ]
        yield f"## {setting}\n\n{table(_HEAD, lines)}"


def _cells(played: Played, setting: Setting, name: str) -> list[str]:
    runs = played.found[setting, name]
    walls = [run.wall for run in runs]
    ours = played.wall(setting, OURS)
    spread = f" ({min(walls):.2f} to {max(walls):.2f})" if len(walls) > 1 else ""
    return [
        f"`{name}`",
        f"{median(walls):.2f}{spread}",
        f"{median(walls) / ours:.2f}" if ours else "",
        f"{median(run.cpu for run in runs):.2f}",
        f"{median(run.memory_mb for run in runs):.0f}",
        _median([run.turns for run in runs], ".1f"),
        _median([run.kb for run in runs], ".0f"),
        f"{len(runs)}",
    ]


def _median(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return format(median(known), form) if known else ""


@dataclass(frozen=True, slots=True)
class Target:
    """How many times as long as ours a program takes at least; the floor, how many times we do."""

    rtt: float
    name: str
    times: float

    def said(self, played: Played) -> list[str] | None:
        """A row of the table of targets; None where it wasn't measured."""
        setting = Setting(10, self.rtt, new=False)
        ours, other = played.wall(setting, OURS), played.wall(setting, self.name)
        if ours is None or other is None:
            return None
        floor = self.name == FLOOR
        ratio = ours / other if floor else other / ours
        met = ratio <= self.times if floor else ratio >= self.times
        wanted = f"{'at most' if floor else 'at least'} {self.times:g}"
        over = f"opsrun / {self.name}" if floor else f"{self.name} / opsrun"
        return [f"{setting}: {over}", wanted, f"{ratio:.2f}", "met" if met else "missed"]


TARGETS = (
    Target(0, "ansible", 60),
    Target(0, "mitogen", 18),
    Target(0, "pyinfra", 5),
    Target(50, "ansible", 45),
    Target(50, "pyinfra", 8),
    Target(50, FLOOR, 1.5),
)


def targets(played: Played) -> str:
    """Where we stand; empty if none of it was measured."""
    rows = [row for target in TARGETS if (row := target.said(played))]
    return table(("ratio of walls", "target", "found", "verdict"), rows) if rows else ""
