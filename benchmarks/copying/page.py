"""``results/files.md``: every figure, and what it takes to judge it."""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import version

from harness import machine
from harness.environments import version_of
from harness.tables import table

from copying.contestants import LARGE_PEER, OURS, TREE_PEER, Contestant
from copying.plan import size_words
from copying.results import Row
from copying.session import Session

LARGE_TIMES, TREE_TIMES = 1.5, 1.0
FLAT_MB = 16
"""What the largest peak may exceed the smallest by, to count as flat."""

_READING = """\
Source, hosts and what arrives lie on one {place} of this machine; client and servers
share its processors and loopback. Each run is into an empty place, in rounds that go through all
contestants in turn; then every file on every host is compared with its source, byte by byte, and
removed. A run in which anything was missing or different, or whose exit status was not 0, has no
figures. Figures are medians, in brackets the quickest and the slowest; *MB/s* is to all hosts
together (10⁶ bytes); *× scp* and *× rsync* say how many times as fast as these a contestant was:
medians of the ratios of runs in the same round. *client CPU* and *servers' CPU* are user and system
time of all processes on that side, those included that the servers start. *peak MB* is the largest
client process, *all MB* the sum over all of them at one moment with shared pages counted once.
Where scp, sftp and rsync copy to several hosts, a shell starts all of their processes at once.
Ciphers are each tool's own choice.
"""


def render(session: Session, date: datetime.date, command: str, place: str) -> str:
    """The whole page."""
    parts = [
        "# `opsrun put` and `get` beside other tools\n",
        f"{date.isoformat()} · {machine.describe()} · server {session.server} · "
        f"load average {session.load:.1f} before it began\n\n`{command}`\n",
        _contestants(session),
        _READING.format(place=place),
    ]
    if goals := _targets(session.rows):
        parts.append(
            f"## Targets\n\nAt least {LARGE_TIMES:g} times as fast as {LARGE_PEER} with a large "
            f"file, at least as fast as {TREE_PEER} with a tree, and memory that doesn't grow with "
            f"the file (at most {FLAT_MB} MB).\n\n{goals}"
        )
    for rows in _grouped(row for row in session.rows if row.scenario.what != "huge"):
        parts.append(f"## {rows[0].scenario}\n\n{_scenario_table(rows)}")
        if again := _again_table(rows):
            parts.append(f"Again, all of it being there already:\n\n{again}")
    if memory := _memory_table(session.rows):
        parts.append(f"## Memory, in MB, of all client processes, one host\n\n{memory}")
    wrong = [words for row in session.rows for words in row.remarks]
    if remarks := [*session.notes, *session.skipped, *wrong]:
        parts.append("## Remarks\n\n" + "".join(f"- {remark}\n" for remark in remarks))
    return "\n".join(parts)


def _contestants(session: Session) -> str:
    return "".join(
        f"- **{each.name}**: {each.about} ({_label(session, each)})\n"
        for each in session.contestants
    )


def _label(session: Session, contestant: Contestant) -> str:
    if contestant.distribution:
        found = version_of(session.python(contestant), contestant.distribution)
        return f"{contestant.distribution} {found}"
    if contestant.name.startswith(OURS):
        return f"opsrun {version('opsrun')}"
    if contestant.program == "rsync":
        said = subprocess.run(["rsync", "--version"], capture_output=True, text=True, check=False)
        number = re.search(r"version (\S+)", said.stdout)
        return f"rsync {number[1] if number else ''}, {machine.ssh_version()}"
    return machine.ssh_version()


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[object, list[Row]] = {}
    for row in rows:
        if row.runs:
            groups.setdefault(row.scenario, []).append(row)
    return list(groups.values())


def _scenario_table(rows: list[Row]) -> str:
    named = {row.name: row for row in rows}
    head = (
        "contestant",
        "wall s",
        "MB/s",
        "× scp",
        "× rsync",
        "client CPU s",
        "servers' CPU s",
        "peak MB",
        "all MB",
        "processes",
        "failed",
        "runs",
    )
    return table(head, [_cells(row, named) for row in rows])


