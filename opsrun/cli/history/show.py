"""``opsrun history show`` and ``replay``: a run again, by the outputs of the live commands."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import click

from opsrun.cli.history.filters import names_of
from opsrun.cli.journaling import journal_to_read, reading_option
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.journal.choosing import Open
    from opsrun.journal.history import KnownRun

_OUTPUTS = ("text", "fold", "line", "json", "jsonl", "ansible")
_LOOK = (
    click.option(
        "-o", "--output", type=click.Choice(_OUTPUTS), help="As the live commands have it."
    ),
    click.option("-v", "--verbose", count=True, help="Tell more; -vvv tells all."),
    click.option("-q", "--quiet", is_flag=True, help="Only the hosts' output, and failures."),
    reading_option,
)


@click.command("show")
@click.argument("name", metavar="RUN", default="last")
@click.option("--host", multiple=True, metavar="NAME", help="Of these alone: web01, web*.")
@click.option(
    "--task", multiple=True, metavar="WORDS", help="Of tasks with that in their names alone."
)
@click.option("--failed", is_flag=True, help="What did not end well alone.")
@click.option("-B", "--fold", is_flag=True, help="Identical outputs once: -o fold.")
@click.option("--diff", is_flag=True, help="Fold, and show the others as a diff.")
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@_LOOK[0]
@_LOOK[1]
@_LOOK[2]
@_LOOK[3]
def show(
    name: str,
    host: tuple[str, ...],
    task: tuple[str, ...],
    failed: bool,
    fold: bool,
    diff: bool,
    as_json: bool,
    output: str | None,
    verbose: int,
    quiet: bool,
    journal: str | None,
) -> None:
    """Show RUN (default: last) as it was shown live, and what is not known of it."""
    from opsrun.cli.history.showing import Look
    from opsrun.cli.history.showing import show as bring
    from opsrun.journal.choosing import Part, events_of, open_ends
    from opsrun.journal.history import History

    if as_json and output not in (None, "json"):
        raise UsageError(f"--json and -o {output} say opposite things: give one of them")
    look = Look("json" if as_json else output, fold, diff, -1 if quiet else verbose)
    if (fold or diff) and look.output not in (None, "text", "fold"):
        raise UsageError(f"--fold and --diff don't go with -o {look.output}")
    part = Part(names_of(host), task, failed)
    with History(journal_to_read(journal)) as history:
        run = history.find(name)
        look.kind(run)
        if not (look.is_data() or quiet):
            click.echo("\n".join(_head(run)))
        bring(run, events_of(history, run, part), look)
        if run.ended is None and not look.is_data():
            click.echo("\n".join(_tail(run, open_ends(history, run))))


@click.command("replay")
@click.argument("name", metavar="RUN", default="last")
@_LOOK[0]
@_LOOK[1]
@_LOOK[2]
@_LOOK[3]
def replay(name: str, output: str | None, verbose: int, quiet: bool, journal: str | None) -> None:
    """Give the events of RUN (default: last) to an output again, with nothing added.

    RUN may also be a FILE that `history export` wrote, where its name has a dot or a slash in it;
    - is standard input.
    """
    from opsrun.cli.history.export import read
    from opsrun.cli.history.showing import Look
    from opsrun.cli.history.showing import show as bring

    look = Look(output, verbosity=-1 if quiet else verbose)
    if name == "-" or set("./") & set(name):
        bring(*read(name), look)
        return
    from opsrun.journal.history import History

    with History(journal_to_read(journal)) as history:
        run = history.find(name)
        bring(run, history.events(run), look)


def _head(run: KnownRun) -> list[str]:
    from opsrun.cli.history.columns import color_here
    from opsrun.sinks.style import BOLD, DIM, duration, paint
    from opsrun.views.sanitise import sanitise_line

    color = color_here()
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started))
    took = "" if run.duration is None else f", {duration(run.duration)}"
    who = sanitise_line(f"{run.who} on {run.machine}, in {run.cwd}")
    words = sanitise_line(shlex.join(("opsrun", *run.argv)) if run.argv else run.command)
    lines = [
        f"{paint(f'run {sanitise_line(run.id)}', BOLD, color)} · {at}{took} · {_state(run)}",
        paint(who, DIM, color),
        paint(words, DIM, color),
    ]
    if run.parent:
        lines.append(paint(f"repeats run {sanitise_line(run.parent)}", DIM, color))
    return [*lines, ""]


def _state(run: KnownRun) -> str:
    if run.state != "ended":
        return "still under way" if run.state == "running" else "cut off"
    if run.interrupted:
        return "interrupted"
    return f"exit status {run.exit_status}" if run.exit_status else "ok"


def _tail(run: KnownRun, found: Open) -> list[str]:
    from opsrun.cli.history.columns import color_here
    from opsrun.sinks.names import label
    from opsrun.sinks.style import MAGENTA, YELLOW, paint
    from opsrun.views.sanitise import sanitise_line

    color = color_here()
    under_way = run.state == "running"
    head = "still under way" if under_way else "cut off: its end was never written down"
    lines = [paint(head, YELLOW, color)]
    for task, hosts in found.unknown.items():
        words = "under way" if under_way else "outcome unknown"
        what = f": {sanitise_line(task)}" if task else ""
        lines.append(f"{paint(words, MAGENTA, color)} on {label(hosts)}{what}")
    if found.unfinished:
        lines.append(f"not finished: {label(found.unfinished)}")
    return lines
