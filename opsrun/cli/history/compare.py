"""``opsrun history diff``: what changed across the fleet between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from opsrun.cli.journaling import journal_to_read, reading_option

if TYPE_CHECKING:
    from opsrun.journal.comparing import Change, Comparison


@click.command("diff")
@click.argument("first", metavar="RUN1", default="last~1")
@click.argument("second", metavar="RUN2", default="last")
@click.option("--exit-code", is_flag=True, help="End with 1 where something differs.")
@click.option("--json", "as_json", is_flag=True, help="As an object.")
@reading_option
def diff(first: str, second: str, exit_code: bool, as_json: bool, journal: str | None) -> int:
    """Tell what is otherwise in RUN2 (default: last) than in RUN1 (default: last~1).

    Hosts that came and went, outcomes, and outputs: each difference once, with all its hosts.
    """
    from opsrun.cli.main import warn
    from opsrun.journal.comparing import compared
    from opsrun.journal.history import History

    with History(journal_to_read(journal)) as history:
        runs = history.find(first), history.find(second)
        found = compared(history, *runs)
    if (runs[0].action, runs[0].command) != (runs[1].action, runs[1].command):
        words = [f"{run.action} {run.command!r}" for run in runs]
        warn(f"these runs did not do the same: {words[0]}, {words[1]}")
    if as_json:
        from opsrun.sinks.encode import encode

        click.echo(encode({"runs": [run.id for run in runs], **found.to_dict()}))
    else:
        lines = list(_lines(found)) or ["no difference"]
        click.echo("\n".join([f"{runs[0].id} → {runs[1].id}", *lines]))
    return int(exit_code and bool(found))


def _lines(found: Comparison) -> Iterator[str]:
    from opsrun.cli.history.columns import color_here
    from opsrun.sinks.names import label
    from opsrun.sinks.style import BOLD, CYAN, GREEN, RED, paint
    from opsrun.views.sanitise import sanitise_line

    color = color_here()
    for words, style, hosts in (("new", GREEN, found.added), ("gone", RED, found.gone)):
        if hosts:
            yield f"{paint(f'{words} hosts', style, color)}: {label(hosts)}"
    yield from _changes(found.outcomes, "", color)
    for mark, style, tasks in (("gone", RED, found.only[0]), ("new", GREEN, found.only[1])):
        for task in tasks:
            yield f"{paint(f'{mark} task', style, color)}: {sanitise_line(task)}"
    for task, changes in found.tasks.items():
        yield paint(f"task {sanitise_line(task)}", BOLD, color)
        yield from _changes(changes, "  ", color)
    styles = {"+": GREEN, "-": RED, "@": CYAN}
    for (task, diff), hosts in found.outputs.items():
        where = f" · {sanitise_line(task)}" if task else ""
        yield f"{paint(label(hosts), BOLD, color)}{where}"
        yield from (f"  {paint(sanitise_line(x), styles.get(x[:1], ''), color)}" for x in diff)


def _changes(changes: dict[Change, list[str]], indent: str, color: bool) -> Iterator[str]:
    from opsrun.events import Outcome
    from opsrun.journal.comparing import NONE
    from opsrun.sinks.names import label
    from opsrun.sinks.style import outcome_word

    def word(outcome: str) -> str:
        return outcome if outcome == NONE else outcome_word(Outcome(outcome), color)

    for (before, after), hosts in changes.items():
        yield f"{indent}{word(before)} → {word(after)}: {label(hosts)}"