def _cells(row: Row, named: dict[str, Row]) -> list[str]:
    bad = len(row.runs) - len(row.good)
    if not row.good:
        return [row.name, *["–"] * 9, f"{bad}", f"{len(row.runs)}"]
    low, high = row.spread
    span = f" ({low:.2f}–{high:.2f})" if len(row.good) > 1 else ""
    return [
        row.name,
        f"{row.wall:.2f}{span}",
        f"{row.rate:.0f}",
        _times(row.times_as_fast_as(named.get(LARGE_PEER))),
        _times(row.times_as_fast_as(named.get(TREE_PEER))),
        f"{row.median(lambda m: m.cpu):.2f}",
        f"{row.server_cpu:.2f}",
        f"{row.median(lambda m: m.largest_kb) / 1024:.0f}",
        f"{row.median(lambda m: m.total_kb) / 1024:.0f}",
        f"{row.median(lambda m: m.processes):.0f}",
        f"{bad}",
        f"{len(row.runs)}",
    ]


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def _again_table(rows: list[Row]) -> str:
    lines = [
        [
            row.name,
            f"{row.again.measured.wall:.2f}",
            f"{row.again.measured.cpu:.2f}",
            f"{row.again.server_cpu:.2f}",
        ]
        for row in rows
        if row.again is not None and row.again.good
    ]
    head = ("contestant", "wall s", "client CPU s", "servers' CPU s")
    return table(head, lines) if lines else ""


def _peaks(rows: Iterable[Row]) -> dict[tuple[str, bool], dict[int, float]]:
    """MB by size, of files copied to and from one host."""
    peaks: dict[tuple[str, bool], dict[int, float]] = {}
    for row in rows:
        if row.scenario.what != "tree" and row.scenario.hosts == 1 and row.good:
            mine = peaks.setdefault((row.name, row.scenario.put), {})
            mine[row.scenario.amount] = row.median(lambda m: m.total_kb) / 1024
    return peaks


def _memory_table(rows: list[Row]) -> str:
    peaks = _peaks(rows)
    sizes = sorted({size for mine in peaks.values() for size in mine})
    if len(sizes) < 2:
        return ""
    columns = [(put, size) for put in (True, False) for size in sizes]
    head = [f"{'put' if put else 'get'} {size_words(size)}" for put, size in columns]
    lines = []
    for name in dict.fromkeys(row.name for row in rows):
        found = [peaks.get((name, put), {}).get(size) for put, size in columns]
        if any(found):
            lines.append([name, *("–" if mb is None else f"{mb:.0f}" for mb in found)])
    return table(["contestant", *head], lines)


def _targets(rows: list[Row]) -> str:
    lines = []
    for group in _grouped(row for row in rows if row.scenario.what != "huge"):
        named = {row.name: row for row in group}
        large = group[0].scenario.what == "big"
        peer, wanted = (LARGE_PEER, LARGE_TIMES) if large else (TREE_PEER, TREE_TIMES)
        if OURS in named and (ratio := named[OURS].times_as_fast_as(named.get(peer))):
            goal = f"{wanted:g} × {peer}"
            verdict = "met" if ratio >= wanted else "missed"
            lines.append([str(group[0].scenario), goal, f"{ratio:.2f} × {peer}", verdict])
    for (name, put), mine in _peaks(rows).items():
        if name == OURS and len(mine) > 1:
            grown = max(mine.values()) - min(mine.values())
            words = f"{'put' if put else 'get'} {', '.join(map(size_words, sorted(mine)))}, 1 host"
            verdict = "met" if grown <= FLAT_MB else "missed"
            lines.append([f"memory, {words}", f"± {FLAT_MB} MB", f"{grown:.0f} MB", verdict])
    return table(("scenario", "wanted", "is", "verdict"), lines) if lines else ""
