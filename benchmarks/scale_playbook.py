"""Twenty tasks on a thousand hosts: real SSH servers on loopback, first new, then converged.

What the program itself takes is measured: processor time a task and host, and memory a host above
that of a run on one host. The servers share the processors with it, so the wall is mostly theirs;
they are measured too. Every run is judged by its recap. Exit status 1 if one is wrong, or if a
target is missed.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness import machine, tour
from harness.command import command_line
from harness.contestants import opsrun_command
from harness.measure import Measurement, clean_environment, measure
from harness.server import Server
from harness.session import say
from harness.tables import table

from opsrun.lab import Lab

_HERE = Path(__file__).resolve().parent
_PLAYBOOK = tour.FOLDER / "scale.yml"
TASKS, SKIPPED = 20, 1
CPU_MS, KB = 2.0, 150.0
"""Targets: of processor time a task and host, converged, and of memory a host."""
_LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    state: str
    hosts: int
    measured: Measurement
    server: float
    """Seconds of processor time of the servers."""
    base_kb: int
    """Peak of a run on one host."""
    wrong: str

    @property
    def cpu_ms(self) -> float:
        """A task and host."""
        return 1000 * self.measured.cpu / self.hosts / TASKS

    @property
    def kb(self) -> float:
        """A host (1,024 bytes each)."""
        return (self.measured.largest_kb - self.base_kb) / self.hosts

    def cells(self) -> list[str]:
        """A line of the table."""
        return [
            self.state,
            f"{self.measured.wall:.1f}",
            f"{self.measured.cpu:.1f}",
            f"{self.cpu_ms:.2f}",
            f"{self.measured.largest_kb / 1024:.0f}",
            f"{self.kb:.0f}",
            f"{self.server:.0f}",
            self.wrong or "right",
        ]


def run(lab: Lab, server: Server, folder: Path, limit: str, state: str, base_kb: int) -> Row:
    """One run, judged."""
    hosts = [host.name for host in lab.hosts if limit in ("all", host.name)]
    root = folder / f"trees-{limit}"
    root.mkdir(exist_ok=True)
    words = ["-i", str(lab.inventory), "--limit", limit, "-f", str(len(hosts))]
    argv = [*opsrun_command(), "playbook", *words, "-e", f"root={root}", str(_PLAYBOOK)]
    server.settle()
    before = server.cpu()
    measured, out, err = measure(argv, clean_environment(folder), folder, _LONGEST)
    server.settle()
    wrong = tour.recap_is_right(out, hosts, state == "new", TASKS - SKIPPED)
    if measured.status:
        wrong = f"status {measured.status}"
    row = Row(state, len(hosts), measured, server.cpu() - before, base_kb, wrong)
    say(f"{len(hosts)} hosts, {state}: {measured.wall:.1f} s, {row.cpu_ms:.2f} ms {wrong}")
    if wrong:
        say(out[-1500:] + err[-1500:])
    return row


def main() -> int:
    options = parse(sys.argv[1:])
    load = machine.load()
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    try:
        say(f"{options.hosts} hosts: starting the lab")
        with Lab(folder / "lab", hosts=options.hosts) as lab:
            server = Server(lab)
            one = lab.hosts[0].name
            alone = [run(lab, server, folder, one, state, 0) for state in ("new", "converged")]
            base = alone[-1].measured.largest_kb
            states = ["new", *["converged"] * options.reps]
            rows = [run(lab, server, folder, "all", state, base) for state in states]
            version = lab.state.version
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(rows, load, version)
    options.results.write_text(text)
    print(text)
    return int(bool(missed(rows)) or any(row.wrong for row in rows))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--hosts", type=int, default=1000, metavar="N")
    add("--reps", type=int, default=2, metavar="N", help="runs on converged hosts")
    add("--results", type=Path, default=_HERE / "results" / "scale_playbook.md", metavar="FILE")
    return parser.parse_args(words)


def missed(rows: Sequence[Row]) -> list[str]:
    """What a target is missed by, in words."""
    converged = [row for row in rows if row.state == "converged"]
    found = []
    if (cpu := median(row.cpu_ms for row in converged)) >= CPU_MS:
        found.append(f"{cpu:.2f} ms of processor time a task and host, converged")
    if (size := median(row.kb for row in converged)) >= KB:
        found.append(f"{size:.0f} KB a host, converged")
    return found


def page(rows: Sequence[Row], load: float, server: str) -> str:
    """``results/scale_playbook.md``."""
    head = ["hosts are", "wall s", "CPU s", "CPU ms/task and host", "peak MB", "KB/host"]
    head += ["servers' CPU s", "recap"]
    verdict = missed(rows) or [
        f"converged, below {CPU_MS:g} ms a task and host and {KB:g} KB a host"
    ]
    return (
        f"# {TASKS} tasks on {rows[0].hosts:,} hosts\n\n"
        f"{datetime.date.today()} · {machine.describe()} · server {server} · load average "
        f"{load:.0f} before it began\n\n"
        f"`{command_line('scale_playbook.py', sys.argv[1:], ('--results',))}`\n\n"
        f"`benchmarks/tour/scale.yml` on hosts of the lab, all at once. *KB/host* is what the peak "
        "lies above that of a run on one host. The servers share the processors with opsrun.\n\n"
        + table([*head], [row.cells() for row in rows])
        + "\n"
        + "".join(f"- {words}\n" for words in verdict)
    )


if __name__ == "__main__":
    sys.exit(main())
