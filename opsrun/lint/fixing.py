"""Mechanical corrections: by places in the text, so that comments and formatting stay."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Collection, Iterable
from contextlib import suppress

from opsrun.errors import UsageError
from opsrun.lint.problem import Edit, Problem

_HIDDEN = "********"


def fixed(text: str, problems: Iterable[Problem]) -> tuple[str, int]:
    """``text`` with all edits that fit, and how many problems that solves.

    Edits of one problem are made together or not at all; of two that overlap, the first is.
    """
    lines = text.split("\n")
    taken: list[tuple[int, int, int]] = []
    chosen: list[Edit] = []
    solved = 0
    for problem in problems:
        if not problem.edits or not all(_fits(lines, taken, each) for each in problem.edits):
            continue
        solved += 1
        for edit in problem.edits:
            taken.append((edit.line, edit.column, edit.column + len(edit.old)))
            chosen.append(edit)
    for edit in sorted(chosen, key=lambda each: (each.line, each.column), reverse=True):
        line = lines[edit.line - 1]
        end = edit.column - 1 + len(edit.old)
        lines[edit.line - 1] = line[: edit.column - 1] + edit.new + line[end:]
    return "\n".join(lines), solved


def _fits(lines: list[str], taken: list[tuple[int, int, int]], edit: Edit) -> bool:
    if not 0 < edit.line <= len(lines):
        return False
    start, end = edit.column, edit.column + len(edit.old)
    if lines[edit.line - 1][start - 1 : end - 1] != edit.old:
        return False
    return not any(line == edit.line and a < end and start < b for line, a, b in taken)


def source(path: str) -> str:
    """The text of a file with its ends of lines as they are. UsageError if it is none."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be fixed: {error}") from error


def replace(path: str, text: str) -> None:
    """Put ``text`` in the place of a file at once; permissions stay. UsageError."""
    real = os.path.realpath(path)
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=os.path.dirname(real), prefix=".opsrun-lint-")
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, os.stat(real).st_mode & 0o7777)
        os.replace(name, real)
    except OSError as error:
        if name:
            with suppress(OSError):
                os.unlink(name)
        raise UsageError(f"{path}: can't be fixed: {error.strerror or error}") from error


def diff(path: str, before: str, after: str, hidden: Collection[int]) -> list[str]:
    """A unified diff; lines that hold secrets are not shown."""
    old, new = before.split("\n"), after.split("\n")
    for number in hidden:
        for lines in (old, new):
            if number <= len(lines):
                lines[number - 1] = _HIDDEN
    return list(
        difflib.unified_diff(old, new, f"{path} (as it is)", f"{path} (fixed)", lineterm="")
    )
