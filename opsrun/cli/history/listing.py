"""``opsrun history list``: the runs that were written down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.history.filters import filter_options, wanted_of
from opsrun.cli.journaling import journal_to_read, reading_option

if TYPE_CHECKING:
    from opsrun.cli.history.columns import Cell
    from opsrun.journal.listing import ListedRun

SHORT = 8
"""Characters of an id that are shown; its beginning is enough to name a run."""
_NARROW = 100
"""Columns below which it is not said who did what, if one user did all."""


@click.command("list")
@click.option(
    "-n",
    "--most",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    metavar="N",
    help="So many, the newest; 0 for all.",
)
@filter_options
@click.option("--json", "as_json", is_flag=True, help="An array of objects.")
@reading_option
def list_(most: int, as_json: bool, journal: str | None, **values: Any) -> None:
    """List the runs that were written down, the newest last."""
    from opsrun.journal.history import History
    from opsrun.journal.listing import listed

    wanted = wanted_of(values, most or -1)
    with History(journal_to_read(journal)) as history:
        runs = listed(history, wanted)
    if as_json:
        from opsrun.sinks.encode import encode

        body = ",\n".join(encode(run.to_dict()) for run in runs)
        click.echo(f"[\n{body}\n]" if body else "[]")
        return
    _print(runs)


def _print(runs: list[ListedRun]) -> None:
    from opsrun.cli.history.columns import aligned, color_here, width_here

    if not runs:
        click.echo("no run is like that, or none was written down yet", err=True)
        return
    columns, color, now = width_here(), color_here(), time.time()
    same = len({run.who for run in runs}) == 1
    short = columns is not None and columns < _NARROW and same
    heads = ["RUN", "WHEN", *([] if short else ["WHO"]), "TOOK", "STATE", "HOSTS", "WHAT"]
    length = short_enough([run.id for run in runs])
    rows = [_row(run, now, short, length) for run in runs]
    click.echo("\n".join(aligned(heads, rows, color=color, columns=columns, most=28)))


def short_enough(ids: list[str]) -> int:
    """Characters by which ids can be told from each other, `SHORT` at least."""
    length, known = SHORT, set(ids)
    while length < 64 and len({id[:length] for id in known}) < len(known):
        length += 1
    return length


def _row(run: ListedRun, now: float, short: bool, length: int) -> list[Cell | str]:
    from opsrun.cli.history.columns import Cell
    from opsrun.cli.history.times import shown
    from opsrun.cli.history.words import ENDING_STYLE, outcomes, what
    from opsrun.sinks.style import CYAN, duration

    took = "" if run.duration is None else duration(run.duration)
    return [
        Cell(run.id[:length], CYAN),
        shown(run.started, now),
        *([] if short else [run.who]),
        Cell(took, right=True),
        Cell(run.ending, ENDING_STYLE[run.ending]),
        outcomes(run),
        what(run.action, run.command, run.argv),
    ]
