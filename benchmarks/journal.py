"""What writing a run down costs: the same runs with a journal and without, in turns.

Commands and a playbook over real SSH servers on loopback, and a command over hosts in memory
(`opsrun.testing`), where no packet and no cipher is in the figures. Exit status 1 if a run is wrong
or a target is missed.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from harness import machine, tour
from harness.command import command_line
from harness.inside import ask
from harness.measure import Measurement, clean_environment, measure
from harness.server import Server
from harness.session import say
from harness.tables import table

from opsrun.lab import Lab

_HERE = Path(__file__).resolve().parent
_PLAYBOOK = tour.FOLDER / "scale.yml"
_LONGEST = 3000
RATIO = 1.05
"""Target: of wall time, with a journal and without."""


@dataclass
class Case:
    """One kind of run, measured in pairs."""

    name: str
    hosts: int
    tasks: int
    judged: bool
    """Whether the target is for it."""
    pairs: list[tuple[Measurement, Measurement]] = field(default_factory=list)
    """Without and with."""
    size: int = 0
    """Bytes that a run adds to its journal."""
    commits: int = 0

    @property
    def ratio(self) -> float:
        """Of wall time, the median of the pairs."""
        return median(on.wall / off.wall for off, on in self.pairs)

    def wall(self, which: int) -> float:
        """Median seconds."""
        return median(pair[which].wall for pair in self.pairs)

    def cpu(self, which: int) -> float:
        """Median milliseconds of processor time a host."""
        return 1e3 * median(pair[which].cpu for pair in self.pairs) / self.hosts

    def cells(self) -> list[str]:
        """A line of the table."""
        return [
            self.name,
            f"{self.hosts:,}",
            f"{self.wall(0):.3f}",
            f"{self.wall(1):.3f}",
            f"{self.ratio:.3f}",
            f"{self.cpu(0):.3f}",
            f"{self.cpu(1):.3f}",
            f"{self.size / self.hosts / self.tasks:.0f}",
            f"{self.commits:,}",
            f"{len(self.pairs)}",
        ]


class Bench:
    """Runs in a folder of its own.

    Args:
        folder: everything is there.
        pairs: so many of each kind.
    """

    def __init__(self, folder: Path, pairs: int) -> None:
        self._folder = folder
        self._pairs = pairs
        self._journal = folder / "journal"

    def do(self, case: Case, run: Callable[[str], Measurement]) -> Case:
        """``run`` gets the journal's path, or nothing; who comes first changes with each pair."""
        for number in range(self._pairs + 1):
            found = {}
            for path in ("", str(self._journal))[:: 1 if number % 2 else -1]:
                for each in self._folder.glob("journal*"):
                    each.unlink()
                found[path] = run(path)
                if path:
                    case.size = self._size()
            # The first pair warms up.
            if number:
                case.pairs.append((found[""], found[str(self._journal)]))
                say(f"{case.name}, {case.hosts}: {case.pairs[-1]}")
        return case

    def _size(self) -> int:
        with closing(sqlite3.connect(self._journal)) as connection:
            [(pages,)] = connection.execute("PRAGMA page_count")
            [(size,)] = connection.execute("PRAGMA page_size")
        return int(pages * size)

    def command(self, lab: Lab, case: Case, words: Sequence[str]) -> Callable[[str], Measurement]:
        """Runs ``opsrun WORDS...``; what its output is judged by is its exit status."""
        server, counted = Server(lab), self._folder / "commits"
        common = [words[0], "-i", str(lab.inventory), "-f", str(case.hosts)]
        program = [sys.executable, "-m", "harness.journal_client", str(counted)]

        def run(path: str) -> Measurement:
            server.settle()
            argv = [*program, *common, *(["--journal", path] if path else ["--no-journal"])]
            env = clean_environment(self._folder) | {"PYTHONPATH": str(_HERE)}
            found, out, err = measure([*argv, *words[1:]], env, self._folder, _LONGEST)
            if found.status:
                raise SystemExit(f"{argv}: {found.status}\n{out[-2000:]}{err[-2000:]}")
            if path:
                case.commits = int(counted.read_text())
            return found

        return run


