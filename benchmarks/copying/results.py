"""Runs of one contestant in one scenario, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from harness.measure import Measurement

from copying.plan import Scenario


@dataclass(frozen=True, slots=True)
class Run:
    """One run, what the servers spent on it, and whether all arrived."""

    measured: Measurement
    server_cpu: float
    """Seconds of the servers and of all that they started."""
    failed: dict[str, str]
    """Host: what was wrong."""
    round: int
    """Runs of all contestants in the same round followed each other."""

    @property
    def good(self) -> bool:
        """Whether its time counts."""
        return not self.failed


@dataclass(slots=True)
class Row:
    """All runs of a contestant in a scenario."""

    scenario: Scenario
    name: str
    size: int
    """Bytes for one host."""
    runs: list[Run] = field(default_factory=list)
    again: Run | None = None

    @property
    def good(self) -> list[Run]:
        """The runs in which all arrived."""
        return [run for run in self.runs if run.good]

    def median(self, figure: Callable[[Measurement], float]) -> float:
        """Of the good runs."""
        return median(figure(run.measured) for run in self.good)

    @property
    def wall(self) -> float:
        """Seconds."""
        return self.median(lambda m: m.wall)

    @property
    def spread(self) -> tuple[float, float]:
        """The quickest and the slowest good run, in seconds."""
        walls = [run.measured.wall for run in self.good]
        return min(walls), max(walls)

    @property
    def rate(self) -> float:
        """MB a second, to all hosts together."""
        return self.size * self.scenario.hosts / self.wall / 1e6

    @property
    def server_cpu(self) -> float:
        """Seconds."""
        return median(run.server_cpu for run in self.good)

    def times_as_fast_as(self, other: Row | None) -> float | None:
        """The median of the ratios of runs in the same round; None where there is none."""
        if other is None or not other.good or not self.good:
            return None
        walls = {run.round: run.measured.wall for run in other.good}
        usual = median(walls.values())
        return median(walls.get(run.round, usual) / run.measured.wall for run in self.good)

    @property
    def remarks(self) -> list[str]:
        """What went wrong."""
        said = []
        for run in [*self.runs, *([self.again] if self.again else [])]:
            if run.failed:
                host, why = next(iter(run.failed.items()))
                said.append(f"{len(run.failed)} of {self.scenario.hosts} hosts, {host}: {why}")
        return [f"{self.name}, {self.scenario}: {words}" for words in dict.fromkeys(said)]
