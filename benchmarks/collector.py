"""Events a second through the collector, and the memory that it takes, on both engines.

Workers that do nothing but emit put lines into one run's queue; each measurement is a process of
its own. Exit status 1 if another number of events came out than went in, or if a run grew by more
than a fixed number of bytes, whatever the number of events: with a slow reader they have to wait.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from harness import machine
from harness.command import command_line
from harness.inside import ENGINES, ask
from harness.tables import table

_HERE = Path(__file__).resolve().parent
_HOSTS = 200
_MOST = 48 * 2**20
"""Bytes that a run may grow by: a full queue of small events, and what sinks keep to write."""
SINKS: dict[str, list[str]] = {
    "none": [],
    "text": ["text"],
    "jsonl": ["jsonl"],
    "text, jsonl, line": ["text", "jsonl", "line"],
    "slow": ["slow"],
}


def main() -> int:
    options = parse()
    load = machine.load()
    rows = []
    for engine in options.engines:
        for words, sinks in SINKS.items():
            # The slow reader's pauses are most of its time: a tenth shows what is to be seen.
            events = options.events // (10 if words == "slow" else 1)
            spec = {"sinks": sinks, "events": events, "hosts": _HOSTS}
            rows.append((engine, words, ask("collector_client", engine, spec)))
            print(*cells(*rows[-1]), sep=" | ", file=sys.stderr)
    text = page(rows, load)
    options.results.write_text(text)
    print(text)
    return int(any(row["in"] != row["out"] or row["memory"] > _MOST for *_, row in rows))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--events", type=int, default=1_000_000, metavar="N", help="in each run")
    add("--engines", type=lambda text: text.split(","), default=list(ENGINES), metavar="A,B")
    add("--results", type=Path, default=_HERE / "results" / "collector.md", metavar="FILE")
    options = parser.parse_args()
    if options.events < 10 * _HOSTS:
        parser.error(f"--events: at least {10 * _HOSTS}")
    return options


def cells(engine: str, sinks: str, row: dict[str, Any]) -> list[str]:
    """One line of the table."""
    return [
        engine,
        sinks,
        f"{row['in']:,}",
        f"{row['out']:,}",
        f"{row['events'] / row['wall']:,.0f}",
        f"{1e6 * row['cpu'] / row['events']:.1f}",
        f"{row['memory'] / 2**20:.1f}",
    ]


def page(rows: list[tuple[str, str, dict[str, Any]]], load: float) -> str:
    """The results as Markdown."""
    head = ["engine", "outputs", "events in", "out", "events/s", "CPU µs/event", "grew by MiB"]
    return (
        "# The collector under load\n\n"
        f"{datetime.date.today()} · {machine.describe()} · load average {load:.0f} "
        "before it began\n\n"
        f"`{command_line('collector.py', sys.argv[1:], ('--results',))}`\n\n"
        f"{_HOSTS} workers, 50 at once, emit lines of 50 bytes as fast as they can; one output\n"
        "more than is named counts what arrives. What is written goes to the null device; *slow*\n"
        "pauses for 1 ms at every hundredth event, and the workers wait for it. The time is that\n"
        "of a whole run, made and wound up; *grew by* is its peak of memory above what the\n"
        "process had before.\n\n" + table(head, [cells(*row) for row in rows])
    )


if __name__ == "__main__":
    sys.exit(main())
