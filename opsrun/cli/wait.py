"""``opsrun wait``: until hosts are ready."""

from __future__ import annotations

from typing import Any

import click

from opsrun.cli.kinds import Seconds
from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    is_typed,
    output_options,
    selection_options,
    take,
)
from opsrun.errors import UsageError

_BECOME = (
    "become", "become_user", "become_method", "ask_become_pass", "become_password_file",
)  # fmt: skip


@click.command("wait", context_settings={"help_option_names": ["-h", "--help"]})
@selection_options
@connection_options
@become_options
@output_options
@click.option(
    "--for",
    "checks",
    multiple=True,
    required=True,
    metavar="CHECK",
    help="What is waited for; again for more, in that order. ssh (a full login), tcp:PORT on the "
    "host, tcp:HOST:PORT and http(s)://URL from here, port-free:PORT, cmd:COMMAND, file:PATH, "
    "systemd:UNIT, log:PATH:REGEX (a new line); on other hosts: 'all(PATTERN) CHECK', "
    "'any N of(PATTERN) CHECK'.",
)
@click.option(
    "--any",
    "any_of",
    type=click.IntRange(1),
    metavar="N",
    help="N of the checks are enough, and all are tried at once.",
)
@click.option(
    "--timeout",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up after so long, counted for each host.",
)
def wait(checks: tuple[str, ...], any_of: int | None, timeout: float, **values: Any) -> int:
    """Wait until every host that --hosts selects is ready."""
    from opsrun.adhoc.checks import parse_all
    from opsrun.adhoc.lookout import Wanted
    from opsrun.cli.execution import execute
    from opsrun.composition.actions import WaitAction
    from opsrun.engine.dispatch import Plan

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    wanted = Wanted(parse_all(checks), timeout, any_of)
    if not wanted.needs_shell:
        _refuse_become()
    return execute(WaitAction(wanted), selection, reach, show, Plan(forks=reach.forks))


def _refuse_become() -> None:
    """Options that would have no effect are a mistake, unless they are everybody's defaults.

    Raises:
        UsageError: one of them was given.
    """
    for name in _BECOME:
        if is_typed(name):
            option = f"--{name.replace('_', '-')}"
            words = "is for checks that run something on a host, and none of these does"
            raise UsageError(f"{option} {words}")
