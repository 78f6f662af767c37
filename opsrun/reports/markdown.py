"""Markdown for a pull request, in GitHub's flavour (https://github.github.com/gfm/).

What came from elsewhere stands in ``<code>`` or in a fenced block, where GitHub makes no mention,
no reference and no link of it; in ``<code>`` every sign that could do more is an entity, so that it
ends no cell of a table and marks nothing up. A comment there holds 65,536 characters at
most: what would go past that is left out, and it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from opsrun.reports.model import Diff, Group, RunReport, Said, Status, Task
from opsrun.reports.texts import shortened
from opsrun.reports.words import (
    duration,
    facts,
    many,
    names,
    open_heading,
    slowest,
    tone,
    verdict,
)

MOST = 60_000
"""Characters of the whole."""
_OUTPUT = 3_000
_FOLDED = 14_000
"""Of all changes, and of all outputs."""
_NAMES = 300
_FEW = 20
"""Problems, outputs and diffs of each kind."""
_MARKUP = re.compile(r"[^A-Za-z0-9 ,./;()='%+-]|(?<=www)\.", re.IGNORECASE)
"""What may mark something up, or make a link; a hyphen would at a line's beginning only."""
_SIGNS = {"good": "✅", "bad": "❌", "open": "⏳"}
_MARKS = {
    Status.OK: "✅",
    Status.CHANGED: "🟡",
    Status.SKIPPED: "⚪",
    Status.FAILED: "❌",
    Status.UNREACHABLE: "🔌",
    Status.LOST: "❓",
    Status.UNKNOWN: "❓",
    Status.UNFINISHED: "❓",
    Status.CANCELLED: "🚫",
    Status.UNDER_WAY: "⏳",
}


def markdown(report: RunReport) -> Iterator[str]:
    """The text, in pieces: what matters most first."""
    room = MOST
    left_out = 0
    for part in _parts(report):
        if left_out or len(part) > room:
            left_out += 1
            continue
        room -= len(part)
        yield part
    if left_out:
        yield f"… and {many(left_out, 'part')} more, for which a comment has no room.\n"


def _parts(report: RunReport) -> Iterator[str]:
    about = report.about
    yield f"### {_SIGNS[tone(report)]} {_plain(verdict(report))}\n\n"
    yield f"{code(shortened(about.line or about.title, 400))}\n\n"
    yield from _counts(report)
    yield from _open(report)
    yield from _problems(report)
    if report.words:
        yield "\n#### Notices\n\n"
    for word in report.words[:_FEW]:
        hosts = f" {_hosts(word.hosts)}" if word.hosts else ""
        yield f"- {word.level}: {code(word.text)}{hosts}\n"
    yield "\n"
    yield from _tasks(report)
    yield from _changes(report)
    yield from _outputs(report)
    told = " · ".join(f"{name} {code(value)}" for name, value in facts(report) if value)
    yield f"<sub>{told}</sub>\n"


def _counts(report: RunReport) -> Iterator[str]:
    counts = report.counts
    if counts:
        heads = (f"{_MARKS.get(status, '')} {status}".strip() for status in counts)
        yield f"| {' | '.join(heads)} |\n"
        yield f"|{' ---: |' * len(counts)}\n"
        yield f"| {' | '.join(f'{count:,}' for count in counts.values())} |\n\n"


def _open(report: RunReport) -> Iterator[str]:
    if not report.open:
        return
    title, sentence = open_heading(report)
    yield f"#### {title}\n\n{sentence}\n\n"
    by_task: dict[int, list[str]] = {}
    for each in report.open:
        by_task.setdefault(each.task, []).append(each.host)
    for number, hosts in by_task.items():
        task = report.tasks[number - 1] if number and report.is_playbook else None
        what = f": {code(task.title)} {_origin(task)}" if task else ""
        yield f"- {_hosts(tuple(hosts))}{what}\n"
    yield "\n"


def _problems(report: RunReport) -> Iterator[str]:
    found = [(task, group) for task in report.tasks for group in task.problems]
    found.sort(key=lambda each: each[1].status.severity)
    bad = [each for each in found if each[1].status.is_bad]
    if bad or report.stopped:
        yield "#### Problems\n\n"
    for task, group in bad[:_FEW]:
        yield _problem(report, task, group)
    if len(bad) > _FEW:
        yield f"… and {many(len(bad) - _FEW, 'other')}.\n\n"
    for group in report.stopped[:_FEW]:
        why = f": {code(group.said.why)}" if group.said.why else ""
        yield f"- {_MARKS.get(group.status, '')} **{group.status}** {_hosts(group.hosts)}{why}\n"


