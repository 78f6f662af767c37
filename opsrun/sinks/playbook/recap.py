"""The table at a playbook's end: what became of each host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsrun.events import CustomStats, Outcome
from opsrun.sinks.cells import cut, pad, width
from opsrun.sinks.names import label
from opsrun.sinks.style import OUTCOME_STYLE, paint
from opsrun.views.sanitise import sanitise_line

FEW = 20
"""So many hosts have a line each; of more, those with equal counts have one together."""
_ROWS = 40
_NAME = 60
COUNTS = (
    *("ok", "changed", "unreachable", "lost", "failed", "skipped", "rescued", "ignored"),
    "cancelled",
)
_ALWAYS = ("ok", "changed", "failed")
_STYLE = {name: OUTCOME_STYLE[Outcome(name)] for name in COUNTS if name in set(Outcome)}

Counts = tuple[int, ...]


def recap_lines(recap: Mapping[str, Mapping[str, Any]], color: bool) -> Iterator[str]:
    """A row for each host, or for each group of hosts with equal counts, the worst last.

    Args:
        recap: by host what its result's ``data["recap"]`` holds.
        color: whether numbers are coloured.
    """
    rows = _rows(recap)
    shown = [
        name
        for index, name in enumerate(COUNTS)
        if name in _ALWAYS or any(counts[index] for _, counts in rows)
    ]
    columns = max((width(name) for name, _ in rows), default=0)
    for name, counts in rows[-_ROWS:]:
        numbers = zip(COUNTS, counts, strict=True)
        cells = [_cell(word, number, color) for word, number in numbers if word in shown]
        yield f"  {pad(name, columns)}  {'  '.join(cells)}".rstrip()
    if len(rows) > _ROWS:
        yield f"  … and {len(rows) - _ROWS} other rows of hosts that fared better"


def stats_lines(stats: CustomStats) -> Iterator[str]:
    """A row for each value that set_stats left: those of the run, then those of hosts."""
    for name, value in stats.run.items():
        yield f"  {_value(name, value)}"
    for host, values in stats.hosts.items():
        for name, value in values.items():
            yield f"  {cut(sanitise_line(host), _NAME)}  {_value(name, value)}"


def _value(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return f"{sanitise_line(name)}: {sanitise_line(text)}"


def _cell(word: str, number: int, color: bool) -> str:
    text = f"{word} {number:<3}"
    return paint(text, _STYLE.get(word, ""), color and bool(number))


def _rows(recap: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Counts]]:
    counts = {host: _counts(found) for host, found in recap.items()}
    if len(counts) <= FEW:
        return [(_name([host]), found) for host, found in counts.items()]
    groups: dict[Counts, list[str]] = {}
    for host, found in counts.items():
        groups.setdefault(found, []).append(host)
    rows = sorted(groups.items(), key=lambda group: _badness(group[0]))
    return [(_name(hosts), found) for found, hosts in rows]


def _badness(counts: Counts) -> tuple[int, ...]:
    by_name = dict(zip(COUNTS, counts, strict=True))
    return tuple(by_name[name] for name in ("lost", "unreachable", "failed", "cancelled"))


def _name(hosts: Sequence[str]) -> str:
    return cut(label(hosts) if len(hosts) > 1 else sanitise_line(hosts[0]), _NAME)


def _counts(found: Mapping[str, Any]) -> Counts:
    values = (found.get(name) for name in COUNTS)
    return tuple(value if isinstance(value, int) else 0 for value in values)
