"""Assertions of ansible-core's targets that opsrun differs from on purpose, each with its reason.

A row of ``waived.tsv`` names a line of a file by its number and by a sum of its text, so that
another release, where the line says something else, is noticed. In the scratch copy that a target
is run in, the line becomes ``- true``: what comes behind it is run, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROWS = Path(__file__).resolve().parent / "waived.tsv"
HEADER = "file\tline\tsum\twhy\n"


@dataclass(frozen=True, slots=True)
class Waived:
    """One assertion.

    Args:
        file: below ``targets``; its first part is the target.
        line: its number, from 1.
        sum: see `sum_of`.
        why: what opsrun does instead.
    """

    file: str
    line: int
    sum: str
    why: str

    @property
    def target(self) -> str:
        """Whose it is."""
        return self.file.split("/", 1)[0]


def sum_of(line: str) -> str:
    """The first 8 digits of the SHA-256 of a line without the spaces around it."""
    return hashlib.sha256(line.strip().encode()).hexdigest()[:8]


def read_waived(path: Path = ROWS) -> list[Waived]:
    """All rows."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    return [Waived(file, int(number), text, why) for file, number, text, why in rows]


def waive(targets: Path, rows: Iterable[Waived]) -> None:
    """Make the assertions of ``rows`` hold in a copy of the folder of targets.

    Raises:
        ValueError: a line isn't the one that was meant.
    """
    for row in rows:
        path = targets / row.file
        lines = path.read_text().split("\n")
        found = lines[row.line - 1] if row.line <= len(lines) else ""
        entry = found.lstrip()
        if not entry.startswith("- ") or sum_of(found) != row.sum:
            raise ValueError(f"{row.file}:{row.line} is another line than the one that was waived")
        lines[row.line - 1] = found[: -len(entry)] + "- true"
        path.write_text("\n".join(lines))
