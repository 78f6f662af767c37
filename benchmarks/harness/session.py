"""Carries a plan out: labs up and down, contestants in turn, each run verified."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from startup import measure_start

from harness.contestants import Contestant, Task
from harness.environments import NoPeer, Peers
from harness.machine import load
from harness.measure import Measurement, clean_environment, measure
from harness.outputs import Ends, failures
from harness.plan import Clock, Scenario
from harness.results import Row, Run
from harness.server import Server
from opsrun.lab import Lab, LabHost

_LONGEST = 600
"""Seconds after which a run is ended and counts as failed."""


def say(words: str) -> None:
    """Progress, for whoever watches."""
    print(words, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Session:
    """The runs of one invocation; the fields below `folder` are its outcome."""

    contestants: Sequence[Contestant]
    peers: Peers
    clock: Clock
    folder: Path
    start_reps: int
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    start_table: str = ""
    server: str = ""
    load: float = 0.0
    """Of the machine, before the first run."""
    _pythons: dict[str, Path] = field(default_factory=dict)
    _base_kb: dict[str, int] = field(default_factory=dict)
    _skipped: dict[Scenario, dict[str, int]] = field(default_factory=dict)
    _count: int = 0

    @property
    def skipped(self) -> list[str]:
        """What there was no time for, a line for each scenario."""
        return [
            f"no time, {scenario}: {', '.join(f'{name} ({runs})' for name, runs in names.items())}"
            for scenario, names in self._skipped.items()
        ]

    def prepare(self) -> None:
        """Find or make the environment of every contestant; those that have none are left out."""
        for contestant in self.contestants:
            wanted = contestant.requirement or contestant.distribution
            try:
                python = self.peers.python(wanted) if wanted else Path(sys.executable)
                self._pythons[contestant.name] = python
            except NoPeer as error:
                self.notes.append(f"{contestant.name} did not take part: {error}")
                say(self.notes[-1])
        self.contestants = [each for each in self.contestants if each.name in self._pythons]

    def python(self, contestant: Contestant) -> Path:
        """The interpreter that a contestant runs under."""
        return self._pythons[contestant.name]

    def run(self, plan: Sequence[Scenario]) -> None:
        """Carry out the scenarios, those of one number of hosts on one lab."""
        self.load = load()
        for hosts, scenarios in groupby(plan, key=lambda scenario: scenario.hosts):
            say(f"{hosts:,} hosts: starting the lab")
            with Lab(self.folder / f"lab{hosts}", hosts=hosts) as lab:
                self.server = lab.state.version
                server = Server(lab)
                if not self._base_kb:
                    self._alone(lab, server)
                for scenario in scenarios:
                    self._scenario(lab, server, scenario)

    def _alone(self, lab: Lab, server: Server) -> None:
        """Start-up, and every contestant on one host: fills the caches, and gives its base."""
        if self.start_reps:
            self.start_table = measure_start(lab, self.folder, self.start_reps)
        for contestant in self.contestants:
            run = self._once(contestant, server, self._task(lab, lab.hosts[:1], "true", 1), 0)
            self._base_kb[contestant.name] = run.measured.largest_kb

    def _scenario(self, lab: Lab, server: Server, scenario: Scenario) -> None:
        rows = {
            each.name: Row(
                scenario,
                each.name,
                each.forks(scenario.forks),
                each.bounded or scenario.forks == scenario.hosts,
                self._base_kb[each.name],
            )
            for each in self.contestants
            if scenario.hosts <= each.most_hosts and (scenario.slow or not each.slow)
        }
        self.rows += rows.values()
        for round_ in range(scenario.reps):
            for each in self.contestants:
                # The slow ones go last: where time is short, it is theirs that is missing.
                if each.name not in rows or (each.slow and round_ + 1 < scenario.reps):
                    continue
                row = rows[each.name]
                if self.clock.allows(each.name, scenario.hosts):
                    task = self._task(lab, lab.hosts, scenario.command, row.forks)
                    run = self._once(each, server, task, round_)
                    row.runs.append(run)
                    say(_line(scenario, each.name, run))
                else:
                    self._skipped.setdefault(scenario, {}).setdefault(each.name, 0)
                    self._skipped[scenario][each.name] += 1

    def _task(self, lab: Lab, hosts: tuple[LabHost, ...], command: str, forks: int) -> Task:
        folder = self.folder / f"{self._count}"
        self._count += 1
        folder.mkdir()
        return Task(lab, hosts, command, forks, folder)

    def _once(self, contestant: Contestant, server: Server, task: Task, round_: int) -> Run:
        env = clean_environment(task.folder) | dict(contestant.env)
        argv = contestant.argv(task, self.python(contestant))
        server.settle()
        server.commands()
        before = time.monotonic()
        measured, stdout, stderr = measure(argv, env, task.folder, _LONGEST)
        if len(task.hosts) > 1:
            self.clock.note(contestant.name, len(task.hosts), time.monotonic() - before)
        failed = failures(task.command, task.names, _ends(contestant, task, stdout, stderr))
        return Run(measured, failed, server.commands(), round_)


def _ends(contestant: Contestant, task: Task, stdout: str, stderr: str) -> Ends:
    try:
        return contestant.read(stdout, stderr, task.names)
    except (ValueError, KeyError, TypeError):
        last = (stderr.strip().splitlines() or ["its output could not be read"])[-1]
        say(f"{contestant.name}: {last}")
        return {}


def _line(scenario: Scenario, name: str, run: Run) -> str:
    figures: Measurement = run.measured
    return (
        f"  {scenario}: {name:15} {figures.wall:7.2f} s, CPU "
        f"{figures.cpu / scenario.hosts * 1000:6.2f} ms a host, {figures.largest_kb / 1024:4.0f} MB"
        f", {len(run.failed)} failed, load {load():.1f}"
    )
