"""The tasks: what went wrong, what they changed, and what they had to say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opsrun.reports.markup import alike, badge, hosts, item, said, text
from opsrun.reports.model import Diff, Group, RunReport, Task
from opsrun.reports.words import duration

_PROBLEMS = 300
"""So many different ones are shown."""
_GROUPS, _ALL_GROUPS = 60, 1_500
"""So many different outputs of a task are shown, and of all tasks."""
_SHORT = 4
"""From so many on, outputs of one line that differ from host to host stand in a table."""
_DIFFS, _ALL_DIFFS = 60, 600
_OPEN_DIFF = 40
"""Lines of a diff that are shown unasked."""


def problems(report: RunReport) -> tuple[int, str]:
    """How many there are, and the part of the page."""
    found = [
        (task, index, group) for task in report.tasks for index, group in enumerate(task.problems)
    ]
    found.sort(key=lambda each: (each[2].status.severity, each[0].number))
    bad = [each for each in found if each[2].status.is_bad]
    dealt = [each for each in found if not each[2].status.is_bad]
    body = "".join(_problem(report, *each) for each in bad[:_PROBLEMS])
    stopped = report.stopped
    body += "".join(map(_stopped, stopped))
    parts = [f'<h2>Problems</h2><div class="list">{body}</div>{_more(len(bad), _PROBLEMS)}']
    if dealt:
        inside = "".join(_problem(report, *each) for each in dealt[:_PROBLEMS])
        count = (
            f"{len(dealt):,} more that {'was' if len(dealt) == 1 else 'were'} ignored or rescued"
        )
        parts.append(
            f'<details class="more"><summary>{count}</summary><div class="list">{inside}</div>'
            f"{_more(len(dealt), _PROBLEMS)}</details>"
        )
    return len(bad) + len(stopped) or len(dealt), "".join(parts)


def _problem(report: RunReport, task: Task, index: int, group: Group) -> str:
    where = ""
    if report.is_playbook:
        origin = f'<span class="at">{text(task.origin)}</span>' if task.origin else ""
        where = f'<a href="#t{task.number}">{text(task.title)}</a>{item(group)}{origin}'
    how = f'<span class="at">{text(group.said.how)}</span>' if group.said.how else ""
    return (
        f'<article class="card problem {group.status.slug}" id="p{task.number}-{index}"><h3>'
        f"{badge(group.status)}{hosts(group.hosts)}{where}{how}{alike(group)}</h3>"
        f"{said(group.said, folded=True)}</article>"
    )


def _stopped(group: Group) -> str:
    return (
        f'<article class="card problem {group.status.slug}"><h3>{badge(group.status)}'
        f"{hosts(group.hosts)}</h3>{said(group.said, folded=True)}</article>"
    )


def _more(count: int, shown: int) -> str:
    if count <= shown:
        return ""
    return f'<p class="hint">… and {count - shown:,} others; the journal has them.</p>'


def changes(report: RunReport) -> str:
    """Every diff, by task."""
    changing = sum(1 for task in report.tasks if task.diffs)
    most = max(5, min(_DIFFS, _ALL_DIFFS // max(1, changing)))
    parts = []
    for task in report.tasks:
        if not task.diffs:
            continue
        rows = "".join(_diff(diff) for diff in task.diffs[:most])
        head = f'<p class="row"><a href="#t{task.number}">{text(task.title)}</a></p>'
        body = f"{head if report.is_playbook else ''}{rows}{_more(len(task.diffs), most)}"
        parts.append(f'<div class="card problem changed">{body}</div>')
    return f'<h2>Changes</h2><div class="list">{"".join(parts)}</div>'


def _diff(diff: Diff) -> str:
    lines = "".join(map(_diff_line, diff.lines))
    if diff.left_out:
        lines += f"<span>… {diff.left_out:,} lines left out …</span>"
    label = "" if diff.item is None else f"<code>item={text(diff.item)}</code>"
    pre = f'<pre class="diff" tabindex="0">{lines}</pre>'
    if len(diff.lines) > _OPEN_DIFF:
        summary = f"{len(diff.lines) + diff.left_out:,} lines"
        pre = f'<details class="more"><summary>{summary}</summary>{pre}</details>'
    return f'<div class="group"><p class="row">{hosts(diff.hosts)}{label}</p>{pre}</div>'


def _diff_line(line: str) -> str:
    if line.startswith(("+++", "---")):
        return f"<span>{text(line)}</span>"
    if line.startswith("+"):
        return f"<ins>{text(line)}</ins>"
    if line.startswith("-"):
        return f"<del>{text(line)}</del>"
    cls = ' class="at"' if line.startswith("@@") else ""
    return f"<span{cls}>{text(line)}</span>"


def output(report: RunReport) -> str:
    """What a command said."""
    body = "".join(_inside(task, _GROUPS, alone=True) for task in report.tasks)
    return f'<h2>Output</h2><div class="card word">{body}</div>'


def tasks(report: RunReport) -> str:
    """Every task with what it said."""
    body = "".join(_by_play(report))
    tools = (
        '<p class="tools" id="folding" hidden><button value="open">Open all</button>'
        '<button value="">Close all</button></p>'
    )
    return f'<h2>Tasks and what they said</h2>{tools}<div class="card">{body}</div>'


def _by_play(report: RunReport) -> Iterator[str]:
    before = -1
    most = max(10, min(_GROUPS, _ALL_GROUPS // max(1, len(report.tasks))))
    for task in report.tasks:
        if task.play != before and (len(report.plays) > 1 or report.plays[task.play]):
            yield f'<h3 class="play">{text(report.plays[task.play])}</h3>'
        before = task.play
        yield _task(task, most)


def _task(task: Task, most: int) -> str:
    counts = "".join(badge(status, f" {count:,}") for status, count in task.counts.items())
    kind = "handler, " if task.kind == "handler" else ""
    time = f'<span class="at">{duration(task.longest)}</span>' if task.longest else ""
    return (
        f'<details class="task" id="t{task.number}"><summary><span class="num">{task.number}</span>'
        f'<span class="name">{text(task.title)}</span><span class="at">{kind}{text(task.action)}'
        f'</span><span class="end">{counts}{time}</span></summary>'
        f'<div class="inside">{_inside(task, most, alone=False)}</div></details>\n'
    )


def _inside(task: Task, most: int, *, alone: bool) -> str:
    parts = []
    if task.origin:
        parts.append(f'<p class="at">{text(task.origin)}</p>')
    if task.retries:
        parts.append(f'<p class="at">tried again {task.retries:,} times</p>')
    bad = "".join(
        f'<p class="group row">{badge(group.status)}{hosts(group.hosts)}{item(group)}'
        f'<a href="#p{task.number}-{index}">what went wrong</a></p>'
        for index, group in enumerate(task.problems[:most])
    )
    parts.append(bad)
    short = [group for group in task.said if _is_short(group)]
    rest = [group for group in task.said if not _is_short(group)]
    if len(short) < _SHORT:
        short, rest = [], list(task.said)
    parts += [_group(group) for group in rest[:most]]
    parts.append(_more(len(rest), most))
    if short:
        parts.append(_lines(short[: most * 20]))
        parts.append(_more(len(short), most * 20))
    if task.diffs and not alone:
        parts.append('<p class="at"><a href="#changes">what it changed</a></p>')
    if not bad and not task.said and not task.diffs:
        parts.append('<p class="at">nothing was said</p>')
    return "".join(parts)


def _is_short(group: Group) -> bool:
    """One host's own, and one line."""
    said = group.said
    words = [part for part in (said.why, said.how, said.stdout, said.stderr, said.more) if part]
    return len(group.hosts) == 1 and words in ([said.stdout], [said.more]) and "\n" not in words[0]


def _lines(groups: Sequence[Group]) -> str:
    rows = "".join(
        f"<tr><th scope=row>{text(group.hosts[0])}{item(group)}</th>"
        f"<td class=mono>{text(group.said.stdout or group.said.more)}</td></tr>"
        for group in sorted(groups, key=lambda each: each.hosts)
    )
    return f'<table class="lines"><tbody>{rows}</tbody></table>'


def _group(group: Group) -> str:
    how = f'<span class="at">{text(group.said.how)}</span>' if group.said.how else ""
    return (
        f'<div class="group"><p class="row">{badge(group.status)}{hosts(group.hosts)}'
        f"{item(group)}{how}{alike(group)}</p>{said(group.said, folded=True)}</div>"
    )
