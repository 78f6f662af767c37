"""What lint has to say, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement within a line."""

    line: int
    column: int
    """1-based, in characters."""
    old: str
    """What stands there; where something else does, nothing is replaced."""
    new: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at one place."""

    path: str
    line: int
    column: int
    rule: str
    severity: Severity
    message: str
    """What was found, what was expected, what to do."""
    length: int = 1
    """Characters that are meant, from ``column`` on, all on one line."""
    edits: tuple[Edit, ...] = ()
    """What ``--fix`` does; all of them or none."""

    @property
    def key(self) -> tuple[str, int, int, str, str]:
        """In the order in which problems are shown."""
        return self.path, self.line, self.column, self.rule, self.message
