"""Measurements of one contestant in one scenario, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from harness.measure import Measurement
from harness.plan import Scenario


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it cost and what came of it."""

    measured: Measurement
    failed: dict[str, str]
    """Host: what was wrong."""
    commands: int
    """How many the servers say they have started."""
    round: int
    """Runs of all contestants in the same round followed each other."""


@dataclass(slots=True)
class Row:
    """All runs of a contestant in a scenario."""

    scenario: Scenario
    name: str
    forks: int
    comparable: bool
    """It ran no more commands at once than the others."""
    base_kb: int
    """Its peak with a single host."""
    runs: list[Run] = field(default_factory=list)

    def _median(self, figure: Callable[[Measurement], float]) -> float:
        return median(figure(run.measured) for run in self.runs)

    @property
    def wall(self) -> float:
        """Seconds."""
        return self._median(lambda m: m.wall)

    def wall_ratio(self, floor: Row) -> float:
        """How many times the floor's wall; see `_ratio`."""
        return self._ratio(floor, lambda m: m.wall)

    def cpu_ratio(self, floor: Row) -> float:
        """How many times the floor's client CPU; see `_ratio`."""
        return self._ratio(floor, lambda m: m.cpu)

    def _ratio(self, floor: Row, figure: Callable[[Measurement], float]) -> float:
        # Of runs that followed each other: what else the machine was doing cancels out.
        others = {run.round: figure(run.measured) for run in floor.runs}
        usual = median(others.values())
        return median(figure(run.measured) / others.get(run.round, usual) for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The quickest and the slowest run, in seconds."""
        walls = [run.measured.wall for run in self.runs]
        return min(walls), max(walls)

    @property
    def cpu_ms(self) -> float:
        """Client CPU in milliseconds a host."""
        return self._median(lambda m: m.cpu) / self.scenario.hosts * 1000

    @property
    def largest_mb(self) -> float:
        """Peak of the largest process."""
        return self._median(lambda m: m.largest_kb) / 1024

    @property
    def total_mb(self) -> float:
        """Peak of all its processes."""
        return self._median(lambda m: m.total_kb) / 1024

    @property
    def kb_a_host(self) -> float:
        """What each host adds to the peak with a single one."""
        return (self._median(lambda m: m.largest_kb) - self.base_kb) / self.scenario.hosts

    @property
    def processes(self) -> int:
        """Most that were seen at once."""
        return max(run.measured.processes for run in self.runs)

    @property
    def failed(self) -> int:
        """Hosts that went wrong, over all runs."""
        return sum(len(run.failed) for run in self.runs)

    @property
    def remarks(self) -> list[str]:
        """What went wrong, or looks odd."""
        said = []
        for run in self.runs:
            if run.measured.timed_out:
                said.append(f"ended after {run.measured.wall:.0f} s")
            if run.failed:
                host, why = next(iter(run.failed.items()))
                said.append(f"{len(run.failed)} hosts failed, {host}: {why[:160]}")
            if run.commands != self.scenario.hosts:
                said.append(f"the servers started {run.commands} commands")
        return [f"{self.name}, {self.scenario}: {words}" for words in said]
