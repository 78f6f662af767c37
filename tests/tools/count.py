"""Count anew what runs cost the wire and the hosts: ``python tests/tools/count.py [CASE ...]``.

Writes ``tests/counted/table.tsv``, and prints what has changed. Each case is counted twice; exact
figures that differ between the two are an error, and the larger count of bytes is kept. Takes root.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP), str(TOP / "tests"), str(TOP / "benchmarks")]

from harness.counting import CountedHosts, obstacle  # noqa: E402
from support import counted  # noqa: E402
from support.counted import CASES, COLUMNS, EXACT, Case, Row, Table  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {_names()}; else all")
    wanted = parser.parse_args().cases
    if unknown := set(wanted) - {case.name for case in CASES}:
        parser.error(f"no case {min(unknown)!r}; there are {_names()}")
    if reason := obstacle():
        parser.error(reason)
    rows = counted.load_table().rows if counted.TABLE.exists() else {}
    unsteady = False
    with counted.counted_hosts() as hosts:
        for case in CASES:
            if not wanted or case.name in wanted:
                unsteady |= renew(case, hosts, rows)
        counted.save_table(Table(counted.software(hosts), rows))
    return int(unsteady)


def renew(case: Case, hosts: CountedHosts, rows: dict[str, Row]) -> bool:
    """Count a case into the table; whether two counts of it differ."""
    first, second = counted.count(case, hosts), counted.count(case, hosts)
    unsteady = False
    for run, row in first.items():
        other = second[run]
        for name in EXACT:
            if row[name] != other[name]:
                unsteady = True
                print(f"{run}: {name} is {row[name]} and {other[name]}", file=sys.stderr)
        new = {name: max(row[name], other[name]) for name in COLUMNS}
        print(f"{run}: {said(rows.get(run), new)}")
        rows[run] = new
    return unsteady


def said(old: Row | None, new: Row) -> str:
    """A row, in words."""
    return ", ".join(
        f"{name} {new[name]}" if old is None else f"{name} {old[name]} -> {new[name]}"
        for name in COLUMNS
        if old is None or old[name] != new[name]
    )


def _names() -> str:
    return ", ".join(case.name for case in CASES)


if __name__ == "__main__":
    sys.exit(main())
