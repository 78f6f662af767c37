"""The hosts: a matrix with their tasks, or one chip each where there is but one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.reports.markup import text
from opsrun.reports.model import BY_MARK, Host, RunReport, Status, Task
from opsrun.reports.words import duration, many, names

FEW = 30
"""So many hosts have a row each; of more, those that fared the same have one together."""
CELLS = 30_000
"""Of the matrix; a page with many more is slow."""
_WIDE = 28
"""Columns of which a sheet of paper takes no more at their full width."""
_CLASSES = {
    Status.UNKNOWN: "k",
    Status.LOST: "l",
    Status.UNREACHABLE: "u",
    Status.FAILED: "f",
    Status.CANCELLED: "x",
    Status.UNFINISHED: "k",
    Status.UNDER_WAY: "w",
    Status.RESCUED: "r",
    Status.IGNORED: "i",
    Status.CHANGED: "c",
    Status.OK: "o",
    Status.SKIPPED: "s",
    Status.NOT_BEGUN: "n",
}
_WORDS = {Status.IGNORED: "failed, ignored", Status.RESCUED: "failed, rescued"}
_DULL = {Status.OK.mark, Status.SKIPPED.mark, Status.NOT_BEGUN.mark}


@dataclass(frozen=True, slots=True)
class _Row:
    hosts: tuple[str, ...]
    status: Status
    cells: str


def hosts_section(report: RunReport) -> str:
    """The part of the page."""
    if not report.is_playbook:
        return f"<h2>Hosts</h2>{_tools(report)}{_chips(report)}"
    return f"<h2>Hosts and tasks</h2>{_tools(report)}{''.join(_matrix(report))}"


def _tools(report: RunReport) -> str:
    if len(report.hosts) < 2:
        return ""
    return (
        '<div class="tools" id="tools" hidden><label>Find <input type="search" placeholder="host" '
        'autocomplete="off"></label><label><input type="checkbox"> only those that did not end '
        'well</label><output aria-live="polite"></output></div>'
    )


def _chips(report: RunReport) -> str:
    hosts = sorted(report.hosts, key=lambda host: not host.status.is_bad)
    chips = "".join(
        f'<li class="{host.status.slug}"{_bad(host.status)}>{text(host.name)}{_took(host)}</li>'
        for host in hosts
    )
    return f'<ul class="card chips">{chips}</ul>'


def _took(host: Host) -> str:
    word = "" if host.status in (Status.OK, Status.CHANGED) else f" {host.status.value}"
    time = f" {duration(host.duration)}" if host.duration else ""
    return f" <small>{word}{time}</small>" if word or time else ""


def _bad(status: Status) -> str:
    return " data-bad" if status.is_bad else ""


def _matrix(report: RunReport) -> Iterator[str]:
    rows, tasks = _rows(report), list(report.tasks)
    columns, left_out = tasks, ""
    if len(rows) * len(tasks) > CELLS:
        columns = [task for task in tasks if not _is_dull(task, rows)]
        left_out = f"{many(len(tasks) - len(columns), 'task')} that changed nothing anywhere"
    shown = rows[: max(FEW, CELLS // max(1, len(columns)))]
    if len(shown) < len(rows):
        hosts = sum(len(row.hosts) for row in rows[len(shown) :])
        left_out = f"{left_out}{' and ' if left_out else ''}{many(hosts, 'host')} that fared better"
    if left_out:
        yield f'<p class="hint">Left out, for there is so much: {left_out}.</p>'
    places = _problem_places(report)
    wide = " wide" if len(columns) > _WIDE else ""
    yield f'<div class="card matrix{wide}" tabindex="0" role="region" aria-label="Matrix">'
    yield f"<table><thead>{_plays(report, columns)}<tr><th></th>"
    yield "".join(map(_column, columns))
    yield "</tr></thead>\n<tbody>"
    for row in shown:
        yield f"\n<tr{_bad(row.status)}><th scope=row>{_name(row)}</th>"
        yield "".join(_cell(row, task, places) for task in columns)
    yield "\n</tbody></table></div>"
    yield _legend(shown)


def _rows(report: RunReport) -> list[_Row]:
    """The worst first; equal ones together, where there are many."""
    groups: dict[tuple[Status, str, str], list[str]] = {}
    apart = len(report.hosts) <= FEW
    for host in report.hosts:
        groups.setdefault((host.status, host.cells, host.name if apart else ""), []).append(
            host.name
        )
    rows = [_Row(tuple(found), status, cells) for (status, cells, _), found in groups.items()]
    return sorted(rows, key=lambda row: row.status.severity if row.status.is_bad else 99)


def _is_dull(task: Task, rows: Sequence[_Row]) -> bool:
    return all(row.cells[task.number - 1] in _DULL for row in rows)


def _plays(report: RunReport, columns: Sequence[Task]) -> str:
    if len(report.plays) < 2:
        return ""
    cells = []
    for index, name in enumerate(report.plays):
        span = sum(task.play == index for task in columns)
        if span:
            title = text(name)
            cells.append(f'<th scope="colgroup" colspan="{span}" title="{title}">{title}</th>')
    return f'<tr class="plays"><td class="n"></td>{"".join(cells)}</tr>'


def _column(task: Task) -> str:
    title = text(f"{task.number} {task.title}")
    return (
        f'<th scope="col"><a href="#t{task.number}" title="{title}">'
        f"<span>{text(task.title)}</span><i>{task.number}</i></a></th>"
    )


def _name(row: _Row) -> str:
    dot = f'<span class="dot {row.status.slug}"></span>'
    title = f'<span title="{row.status.value}">{dot}</span>'
    if len(row.hosts) == 1:
        return f"{title}{text(row.hosts[0])}"
    words = names(row.hosts)
    head = text(words if len(words) <= 60 else many(len(row.hosts), "host"))
    every = text(", ".join(row.hosts))
    return f'{title}<details class="names"><summary data-names>{head}</summary>{every}</details>'


def _cell(row: _Row, task: Task, places: dict[tuple[int, str], str]) -> str:
    mark = row.cells[task.number - 1]
    status = BY_MARK[mark]
    cls = _CLASSES[status]
    if status is Status.NOT_BEGUN:
        return f"<td class={cls}>"
    place = places.get((task.number, row.hosts[0]))
    if place is None:
        return f"<td class={cls}>{mark}"
    label = text(f"{status.value}: {task.title}")
    return f'<td class={cls}><a href="#{place}" aria-label="{label}">{mark}</a>'


def _problem_places(report: RunReport) -> dict[tuple[int, str], str]:
    """Where it is told what went wrong with a task on a host."""
    return {
        (task.number, host): f"p{task.number}-{index}"
        for task in report.tasks
        for index, group in reversed(list(enumerate(task.problems)))
        for host in group.hosts
    }


def _legend(rows: Sequence[_Row]) -> str:
    marks = set("".join(row.cells for row in rows))
    parts = "".join(
        f'<li><b class="{_CLASSES[status]}">{status.mark}</b>'
        f"<span>{_WORDS.get(status, status.value)}</span></li>"
        for status in Status
        if status.mark in marks and status is not Status.NOT_BEGUN
    )
    return f'<ul class="legend" aria-label="Legend">{parts}</ul>'