def _problem(report: RunReport, task: Task, group: Group) -> str:
    mark = _MARKS.get(group.status, "")
    what = f": {code(task.title)}{_item(group.item)} {_origin(task)}" if report.is_playbook else ""
    how = f", {_plain(group.said.how)}" if group.said.how else ""
    first, *more = group.said.why.splitlines() or [""]
    words = f"<br>{code(shortened(first, 500))}" if first else ""
    hint = f"<br>→ {code(group.said.hint)}" if group.said.hint else ""
    head = f"- {mark} **{group.status}** {_hosts(group.hosts)}{what}{how}{words}{hint}\n"
    rest = "\n".join(more)
    inside = _blocks(Said("", "", "", group.said.stdout, group.said.stderr, rest), "  ")
    return f"{head}\n{inside}\n" if inside else f"{head}\n"


def _tasks(report: RunReport) -> Iterator[str]:
    found = slowest(report, 5) if report.is_playbook else []
    if not found:
        return
    rows = "".join(
        f"| {code(task.title)} | {_origin(task)} | {duration(task.longest)} on "
        f"{code(task.slowest)} | {duration(task.middle)} |\n"
        for task in found
    )
    head = "| task | where | longest | median |\n| --- | --- | ---: | ---: |\n"
    yield f"<details><summary>Slowest tasks</summary>\n\n{head}{rows}\n</details>\n\n"


def _changes(report: RunReport) -> Iterator[str]:
    yield from _folded(
        "Changes", [_diff(task, diff) for task in report.tasks for diff in task.diffs[:_FEW]]
    )


def _folded(title: str, parts: Sequence[str]) -> Iterator[str]:
    """As many of the parts as there is room for, folded."""
    shown, room = 0, _FOLDED
    while shown < min(len(parts), _FEW) and len(parts[shown]) <= room:
        room -= len(parts[shown])
        shown += 1
    if shown:
        left = len(parts) - shown
        more = f"… and {left:,} more.\n\n" if left else ""
        head = f"<details><summary>{title}</summary>\n\n"
        yield f"{head}{''.join(parts[:shown])}{more}</details>\n\n"


def _diff(task: Task, diff: Diff) -> str:
    text = shortened("\n".join(diff.lines), _OUTPUT)
    left = f"\n… {diff.left_out:,} lines left out …" if diff.left_out else ""
    head = f"{code(task.title)}{_item(diff.item)} on {_hosts(diff.hosts)}"
    return f"{head}\n\n{fence(text + left, 'diff')}\n"


def _outputs(report: RunReport) -> Iterator[str]:
    yield from _folded(
        "Outputs",
        [_output(report, task, group) for task in report.tasks for group in task.said[:_FEW]],
    )


def _output(report: RunReport, task: Task, group: Group) -> str:
    what = f"{code(task.title)}{_item(group.item)} on " if report.is_playbook else ""
    return f"{what}{_hosts(group.hosts)}\n\n{_blocks(group.said, '')}\n"


def _blocks(said: Said, indent: str) -> str:
    """What was said, in fenced blocks; ``indent`` makes them part of an item of a list."""
    parts = [part for part in (said.why, said.more, said.stderr, said.stdout) if part]
    blocks = "\n".join(fence(shortened(part, _OUTPUT)) for part in parts)
    return "".join(f"{indent}{line}\n" if line else "\n" for line in blocks.splitlines())


def fence(text: str, language: str = "") -> str:
    """A fenced block that nothing in the text can end.

    >>> fence("a")
    '```\\na\\n```\\n'
    """
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}\n"


def code(text: str) -> str:
    """Text on one line that is nothing but text, anywhere.

    >>> code("a|b")
    '<code>a&#124;b</code>'
    """
    line = " ".join(text.split("\n"))
    return f"<code>{_MARKUP.sub(_entity, line)}</code>" if line else ""


def _plain(text: str) -> str:
    """Words of ours."""
    return re.sub(r"[^A-Za-z0-9 .,;:()'/-]", _entity, text)


def _entity(match: re.Match[str]) -> str:
    char = match[0]
    return char if not char.isascii() else f"&#{ord(char)};"


def _hosts(hosts: tuple[str, ...]) -> str:
    words = names(hosts)
    return code(words) if len(words) <= _NAMES else many(len(hosts), "host")


def _origin(task: Task) -> str:
    return code(task.origin) if task.origin else ""


def _item(item: str | None) -> str:
    return "" if item is None else f" {code(f'item={item}')}"
