"""The way in: files and folders in, problems out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from opsrun.errors import UsageError
from opsrun.lint import discovery, fixing, reading
from opsrun.lint.catalog import RULES, selected
from opsrun.lint.discovery import Found
from opsrun.lint.problem import Problem
from opsrun.lint.project import Project
from opsrun.lint.references import included
from opsrun.lint.rules import checks
from opsrun.lint.rules.secrets import secret_lines
from opsrun.lint.suppress import Suppressed
from opsrun.lint.view import FileView

_ROUNDS = 5
"""One correction may lead to another."""
_ONCE = frozenset({"module-not-built", "plugin-not-built"})
"""Rules of which the first place of each name says enough."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked for, and where."""

    rules: tuple[str, ...] = ()
    """Only these; none for those that are on."""
    skip: tuple[str, ...] = ()
    roles_path: tuple[str, ...] = ()


@dataclass
class LintReport:
    """What was found."""

    problems: list[Problem] = field(default_factory=list)
    files: Counter[str] = field(default_factory=Counter)
    """How many files were read, by their kinds."""
    sealed: list[str] = field(default_factory=list)
    """Files that are encrypted as a whole, and were not read."""
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The lines of files that have problems, those with secrets blanked."""
    hidden: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Lines with secrets, by file."""

    def count(self, severity: str) -> int:
        """How many problems of that severity there are."""
        return sum(problem.severity == severity for problem in self.problems)

    def line(self, problem: Problem) -> str:
        """The line that it is about; empty where there is none to be shown."""
        lines = self.lines.get(problem.path, ())
        return lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""


def lint(paths: Sequence[str], options: Options | None = None, cwd: str = "") -> LintReport:
    """Look at files, and at all that lint knows below folders.

    Args:
        paths: at least one.
        options: which rules.
        cwd: what relative paths are seen from; the working directory if empty.

    Raises:
        UsageError: a path is not there, or there is no such rule.
    """
    chosen = options or Options()
    wanted = selected(chosen.rules, chosen.skip)
    folder = cwd or os.getcwd()
    report = LintReport(lines={}, hidden={})
    found = list(_targets(paths, folder))
    root, is_project = discovery.root_of([os.path.join(folder, each) for each in paths])
    project = Project(root, is_project, folder, roles_path=chosen.roles_path)
    views = []
    for each in found:
        if reading.is_sealed(os.path.join(folder, each.path)):
            report.sealed.append(each.path)
        elif each.kind not in ("other", "inventory"):
            views.append(project.view(each))
    views += _led_to(views, project, [each for each in found if each.kind == "other"])
    report.sealed += project.sealed
    report.files.update(view.found.kind for view in views)
    problems = [problem for view in views for problem in _of_file(view, project, wanted, report)]
    report.problems = sorted(_once(problems), key=lambda each: each.key)
    return report


def _led_to(views: list[FileView], project: Project, others: list[Found]) -> list[FileView]:
    """Files that don't look like what they are, and that others include."""
    waiting, found = list(views), []
    by_path = {os.path.realpath(os.path.join(project.cwd, each.path)): each for each in others}
    while waiting and by_path:
        for path, kind in included(waiting.pop(), project):
            each = by_path.pop(os.path.realpath(os.path.join(project.cwd, path)), None)
            if each is not None and reading.is_sealed(os.path.join(project.cwd, path)):
                project.sealed.append(each.path)
            elif each is not None:
                view = project.view(replace(each, kind=kind))
                waiting.append(view)
                found.append(view)
    return found


def _targets(paths: Sequence[str], cwd: str) -> Iterator[Found]:
    seen: set[str] = set()
    for path in paths:
        full = os.path.join(cwd, path)
        if not os.path.exists(full):
            raise UsageError(f"{path}: no such file or directory")
        every = discovery.walk(path) if os.path.isdir(full) else [discovery.named(path)]
        for found in every:
            real = os.path.realpath(os.path.join(cwd, found.path))
            if real not in seen:
                seen.add(real)
                yield found


def _of_file(
    view: FileView, project: Project, wanted: frozenset[str], report: LintReport
) -> Iterator[Problem]:
    for check in checks():
        check(view, project)
    suppressed = Suppressed(view)
    told: set[tuple[str, int, int, str]] = set()
    hidden = secret_lines(view)
    for raw in view.raw:
        key = (raw.rule, raw.line, raw.column, raw.message)
        if raw.rule not in wanted or key in told or suppressed.hides(raw.rule, raw.line):
            continue
        told.add(key)
        severity = RULES[raw.rule].severity
        yield Problem(
            view.path,
            raw.line,
            raw.column,
            raw.rule,
            severity,
            raw.message,
            raw.length,
            raw.edits,
        )
    if told:
        assert isinstance(report.lines, dict)
        assert isinstance(report.hidden, dict)
        shown = ["" if number in hidden else line for number, line in enumerate(view.lines, 1)]
        report.lines[view.path] = shown
        report.hidden[view.path] = hidden


def _once(problems: Iterable[Problem]) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for problem in sorted(problems, key=lambda each: each.key):
        key = problem.rule, problem.message.replace("'ansible.builtin.", "'")
        if problem.rule in _ONCE and key in seen:
            continue
        seen.add(key)
        yield problem


def fix(
    paths: Sequence[str],
    options: Options | None = None,
    show: Callable[[str], None] | None = None,
    cwd: str = "",
) -> tuple[LintReport, int]:
    """Look, mend what is mechanical, and look again, until there is nothing left to mend.

    Args:
        show: gets a diff's lines in place of any file being written.

    Returns:
        What is left (with ``show``: what there is), and how many problems were solved.
    """
    report = lint(paths, options, cwd)
    if show is not None:
        return report, _mend(report, cwd, show)
    solved = 0
    for _ in range(_ROUNDS):
        more = _mend(report, cwd, None)
        if not more:
            break
        solved += more
        report = lint(paths, options, cwd)
    return report, solved


def _mend(report: LintReport, cwd: str, show: Callable[[str], None] | None) -> int:
    """Write what can be mended, or show it; how many problems that solves."""
    by_path: dict[str, list[Problem]] = {}
    for problem in report.problems:
        if problem.edits:
            by_path.setdefault(problem.path, []).append(problem)
    solved = 0
    for path, problems in by_path.items():
        full = os.path.join(cwd or os.getcwd(), path)
        before = fixing.source(full)
        after, count = fixing.fixed(before, problems)
        if after == before:
            continue
        solved += count
        if show is None:
            fixing.replace(full, after)
            continue
        for line in fixing.diff(path, before, after, report.hidden.get(path, ())):
            show(line)
    return solved
