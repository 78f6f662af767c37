"""Runs whose cost on the wire and on the hosts is counted, and the table of what it may be.

The table is ``tests/counted/table.tsv``, a row a run; ``python tests/tools/count.py`` writes it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.counting import Counted, CountedHosts
from harness.measure import clean_environment
from harness.packets import PHASES

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "tests" / "counted"
TABLE = FOLDER / "table.tsv"
TOUR = TOP / "benchmarks" / "tour" / "tour.yml"

EXACT = ("connections", "channels", *PHASES, "rounds", "forks")
ROUGH: Mapping[str, float] = {"up": 1.02, "down": 1.15}
"""Bytes, and how many times as many there may be: a server may cut its answer into more packets."""
COLUMNS = (*EXACT, *ROUGH)
Row = dict[str, int]


@dataclass(frozen=True, slots=True)
class Case:
    """Runs that follow one another on the same hosts."""

    name: str
    runs: Mapping[str, Sequence[str]]
    """Words for ``opsrun``, by the runs' names; ``ROOT`` in them is a folder of the case's own."""
    tells_machine: bool = False
    """Hosts answer with what they are made of: how long that is says nothing of the run."""

    def rows(self) -> list[str]:
        """The names of its rows."""
        return [f"{self.name}: {run}" for run in self.runs]


def _playbook(path: Path, *more: str) -> tuple[str, ...]:
    return ("playbook", "-e", "root=ROOT", str(path), *more)


def _twice(name: str, path: Path, *more: str) -> Case:
    words = _playbook(path, *more)
    return Case(name, {"first": words, "converged": words})


CASES = (
    Case("exec", {"true": ("exec", "--hosts", "web01", "--", "true")}),
    Case(
        "pings",
        {
            "twice": (pings := _playbook(FOLDER / "pings.yml")),
            "in turn": (*pings, "--no-prefetch"),
        },
    ),
    _twice("tour", TOUR, "--limit", "web01"),
    Case(
        "loops",
        {
            "first": (loops := _playbook(FOLDER / "loops.yml")),
            "converged": loops,
            "check": (*loops, "--check", "--diff"),
        },
    ),
    _twice("mixed", FOLDER / "mixed.yml"),
    replace(_twice("facts", FOLDER / "facts.yml"), tells_machine=True),
    _twice("delegated", FOLDER / "delegated.yml"),
)


@contextmanager
def counted_hosts() -> Iterator[CountedHosts]:
    """Two hosts, web01 and db01, in a folder whose path is as long on all machines."""
    folder = Path(tempfile.mkdtemp(prefix="counted-", dir="/tmp"))
    try:
        with CountedHosts(folder, 2) as hosts:
            yield hosts
    finally:
        shutil.rmtree(folder)


def count(case: Case, hosts: CountedHosts) -> dict[str, Row]:
    """Carry its runs out.

    Raises:
        RuntimeError: a run did not end well.
    """
    root = Path(tempfile.mkdtemp(prefix="counted-", dir="/tmp"))
    try:
        return {
            f"{case.name}: {name}": _row(_run(words, hosts, root))
            for name, words in case.runs.items()
        }
    finally:
        shutil.rmtree(root)


def _run(words: Sequence[str], hosts: CountedHosts, root: Path) -> Counted:
    told = [word.replace("ROOT", str(root / "tree")) for word in words]
    (root / "tree").mkdir(exist_ok=True)
    (root / "home").mkdir(exist_ok=True)
    command, *rest = told
    argv = [sys.executable, "-m", "opsrun", command, "-i", str(hosts.hosts.inventory), *rest]
    environment = clean_environment(root / "home") | {"PYTHONPATH": str(TOP)}
    ran = hosts.run(argv, environment, root)
    if ran.status:
        raise RuntimeError(f"{' '.join(words)}: status {ran.status}{os.linesep}{ran.out}{ran.err}")
    return ran


def _row(ran: Counted) -> Row:
    rows = [tally.row() for tally in ran.tallies.values()]
    summed = {name: sum(row[name] for row in rows) for name in rows[0]}
    return {name: (summed | {"forks": ran.forks})[name] for name in COLUMNS}


def software(hosts: CountedHosts) -> str:
    """Whose processes are counted: another sshd or shell forks at other places."""
    return f"{hosts.server}, {Path('/bin/sh').resolve().name}"


@dataclass(frozen=True, slots=True)
class Table:
    """The committed figures, and what they were counted with."""

    software: str
    rows: dict[str, Row]

    def excess(self, case: Case, run: str, row: Row, software: str) -> dict[str, tuple[int, int]]:
        """What a run costs more than is allowed: by column, how much, and how much may be."""
        left_out = {"down"} if case.tells_machine else set()
        if software != self.software:
            left_out |= {"forks", "down"}
        most = {name: int(self.rows[run][name] * ROUGH.get(name, 1)) for name in COLUMNS}
        return {
            name: (row[name], most[name])
            for name in COLUMNS
            if name not in left_out and row[name] > most[name]
        }


def load_table() -> Table:
    """The committed table."""
    software, head, *lines = TABLE.read_text().splitlines()
    names = head.split("\t")[1:]
    rows = {}
    for line in lines:
        run, *cells = line.split("\t")
        rows[run] = dict(zip(names, map(int, cells), strict=True))
    return Table(software.removeprefix("# "), rows)


def save_table(table: Table) -> None:
    """Write the table, in the order of the cases."""
    lines = [f"# {table.software}", "\t".join(("run", *COLUMNS))]
    for run in (run for case in CASES for run in case.rows()):
        lines.append("\t".join((run, *(str(table.rows[run][name]) for name in COLUMNS))))
    TABLE.write_text("\n".join(lines) + "\n")
