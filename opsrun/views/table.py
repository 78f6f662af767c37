"""A table of results: rows of harmless text, made once, shown by rich or as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opsrun.views.sanitise import sanitise

LINES = 10
"""So many lines of an output stand in a cell: its last ones."""

CHARACTERS = 2_000
"""And so many characters of them."""

ROWS = 1_000
"""A table of more rows says how many it leaves out; a notebook would be slow with them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One result, as it is shown."""

    cells: tuple[str, ...]
    good: bool
    """Whether it ended well."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be shown. The cells may hold anything; whoever shows them makes them harmless."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int = 0
    """Rows that there would be more."""


def table(title: str, columns: tuple[str, ...], rows: Iterable[Row]) -> Table:
    """A table that is not too long to be shown."""
    every = tuple(rows)
    return Table(title, columns, every[:ROWS], max(0, len(every) - ROWS))


def excerpt(text: str) -> str:
    """The end of an output, short enough for a cell; an ellipsis stands for what was before it.

    >>> excerpt("one line\\n")
    'one line'
    """
    text = text.rstrip()
    lines = text[-CHARACTERS:].splitlines()[-LINES:]
    shown = "\n".join(lines)
    return shown if len(shown) >= len(text) else f"…{shown}"


def for_rich(shown: Table) -> object:
    """The table as rich renders it; rich is imported here, by whoever has it already."""
    from opsrun.views.richly import rich_table

    return rich_table(shown)


def html(shown: Table) -> str:
    """The table as HTML for a notebook.

    Everything in it is escaped, for what hosts say is data: no tag, attribute or script of theirs
    gets into the page. Characters that make text read otherwise than it is are made visible.
    """
    head = "".join(f"<th>{_text(column)}</th>" for column in shown.columns)
    body = "".join(map(_row, shown.rows))
    more = f"<p>… and {shown.left_out} more</p>" if shown.left_out else ""
    caption = f"<caption>{_text(shown.title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _row(row: Row) -> str:
    style = "" if row.good else ' style="color: #b00020"'
    cells = "".join(
        f'<td style="text-align: left; vertical-align: top; white-space: pre-wrap">{_text(c)}</td>'
        for c in row.cells
    )
    return f"<tr{style}>{cells}</tr>"


def _text(words: str) -> str:
    from html import escape

    return escape(sanitise(words), quote=True)
