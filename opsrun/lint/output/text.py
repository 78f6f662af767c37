"""For people: one problem after the other, each with its line and what is meant in it."""

from __future__ import annotations

from collections.abc import Iterator

from opsrun.lint.problem import SEVERITIES, Problem
from opsrun.lint.run import LintReport
from opsrun.views.sanitise import sanitise

_MOST = 160


def lines(report: LintReport) -> Iterator[str]:
    """A head, the line, and a caret under the text that is meant."""
    for problem in report.problems:
        yield head(problem)
        yield from _excerpt(problem, report.line(problem))


def head(problem: Problem) -> str:
    """Place, severity, message and rule in one line."""
    place = f"{problem.path}:{problem.line}:{problem.column}"
    return sanitise(f"{place}: {problem.severity}: {problem.message} [{problem.rule}]")


def _excerpt(problem: Problem, line: str) -> Iterator[str]:
    text = line.rstrip("\r").replace("\t", " ")
    if not text.strip():
        return
    start = problem.column - 1
    cut = max(0, start - _MOST // 2) if len(text) > _MOST else 0
    shown = sanitise(text[cut : cut + _MOST])
    length = max(1, min(problem.length, len(shown) - (start - cut)))
    yield f"  {shown}"
    yield f"  {' ' * (start - cut)}{'^' * length}"


def summary(report: LintReport, fixed: int = 0) -> str:
    """One line: how many problems, in how many files."""
    total = sum(report.files.values())
    counts = [(severity, report.count(severity)) for severity in SEVERITIES]
    said = ", ".join(_counted(number, name) for name, number in counts if number)
    what = said or "nothing to say"
    kinds = ", ".join(
        f"{_counted(number, _CALLED[kind])}"
        for kind, number in sorted(report.files.items(), key=lambda pair: -pair[1])
    )
    found = f"{what}; read {_counted(total, 'file')}" + (f": {kinds}" if total else "")
    if report.sealed:
        found += f"; {len(report.sealed)} encrypted, not read"
    return found + (f"; fixed {_counted(fixed, 'problem')}" if fixed else "")


_CALLED = {
    "playbook": "playbook",
    "tasks": "task file",
    "handlers": "file of handlers",
    "vars": "variable file",
    "meta": "meta file",
    "template": "template",
}


def _counted(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what}"
    if what == "file of handlers":
        return f"{number} files of handlers"
    return f"{number} {what}s"
