"""``opsrun ping``: is the host there, and does it let us in."""

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


@click.command("ping", context_settings={"help_option_names": ["-h", "--help"]})
@selection_options
@connection_options
@output_options
@click.option(
    "--wait",
    type=Seconds(),
    metavar="SECONDS",
    help="Keep trying for so long before a host counts as unreachable; round trips end then, too.",
)
@click.option(
    "--count",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Round trips over the one login; above 1 their least, mean and longest time, and how many "
    "were lost, are told.",
)
def ping(**values: Any) -> int:
    """Log in to every host, have its shell do nothing, and say how long that took."""
    from opsrun.cli.execution import execute
    from opsrun.composition.actions import PingAction
    from opsrun.engine.dispatch import Plan

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    action = PingAction(values["wait"], values["count"])
    return execute(action, selection, reach, show, Plan(forks=reach.forks))
