"""``opsrun wait``: until hosts are ready."""

from __future__ import annotations

from typing import Any

import click

from opsrun.cli.kinds import Seconds
from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    connection_options,
    output_options,
    selection_options,
    take,
)


@click.command("wait", context_settings={"help_option_names": ["-h", "--help"]})
@selection_options
@connection_options
@output_options
@click.option(
    "--for",
    "conditions",
    multiple=True,
    required=True,
    metavar="CHECK",
    help="ssh (a full login), or tcp:PORT on the host's address; again for more, in that order.",
)
@click.option(
    "--timeout",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up after so long, counted for each host.",
)
def wait(conditions: tuple[str, ...], timeout: float, **values: Any) -> int:
    """Wait until every host that --hosts selects is ready."""
    from opsrun.adhoc.wait import Condition
    from opsrun.cli.execution import execute
    from opsrun.composition.actions import WaitAction
    from opsrun.engine.dispatch import Plan

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    action = WaitAction(tuple(Condition.parse(text) for text in conditions), timeout)
    return execute(action, selection, reach, show, Plan(forks=reach.forks))
