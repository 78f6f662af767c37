"""Ten thousand and a hundred thousand hosts, simulated: what a host costs opsrun itself.

The hosts are fakes in memory (`opsrun.testing`), whose login and whose answer take 50 ms each; no
packet and no cipher is in the figures. Each measurement is a process of its own. The same hosts are
worked through once more by bare tasks of the engine's: what is above that is opsrun's. Exit status
1 if a result is missing or wrong, or if a target on gevent is missed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import machine
from harness.command import command_line, numbers
from harness.inside import ask
from harness.tables import table

_HERE = Path(__file__).resolve().parent
LATENCY = 0.05
CPU_MS_A_HOST, KB_A_HOST = 0.3, 20.0
REMARKS = "\n## Remarks\n"
"""From this heading on the page is written by hand, and stays as it is."""
OUTPUTS = ("bare", "none", "text")
_MOST_THREADS = 10_000
"""Hosts of a run on threads, of which 64 are worked on at once: more only takes longer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    engine: str
    hosts: int
    forks: int
    output: str
    answer: dict[str, Any]

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time a host."""
        return 1e3 * float(self.answer["cpu"]) / self.hosts

    @property
    def kb(self) -> float:
        """KB (1,000 bytes) of memory a host, at the peak and above what the process had before."""
        return float(self.answer["memory"]) / 1e3 / self.hosts

    @property
    def is_right(self) -> bool:
        """Whether every host had its one good result."""
        return bool(self.answer["results"] == self.answer["good"] == self.hosts)

    def cells(self, floor: Row) -> list[str]:
        """One line of the table."""
        mine = self.output != "bare"
        return [
            self.engine,
            f"{self.hosts:,}",
            f"{self.forks:,}",
            self.output,
            f"{self.cpu_ms:.3f}",
            f"{self.cpu_ms - floor.cpu_ms:.3f}" if mine else "",
            f"{self.kb:.1f}",
            f"{self.kb - floor.kb:.1f}" if mine else "",
            f"{self.answer['good']:,}",
        ]


def main() -> int:
    options = parse()
    load = machine.load()
    rows = []
    for engine, hosts, forks in cases(options.hosts):
        spec = {"hosts": hosts, "forks": forks, "latency": LATENCY}
        for output in OUTPUTS:
            answer = ask("scale_client", engine, {**spec, "output": output})
            rows.append(Row(engine, hosts, forks, output, answer))
            print(rows[-1], file=sys.stderr)
    text = page(rows, load) + remarks_in(options.results)
    options.results.write_text(text)
    print(text)
    return int(bool(problems(rows)))


def remarks_in(path: Path) -> str:
    """What was written by hand at the end of the last page, its heading included."""
    try:
        _, heading, words = path.read_text().partition(REMARKS)
    except FileNotFoundError:
        return ""
    return heading + words


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--hosts", type=numbers, default=[10_000, 100_000], metavar="N,M")
    add("--results", type=Path, default=_HERE / "results" / "scale.md", metavar="FILE")
    return parser.parse_args()


def cases(counts: list[int]) -> Iterator[tuple[str, int, int]]:
    """Engine, number of hosts, and how many of them at once."""
    for hosts in counts:
        yield "gevent", hosts, min(500, hosts)
        # More at once than this the engine refuses.
        yield "gevent", hosts, min(20_000, hosts)
        if hosts <= _MOST_THREADS:
            yield "threads", hosts, 64


def problems(rows: list[Row]) -> list[str]:
    """What a target was missed by, in words."""
    found = []
    for row in rows:
        floor = floor_of(row, rows)
        where = f"{row.engine}, {row.hosts:,} hosts, {row.forks:,} at once, {row.output}"
        if not row.is_right:
            found.append(f"{where}: {row.answer['good']:,} good results")
        if row.output == "bare" or row.engine != "gevent":
            continue
        if (cpu := row.cpu_ms - floor.cpu_ms) > CPU_MS_A_HOST:
            found.append(f"{where}: {cpu:.3f} ms of processor time a host")
        if (size := row.kb - floor.kb) > KB_A_HOST:
            found.append(f"{where}: {size:.1f} KB a host")
    return found


def floor_of(row: Row, rows: list[Row]) -> Row:
    """The bare measurement beside this one."""
    key = row.engine, row.hosts, row.forks
    return next(
        each
        for each in rows
        if (each.engine, each.hosts, each.forks) == key and each.output == "bare"
    )


def page(rows: list[Row], load: float) -> str:
    """The results as Markdown."""
    head = ["engine", "hosts", "at once", "output", "CPU ms/host", "above bare"]
    head += ["KB/host", "above bare", "good"]
    verdict = problems(rows) or [
        f"on gevent below {CPU_MS_A_HOST} ms of processor time and {KB_A_HOST:.0f} KB a host "
        "above bare, whatever the number at once"
    ]
    return (
        "# Many simulated hosts\n\n"
        f"{datetime.date.today()} · {machine.describe()} · load average {load:.0f} "
        "before it began\n\n"
        f"`{command_line('scale.py', sys.argv[1:], ('--results',))}`\n\n"
        f"The hosts are fakes in memory; a login takes {1e3 * LATENCY:.0f} ms and an answer as\n"
        "long. *bare* works through the same fakes with the engine's tasks alone; *none* is a run\n"
        "without outputs that keeps what hosts say, *text* one that writes it to the null device.\n"
        "Processor time is user and system time together. It and memory are the whole process's,\n"
        "memory at its peak above what it had before the jobs were made: what is above *bare* is\n"
        "what opsrun adds. Python's garbage collector is set as the command sets it.\n\n"
        + table(head, [row.cells(floor_of(row, rows)) for row in rows])
        + "\n"
        + "".join(f"- {words}\n" for words in verdict)
    )


if __name__ == "__main__":
    sys.exit(main())
