"""Carries a plan out: each run into an empty place, looked at byte by byte, and cleared away."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from harness.environments import NoPeer, Peers
from harness.machine import load
from harness.measure import clean_environment, measure
from harness.plan import Clock
from harness.server import Server
from harness.session import say

from copying.contestants import THERE, Contestant, Task
from copying.goods import Goods, big_file, tree, what_is_wrong
from copying.hosts import Hosts
from copying.plan import Scenario
from copying.results import Row, Run

_OVERTIME = 10
"""Seconds that a run may go on when time is up."""


@dataclass(slots=True)
class Session:
    """The runs of one invocation; the fields below `longest` are its outcome."""

    contestants: Sequence[Contestant]
    peers: Peers
    clock: Clock
    folder: Path
    longest: int
    """Seconds after which a run is ended and counts as failed."""
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    server: str = ""
    load: float = 0.0
    """Of the machine, before the first run."""
    _pythons: dict[str, Path] = field(default_factory=dict)
    _goods: dict[tuple[str, int], Goods] = field(default_factory=dict)
    _skipped: dict[str, dict[str, int]] = field(default_factory=dict)
    _count: int = 0

    @property
    def skipped(self) -> list[str]:
        """What there was no time for, a line for each scenario."""
        return [
            f"no time, {scenario}: {', '.join(f'{name} ({runs})' for name, runs in names.items())}"
            for scenario, names in self._skipped.items()
        ]

    def prepare(self) -> None:
        """Find every contestant; those that are not there are named and left out."""
        for each in self.contestants:
            try:
                self._pythons[each.name] = self._find(each)
            except NoPeer as error:
                self.notes.append(f"{each.name} did not take part: {error}")
                say(self.notes[-1])
        self.contestants = [each for each in self.contestants if each.name in self._pythons]

    def _find(self, contestant: Contestant) -> Path:
        for program in ("ssh", contestant.program):
            if program and shutil.which(program) is None:
                raise NoPeer(f"there is no {program} (Debian: openssh-client, rsync)")
        wanted = contestant.requirement or contestant.distribution
        return self.peers.python(wanted) if wanted else Path(sys.executable)

    def python(self, contestant: Contestant) -> Path:
        """The interpreter that a contestant runs under."""
        return self._pythons[contestant.name]

    def run(self, plan: Sequence[Scenario]) -> None:
        """Carry out the scenarios, those of one number of hosts on one lab."""
        self.load = load()
        for count, scenarios in groupby(plan, key=lambda scenario: scenario.hosts):
            say(f"hosts: {count:,}")
            with Hosts(self.folder, count) as hosts:
                self.server = hosts.lab.state.version
                server = Server(hosts.lab)
                for scenario in scenarios:
                    self._scenario(hosts, server, scenario)
                    if scenario.what == "huge" and not scenario.put:
                        self._forget("huge")

    def _scenario(self, hosts: Hosts, server: Server, scenario: Scenario) -> None:
        goods = self._made(scenario)
        takers = [
            each
            for each in self.contestants
            if each.takes(scenario.put, scenario.what, scenario.hosts)
        ]
        rows = {each.name: Row(scenario, each.name, goods.size) for each in takers}
        self.rows += rows.values()
        for round_ in range(scenario.reps):
            last = round_ + 1 == scenario.reps
            # The slow ones go last: where time is short, it is theirs that is missing.
            for each in sorted(takers, key=lambda each: each.slow):
                if last or not each.slow:
                    again = last and scenario.again
                    self._turn(hosts, server, each, rows[each.name], goods, round_, again=again)

    def _turn(
        self,
        hosts: Hosts,
        server: Server,
        contestant: Contestant,
        row: Row,
        goods: Goods,
        round_: int,
        *,
        again: bool,
    ) -> None:
        key = f"{contestant.name} {row.scenario}"
        if not self.clock.allows(key, 1):
            self._skipped.setdefault(str(row.scenario), {}).setdefault(contestant.name, 0)
            self._skipped[str(row.scenario)][contestant.name] += 1
            return
        task = Task(hosts.lab, hosts.lab.hosts, row.scenario.put, goods, self._next_folder())
        before = time.monotonic()
        hosts.empty(THERE)
        try:
            row.runs.append(self._once(hosts, server, contestant, task, round_))
            self._say(row, row.runs[-1], "")
            if again and row.runs[-1].good:
                row.again = self._once(hosts, server, contestant, task, round_)
                self._say(row, row.again, "again, ")
        finally:
            hosts.empty(THERE)
            shutil.rmtree(task.folder, ignore_errors=True)
        self.clock.note(key, 1, time.monotonic() - before)

    def _once(
        self, hosts: Hosts, server: Server, contestant: Contestant, task: Task, round_: int
    ) -> Run:
        env = clean_environment(task.folder) | dict(contestant.env)
        argv = contestant.argv(task, self.python(contestant))
        server.settle()
        before = hosts.cpu()
        seconds = min(self.longest, int(self.clock.left()) + _OVERTIME)
        measured, _, stderr = measure(argv, env, task.folder, seconds)
        server.settle()
        spent = hosts.cpu() - before
        ended = f"ended after {seconds} s" if measured.timed_out else ""
        failed = {}
        for host in task.hosts:
            place = contestant.place(task, host)
            arrived = hosts.home(host) / THERE / task.goods.name if task.put else place
            if wrong := what_is_wrong(task.goods, arrived):
                failed[host.name] = "; ".join(filter(None, [ended, wrong, _last_line(stderr)]))
        if not failed and measured.status:
            words = ended or f"all arrived, but exit status {measured.status}"
            failed[task.hosts[0].name] = "; ".join(filter(None, [words, _last_line(stderr)]))
        return Run(measured, spent, failed, round_)

    def _made(self, scenario: Scenario) -> Goods:
        key = scenario.what, scenario.amount
        if key not in self._goods:
            path = self.folder / f"{scenario.what}{scenario.amount}"
            make = tree if scenario.what == "tree" else big_file
            self._goods[key] = make(path, scenario.amount)
        return self._goods[key]

    def _forget(self, what: str) -> None:
        for key in [key for key in self._goods if key[0] == what]:
            self._goods.pop(key).path.unlink()

    def _next_folder(self) -> Path:
        self._count += 1
        folder = self.folder / f"run{self._count}"
        folder.mkdir()
        return folder

    def _say(self, row: Row, run: Run, words: str) -> None:
        rate = row.size * row.scenario.hosts / run.measured.wall
        good = f"{rate / 1e6:.0f} MB/s" if run.good else next(iter(run.failed.values()))
        say(
            f"  {row.scenario}: {row.name:13} {words}{run.measured.wall:7.2f} s, client "
            f"{run.measured.cpu:6.2f} s, servers {run.server_cpu:6.2f} s, "
            f"{run.measured.total_kb / 1024:5.0f} MB, load {load():.1f}, {good}"
        )


def _last_line(stderr: str) -> str:
    return (stderr.strip().splitlines() or [""])[-1][:160]
