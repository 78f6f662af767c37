"""Tables for a terminal, by rich; imported when one is asked for."""

from __future__ import annotations

import rich.table
from rich.text import Text

from opsrun.views.sanitise import sanitise
from opsrun.views.table import Table


def rich_table(shown: Table) -> rich.table.Table:
    """The table for ``rich.print``.

    The cells are `rich.text.Text`, never markup, so that ``[link=...]`` from a host is no link;
    what a terminal would obey is made visible first.
    """
    caption = f"… and {shown.left_out} more" if shown.left_out else None
    made = rich.table.Table(
        title=_text(shown.title), title_justify="left", caption=caption and _text(caption)
    )
    for column in shown.columns:
        made.add_column(_text(column), overflow="fold")
    for row in shown.rows:
        made.add_row(*map(_text, row.cells), style=None if row.good else "red")
    return made


def _text(words: str) -> Text:
    return Text(sanitise(words))
