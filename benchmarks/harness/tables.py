"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.contestants import FLOOR, OURS
from harness.results import Row

_HEAD = (
    "contestant",
    "-f",
    "wall s",
    "× bare",
    "client CPU ms/host",
    "× bare",
    "peak MB",
    "all processes MB",
    "processes",
    "KB/host",
    "failed",
    "runs",
)

CPU_RATIO, WALL_RATIO, KB_A_HOST = 1.3, 1.15, 100.0


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first to the right."""
    rules = ["---"] + ["---:"] * (len(head) - 1)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rules, *lines))


def scenario_table(rows: Sequence[Row]) -> str:
    """One scenario, a line for each contestant."""
    floor = next((row for row in rows if row.name == FLOOR), None)
    return table(_HEAD, [_cells(row, floor) for row in rows])


def _cells(row: Row, floor: Row | None) -> list[str]:
    # Short-lived helpers at the start don't count; a process for each host does.
    alone = row.total_mb < 1.2 * row.largest_mb
    low, high = row.spread
    span = f" ({low:.1f}–{high:.1f})" if len(row.runs) > 1 else ""
    return [
        row.name,
        f"{row.forks:,}{'' if row.comparable else ' †'}",
        f"{row.wall:.2f}{span}",
        f"{row.wall_ratio(floor):.2f}" if floor else "–",
        f"{row.cpu_ms:.2f}",
        f"{row.cpu_ratio(floor):.2f}" if floor else "–",
        f"{row.largest_mb:.0f}",
        f"{row.total_mb:.0f}",
        f"{row.processes}",
        f"{row.kb_a_host:.0f}" if alone else "–",
        f"{row.failed}",
        f"{len(row.runs)}",
    ]


def group(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows by scenario, in their order."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        if row.runs:
            groups.setdefault(row.scenario, []).append(row)
    return list(groups.values())


def targets(rows: Iterable[Row]) -> str:
    """What opsrun set out for, and where it stands; a line for each scenario."""
    head = ("scenario", "CPU × bare", "wall × bare", "KB/host", "failed", "best peer", "verdict")
    lines = []
    for mine in group(rows):
        found = {row.name: row for row in mine}
        if OURS in found and FLOOR in found:
            lines.append(_target_cells(found))
    return table(head, lines) if lines else ""


def _target_cells(found: dict[str, Row]) -> list[str]:
    ours, floor = found[OURS], found[FLOOR]
    peers = [
        row
        for name, row in found.items()
        if row.comparable and not name.startswith(OURS) and name != FLOOR
    ]
    best = min(peers, key=lambda row: row.wall, default=None)
    cpu, wall = ours.cpu_ratio(floor), ours.wall_ratio(floor)
    missed = []
    if cpu > CPU_RATIO:
        missed.append("CPU")
    if wall > WALL_RATIO:
        missed.append("wall")
    if ours.kb_a_host > KB_A_HOST:
        missed.append("memory")
    if ours.failed:
        missed.append("failures")
    if best is not None and best.wall < ours.wall:
        missed.append("a peer is ahead")
    return [
        str(ours.scenario),
        f"{cpu:.2f}",
        f"{wall:.2f}",
        f"{ours.kb_a_host:.0f}",
        f"{ours.failed}",
        f"{best.name} {best.wall:.2f} s" if best else "–",
        "missed: " + ", ".join(missed) if missed else "met",
    ]
