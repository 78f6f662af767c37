"""Tables of a few columns for a terminal, the last one as wide as there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.sinks.cells import cut, width
from opsrun.sinks.style import BOLD, paint, wants_color
from opsrun.views.sanitise import sanitise_line


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, which may hold anything, and its style."""

    text: str
    style: str = ""
    right: bool = False
    """Whether it is aligned to the right."""


def color_here(descriptor: int = 1) -> bool:
    """Whether what goes there is coloured."""
    return wants_color(os.environ, os.isatty(descriptor))


def width_here() -> int | None:
    """Columns of the terminal; None where our output is none."""
    from shutil import get_terminal_size

    return get_terminal_size().columns if os.isatty(1) else None


def aligned(
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell | str]],
    *,
    color: bool,
    columns: int | None,
    most: int = 40,
) -> Iterator[str]:
    """The lines of a table.

    Args:
        heads: above the columns; none for no such line.
        rows: all of one length.
        color: whether they are coloured.
        columns: of the terminal; the last column is cut to what is left. None cuts nothing.
        most: columns that a cell of another one may take.
    """
    cells = [
        [_clean(cell, most, place == len(row) - 1) for place, cell in enumerate(row)]
        for row in rows
    ]
    top = [Cell(head, BOLD) for head in heads]
    table = [top, *cells] if heads else cells
    if not table:
        return
    widths = [max(width(row[place].text) for row in table) for place in range(len(table[0]))]
    rights = [any(row[place].right for row in cells) for place in range(len(table[0]))]
    for row in table:
        parts: list[str] = []
        used = 0
        for place, cell in enumerate(row):
            text = cell.text
            if place == len(row) - 1:
                if columns is not None:
                    text = cut(text, max(8, columns - used))
                parts.append(paint(text, cell.style, color))
                break
            gap = " " * (widths[place] - width(text))
            painted = paint(text, cell.style, color)
            parts.append(f"{gap}{painted}" if rights[place] else f"{painted}{gap}")
            used += widths[place] + 2
        yield "  ".join(parts).rstrip()


def _clean(cell: Cell | str, most: int, last: bool) -> Cell:
    found = Cell(cell) if isinstance(cell, str) else cell
    text = sanitise_line(found.text)
    return Cell(text if last else cut(text, most), found.style, found.right)