def simulated(engine: str, hosts: int) -> Callable[[str], Measurement]:
    """A command over hosts in memory, in a process of its own."""
    forks = 500 if engine == "gevent" else 64
    spec = {"hosts": hosts, "forks": forks, "latency": 0.05, "output": "text"}

    def run(path: str) -> Measurement:
        answer = ask("scale_client", engine, {**spec, "journal": path})
        if answer["good"] != hosts:
            raise SystemExit(f"{answer['good']} good results of {hosts}")
        return Measurement(answer["wall"], answer["cpu"], 0, 0, 1, 0, 0, False)

    return run


def cases(bench: Bench, folder: Path, hosts: int, playing: int) -> list[Case]:
    """Everything, measured."""
    found = []
    with Lab(folder / "one", hosts=1) as lab:
        case = Case("exec true", 1, 1, True)
        found.append(bench.do(case, bench.command(lab, case, ("exec", "--hosts", "all", "true"))))
    with Lab(folder / "lab", hosts=hosts) as lab:
        case = Case("exec uptime", hosts, 1, True)
        found.append(bench.do(case, bench.command(lab, case, ("exec", "--hosts", "all", "uptime"))))
        case = Case("a playbook of 20 tasks", playing, 20, True)
        names = ",".join(host.name for host in lab.hosts[:playing])
        words = ("playbook", "--limit", names, "-e", f"root={folder / 'trees'}", str(_PLAYBOOK))
        (folder / "trees").mkdir()
        found.append(bench.do(case, bench.command(lab, case, words)))
    for engine in ("gevent", "threads"):
        case = Case(f"in memory, {engine}", 1000, 1, False)
        found.append(bench.do(case, simulated(engine, 1000)))
    return found


def main() -> int:
    options = parse(sys.argv[1:])
    load = machine.load()
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    try:
        found = cases(Bench(folder, options.pairs), folder, options.hosts, options.playing)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(found, load)
    options.results.write_text(text)
    print(text)
    return int(bool(missed(found)))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--hosts", type=int, default=1000, metavar="N")
    add("--playing", type=int, default=1000, metavar="N", help="hosts of the playbook")
    add("--pairs", type=int, default=5, metavar="N")
    add("--results", type=Path, default=_HERE / "results" / "journal.md", metavar="FILE")
    return parser.parse_args(words)


def missed(found: Sequence[Case]) -> list[str]:
    """What a target is missed by, in words."""
    return [
        f"{case.name}, {case.hosts:,} hosts: {100 * (case.ratio - 1):.1f} % of wall time"
        for case in found
        if case.judged and case.ratio >= RATIO
    ]


def page(found: Sequence[Case], load: float) -> str:
    """``results/journal.md``."""
    head = ["run", "hosts", "wall s without", "with", "ratio", "CPU ms/host without", "with"]
    head += ["bytes/task and host", "commits", "pairs"]
    verdict = missed(found) or [f"below {100 * (RATIO - 1):.0f} % of wall time"]
    return (
        "# What writing a run down costs\n\n"
        f"{datetime.date.today()} · {machine.describe()} · load average {load:.0f} "
        "before it began\n\n"
        f"`{command_line('journal.py', sys.argv[1:], ('--results',))}`\n\n"
        "Medians of pairs, whose order changes from one to the next. The servers share the\n"
        "processors with opsrun; hosts in memory take 50 ms for a login and as long for an\n"
        "answer, and nothing else is in their figures: they are here for the processor time.\n"
        "Bytes are those of the journal's file, made anew for each run, tables and all.\n\n"
        + table(head, [case.cells() for case in found])
        + "\n"
        + "".join(f"- {words}\n" for words in verdict)
    )


if __name__ == "__main__":
    sys.exit(main())
