"""The report as one page of HTML that needs nothing else: no network, no script to be read.

Everything that came from elsewhere is text (`opsrun.reports.markup.text`). Should a tag get through
all the same, the page's policy (https://www.w3.org/TR/CSP3/) runs no script but ours, which it
knows by its hash, and loads nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from opsrun.reports import tasks_html
from opsrun.reports.hosts_html import hosts_section
from opsrun.reports.markup import badge, hosts, text
from opsrun.reports.model import RunReport
from opsrun.reports.words import (
    Tone,
    duration,
    facts,
    many,
    moment,
    open_heading,
    slowest,
    slowest_hosts,
    tone,
    verdict,
)

_SLOWEST = 8
_OPEN = 500
"""So many unknown outcomes are listed."""
_DOTS: dict[Tone, str] = {"good": "%231a7f43", "bad": "%23bd2323", "open": "%231565b8"}


def page(report: RunReport) -> Iterator[str]:
    """The page, in pieces."""
    script = _file("page.js")
    sections = list(_sections(report))
    yield _head(report, script)
    yield f'<body class="{tone(report)}">\n'
    yield _top(report)
    links = "".join(
        f'<li><a href="#{name}">{title}{f" <b>{count:,}</b>" if count else ""}</a></li>'
        for name, title, count, _ in sections
    )
    yield f'<nav aria-label="Parts of the report"><ul class="wrap">{links}</ul></nav>\n'
    yield '<main class="wrap">\n'
    for name, _, _, body in sections:
        yield f'<section id="{name}">{body}</section>\n'
    yield "</main>\n"
    yield _foot(report)
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _sections(report: RunReport) -> Iterator[tuple[str, str, int, str]]:
    """Id, title, a number to it, and HTML of each part that there is."""
    if report.open:
        title, _ = open_heading(report)
        yield "open", title, len(report.open), _open(report)
    count, problems = tasks_html.problems(report)
    if count:
        yield "problems", "Problems", count, problems
    if report.words:
        yield "notices", "Notices", len(report.words), _words(report)
    if report.hosts:
        yield "hosts", "Hosts", len(report.hosts), hosts_section(report)
    if not report.is_playbook and any(task.counts for task in report.tasks):
        yield "tasks", "Output", 0, tasks_html.output(report)
    if any(task.longest for task in report.tasks):
        yield "slowest", "Slowest", 0, _slowest(report)
    if any(task.diffs for task in report.tasks):
        count = sum(len(task.diffs) for task in report.tasks)
        yield "changes", "Changes", count, tasks_html.changes(report)
    if report.is_playbook and report.tasks:
        yield "tasks", "Tasks", len(report.tasks), tasks_html.tasks(report)
    if report.stats:
        lines = text("\n".join(report.stats))
        yield "stats", "Values", 0, f"<h2>Values that tasks left</h2><pre>{lines}</pre>"


def _head(report: RunReport, script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    dot = _DOTS[tone(report)]
    icon = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        f"%3Ccircle cx='8' cy='8' r='7' fill='{dot}'/%3E%3C/svg%3E"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex">\n'
        f'<link rel="icon" href="{icon}">\n'
        f"<title>{text(verdict(report))} · {text(report.about.title)}</title>\n"
        f"<style>\n{_file('page.css')}</style>\n</head>\n"
    )


def _top(report: RunReport) -> str:
    about = report.about
    what = f'<p class="what"><code>{text(about.line or about.title)}</code></p>'
    counts = report.counts
    share = "".join(
        f'<span class="{status.slug}" style="flex-grow:{count}"></span>'
        for status, count in counts.items()
    )
    tiles = "".join(
        f'<li class="{status.slug}"><b>{count:,}</b> {status.value}</li>'
        for status, count in counts.items()
    )
    bar = f'<div class="share" aria-hidden="true">{share}</div>' if share else ""
    listed = f'<ul class="tiles" aria-label="Hosts by outcome">{tiles}</ul>' if tiles else ""
    told = "".join(
        f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts(report)
    )
    return (
        f'<header class="top"><div class="wrap"><h1>{text(verdict(report))}</h1>{what}{bar}'
        f'{listed}<dl class="facts">{told}</dl></div></header>\n'
    )


def _foot(report: RunReport) -> str:
    about = report.about
    return (
        f'<footer class="wrap">Written {moment(about.written)} from the journal, run '
        f"<code>{text(about.id)}</code>. It holds what hosts said: whoever reads it reads that. "
        "Passwords that opsrun knew are ********.</footer>\n"
    )


def _open(report: RunReport) -> str:
    title, sentence = open_heading(report)
    status = "under-way" if report.about.state == "running" else "unknown"
    by_task: dict[int, list[str]] = {}
    for each in report.open[:_OPEN]:
        by_task.setdefault(each.task, []).append(each.host)
    rows = "".join(
        f'<li class="card problem {status}"><p class="row">{hosts(tuple(found))}'
        f"{_task_link(report, number)}</p></li>"
        for number, found in by_task.items()
    )
    left = len(report.open) - _OPEN
    more = f'<p class="hint">… and {left:,} more; the journal has them.</p>' if left > 0 else ""
    return f'<h2>{title}</h2><p class="hint">{sentence}</p><ul class="list">{rows}</ul>{more}'


def _task_link(report: RunReport, number: int) -> str:
    if not number or not report.is_playbook:
        return ""
    task = report.tasks[number - 1]
    return f'<a href="#t{number}">{text(task.title)}</a><span class="at">{text(task.origin)}</span>'


def _words(report: RunReport) -> str:
    rows = "".join(
        f'<li class="word"><span class="st {_LEVELS.get(word.level, "skipped")}">{word.level}'
        f"</span> {text(word.text)} {hosts(word.hosts) if word.hosts else ''}</li>"
        for word in report.words[:_OPEN]
    )
    return f'<h2>Notices</h2><ul class="card">{rows}</ul>'


_LEVELS = {"error": "failed", "warning": "changed", "left to do": "changed"}


def _slowest(report: RunReport) -> str:
    found = slowest(report, _SLOWEST) if report.is_playbook else []
    tasks = "".join(
        _bar(
            f'<a href="#t{task.number}">{text(task.title)}</a>',
            task.longest,
            found[0].longest,
            f"longest on {text(task.slowest)} · median {duration(task.middle)} · "
            f"{duration(task.total)} over {many(sum(task.counts.values()), 'host')}",
        )
        for task in found
    )
    at_work = slowest_hosts(report, _SLOWEST)
    machines = "".join(
        _bar(
            f"{text(host.name)} {badge(host.status) if host.status.is_bad else ''}",
            host.duration,
            at_work[0].duration,
            "",
        )
        for host in at_work
    )
    left = f'<div class="card"><h3>Tasks</h3><ol class="bars">{tasks}</ol></div>' if tasks else ""
    head = "<h3>Hosts</h3>" if tasks else ""
    right = f'<div class="card">{head}<ol class="bars">{machines}</ol></div>'
    return f'<h2>Slowest</h2><div class="two">{left}{right}</div>'


def _bar(name: str, seconds: float, most: float, more: str) -> str:
    share = 100 * seconds / most if most else 0
    small = f"<small>{more}</small>" if more else ""
    return (
        f'<li><span class="name">{name}</span><span class="time">{duration(seconds)}</span>'
        f'<svg aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 1">'
        f'<rect width="{share:.1f}" height="1"/></svg>{small}</li>'
    )


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
