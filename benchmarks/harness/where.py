"""Where the time of one converged run of opsrun goes: stages of it, and processor time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from harness import tour
from harness.behind import Files, Hosts
from harness.contestants import opsrun_command
from harness.delayed import Delayed
from harness.measure import clean_environment
from harness.server import Server
from harness.tables import table
from opsrun.lab import Lab

_BENCHMARKS = Path(__file__).resolve().parents[1]
_RUNS = 5
_STAGES = (
    "until the run begins: Python, imports, reading the files",
    "logins, and the first task on all hosts",
    "the other tasks",
    "from the last result to the end of the program",
)


@dataclass(slots=True)
class Stamps:
    """Seconds from the start of the program, as its events arrived."""

    begun: float = 0.0
    first: dict[str, float] = field(default_factory=dict)
    last: float = 0.0
    ended: float = 0.0

    def take(self, line: str, at: float) -> None:
        """An event of ``-o jsonl``."""
        event = json.loads(line)
        if event["type"] == "run":
            self.begun = at
        elif event["type"] == "task_result":
            self.first.setdefault(event["host"], at)
            self.last = at

    def stages(self) -> list[float]:
        """How long each of them took."""
        marks = [0.0, self.begun, max(self.first.values()), self.last, self.ended]
        return [after - before for before, after in pairwise(marks)]


def stamped(argv: Sequence[str], folder: Path) -> Stamps:
    """Run a program that prints events.

    Raises:
        RuntimeError: it failed.
    """
    stamps, started = Stamps(), time.monotonic()
    with subprocess.Popen(
        argv,
        env=clean_environment(folder),
        cwd=_BENCHMARKS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            stamps.take(line, time.monotonic() - started)
    stamps.ended = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"opsrun ended with {process.returncode}")
    return stamps


def where_it_goes(folder: Path, hosts: int) -> str:
    """Both tables, of the tour on so many hosts, converged."""
    home = folder / "where"
    home.mkdir()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(home / "lab", hosts=hosts))
        delayed = stack.enter_context(Delayed(lab, home / "link", 50))
        direct = Files(lab.directory, lab.hosts, lab.user).direct()
        root = home / "trees"
        root.mkdir()
        stamped([*opsrun_command(), *_words(direct, root)], home)
        columns = [
            [stamped([*opsrun_command(), *_words(way, root)], home).stages() for _ in range(_RUNS)]
            for way in (direct, delayed.hosts)
        ]
        client, server = _sampled(direct, root, home, Server(lab))
    return (
        f"## Where the time of a converged run on {hosts} hosts goes\n\n"
        f"Medians of {_RUNS} runs, by the times at which events arrived; on loopback the servers' "
        f"work is in every stage.\n\n{_stage_table(columns)}\n"
        f"Processor time of one run, of opsrun by looks at it while it ran ({_RUNS} runs), and of "
        f"the servers with all that they started.\n\n{_kind_table(client, server, hosts)}"
    )


def _words(hosts: Hosts, root: Path) -> list[str]:
    many = str(len(hosts.hosts))
    words = ["playbook", "-o", "jsonl", "-f", many, "-i", str(hosts.inventory)]
    return [*words, "-e", f"root={root}", str(tour.PLAYBOOK)]


def _sampled(hosts: Hosts, root: Path, home: Path, server: Server) -> tuple[Counter[str], float]:
    client: Counter[str] = Counter()
    server.settle()
    before = server.cpu()
    for _ in range(_RUNS):
        file = home / "looks.json"
        words = ["-m", "harness.where_client", str(file), *_words(hosts, root)]
        stamped([sys.executable, *words], home)
        client.update(json.loads(file.read_text())["kinds"])
    server.settle()
    scaled = Counter({kind: seconds / _RUNS for kind, seconds in client.items()})
    return scaled, (server.cpu() - before) / _RUNS


def _stage_table(columns: Sequence[Sequence[Sequence[float]]]) -> str:
    rows = []
    for number, stage in enumerate(_STAGES):
        cells = [median(run[number] for run in column) for column in columns]
        rows.append([stage, *(f"{1000 * cell:.0f}" for cell in cells)])
    sums = [median(sum(run) for run in column) for column in columns]
    rows.append(["in all", *(f"{1000 * cell:.0f}" for cell in sums)])
    return table(("stage", "loopback, ms", "50 ms of round trip, ms"), rows)


def _kind_table(client: Counter[str], server: float, hosts: int) -> str:
    whole = client.total()
    rows = [
        [f"opsrun: {kind}", f"{1000 * spent:.0f}", f"{spent / whole:.0%}"]
        for kind, spent in client.most_common()
    ]
    rows.append(["opsrun in all", f"{1000 * whole:.0f}", "100%"])
    rows.append(["opsrun, a host", f"{1000 * whole / hosts:.1f}", ""])
    rows.append(["servers in all", f"{1000 * server:.0f}", ""])
    rows.append(["servers, a host", f"{1000 * server / hosts:.1f}", ""])
    return table(("processor time", "ms", "of opsrun's"), rows)
