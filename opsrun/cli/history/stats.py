"""``opsrun history stats``: what is slow, and what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.history.filters import filter_options, wanted_of
from opsrun.cli.journaling import journal_to_read, reading_option

if TYPE_CHECKING:
    from opsrun.journal.counting import Count


@click.command("stats")
@click.argument("names", nargs=-1, metavar="[RUN...]")
@click.option(
    "--top",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="N",
    help="So many tasks and hosts.",
)
@click.option(
    "-n",
    "--most",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    metavar="N",
    help="Without RUN: of so many runs, the newest; 0 for all.",
)
@filter_options
@click.option("--json", "as_json", is_flag=True, help="All of them, as an object.")
@reading_option
def stats(
    names: tuple[str, ...], top: int, most: int, as_json: bool, journal: str | None, **values: Any
) -> None:
    """Tell the slowest tasks and hosts, and how often they failed: of RUNs, or of the newest."""
    from opsrun.journal.counting import counts
    from opsrun.journal.history import History
    from opsrun.journal.listing import listed

    wanted = wanted_of(values, most or -1)
    with History(journal_to_read(journal)) as history:
        if names:
            runs = [history.find(name).number for name in names]
        else:
            runs = [run.number for run in listed(history, wanted)]
        hosts, tasks = counts(history, runs)
    if as_json:
        from opsrun.sinks.encode import encode

        found = {"tasks": [t.to_dict() for t in tasks], "hosts": [h.to_dict() for h in hosts]}
        click.echo(encode({"runs": len(runs), **found}))
        return
    click.echo(f"of {len(runs)} run{'' if len(runs) == 1 else 's'}")
    for head, found_ones in (("HOST", hosts), ("TASK", tasks)):
        if found_ones:
            click.echo("")
            click.echo("\n".join(_table(head, found_ones, top)))


def _table(head: str, found: list[Count], top: int) -> list[str]:
    from opsrun.cli.history.columns import Cell, aligned, color_here, width_here
    from opsrun.sinks.style import RED, duration

    rows: list[list[Cell | str]] = [
        [
            Cell(duration(count.mean), right=True),
            Cell(duration(count.longest), right=True),
            Cell(str(count.times), right=True),
            Cell(f"{100 * count.bad / count.times:.0f} %", RED if count.bad else "", right=True),
            count.name,
        ]
        for count in found[:top]
    ]
    heads = ["MEAN", "LONGEST", "RESULTS", "FAILED", head]
    lines = list(aligned(heads, rows, color=color_here(), columns=width_here()))
    more = len(found) - top
    return [*lines, f"… and {more} more"] if more > 0 else lines
