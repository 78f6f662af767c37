"""Assertions of ansible-core's targets that opsrun differs from on purpose, each with its reason.

A row of ``waived.tsv`` names a line of a file by its number and by a sum of its text, so that
another release, where the line says something else, is noticed. In the scratch copy that a target
is run in, an assertion becomes ``- true``, a line of a script ``:``, and any other line what the
row has ``instead``: what comes behind it is run, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROWS = Path(__file__).resolve().parent / "waived.tsv"
HEADER = "file\tline\tsum\twhy\tinstead\n"


@dataclass(frozen=True, slots=True)
class Waived:
    """One assertion.

    Args:
        file: below ``targets``; its first part is the target.
        line: its number, from 1.
        sum: see `sum_of`.
        why: what opsrun does instead.
        instead: what the line becomes; empty for what has no effect.
    """

    file: str
    line: int
    sum: str
    why: str
    instead: str = ""

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
    return [Waived(file, int(number), *others) for file, number, *others in rows]


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
        if not entry or sum_of(found) != row.sum:
            raise ValueError(f"{row.file}:{row.line} is another line than the one that was waived")
        nothing = ":" if path.suffix == ".sh" else "- true"
        lines[row.line - 1] = found[: -len(entry)] + (row.instead or nothing)
        path.write_text("\n".join(lines))
