"""Where something was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ini", "yaml", "json", "script", "list", "hostfile", "implicit", "extra"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was written."""

    path: str
    """The file as the operator named it, the host list itself, or ``<implicit>``."""
    line: int | None = None
    """1-based; None where there are no lines (scripts, host lists)."""
    column: int | None = None
    """1-based, in characters."""
    kind: Kind = "ini"
    trusted: bool = True
    """Written by the operator, so that it may be a template. What scripts print is data."""

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


NOWHERE = Origin("<implicit>", kind="implicit")
"""Of what opsrun wrote itself."""
