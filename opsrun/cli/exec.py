"""``opsrun exec``: a command on many hosts."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.bridging import Bridging
from opsrun.cli.calling import Calling, call, calling_options
from opsrun.cli.confirming import yes_option
from opsrun.cli.kinds import Seconds
from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    output_options,
    selection_options,
    take,
)
from opsrun.cli.plan import Order, plan_options
from opsrun.cli.readiness import Ready, ready_options
from opsrun.cli.rolling import Rolling, rolling_options
from opsrun.cli.words import split_words
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.remote.connection import Terminal


class ExecCommand(click.Command):
    """Tells our options from the command's words before click reads either."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_value = {
            name: not (parameter.is_flag or parameter.count)
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        words = split_words(args, takes_value)
        return super().parse_args(ctx, [*words.options, "--", *words.command])


@click.command(
    "exec",
    cls=ExecCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 all well, 1 a host failed, 2 bad usage, 3 unreachable, 4 outcome "
    "unknown, 130 interrupted; the worst of 4, 3, 1 wins.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@selection_options
@connection_options
@become_options
@yes_option
@output_options
@click.option(
    "--command-timeout",
    type=Seconds(),
    metavar="SECONDS",
    help="End the command on a host after so long.",
)
@click.option(
    "--idle-timeout",
    type=Seconds(),
    metavar="SECONDS",
    help="End it on a host that is silent for so long.",
)
@click.option(
    "--env", multiple=True, metavar="NAME=VALUE", help="Export a variable; may be given again."
)
@click.option(
    "--pty", is_flag=True, help="Run on a terminal of our size; both outputs come as one."
)
@click.option(
    "--raw",
    is_flag=True,
    help="Send the words as they are, for hosts without a POSIX shell (switches, firewalls); "
    "nothing else is started there, and no exit status counts as none.",
)
@click.option("--stdin", is_flag=True, help="Send our standard input to every host's command.")
@click.option(
    "-S", "--maxrc", is_flag=True, help="Exit with the largest remote status in place of 1."
)
@calling_options
@ready_options
@rolling_options
@plan_options
def exec_(command: tuple[str, ...], **values: Any) -> int:
    """Run COMMAND, or call a module (-m), on every host that --hosts selects.

    As with ssh, the words are joined by spaces and the remote shell reads them. What follows the
    command's first word is the command's, except --hosts, --inventory, --limit, --output, --forks,
    --user, --become, --when-ready, --ready-timeout, --then-wait, --then-timeout, --canary and
    --health; `opsrun exec --hosts web -- df -h` is never ambiguous.
    """
    calling = replace(take(Calling, values), bridging=take(Bridging, values))
    if calling.module is not None:
        environment, order = _environment(values["env"]), take(Order, values)
        selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
        return call(calling, command, values, environment, selection, reach, show, order.retries)
    calling.refuse_alone()
    from opsrun.cli.execution import execute
    from opsrun.composition.actions import ExecAction
    from opsrun.remote.command import Command
    from opsrun.remote.connection import Manner

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    order, rolling = take(Order, values), take(Rolling, values)
    if not command and not selection.list_hosts:
        raise UsageError("no command; write `opsrun exec --hosts PATTERN -- COMMAND...`")
    action = ExecAction(
        Command(
            " ".join(command) if command else ":",
            _environment(values["env"]),
            _stdin() if values["stdin"] else None,
            values["command_timeout"],
            Manner(_terminal() if values["pty"] else None, values["raw"]),
            values["idle_timeout"],
        ),
        ready=take(Ready, values).wanted(),
        then=rolling.then(),
        health=rolling.well(),
    )
    return execute(
        action,
        selection,
        reach,
        show,
        rolling.plan(order.plan(reach.forks)),
        retries=order.retries,
        largest_status=values["maxrc"],
    )


def _environment(pairs: tuple[str, ...]) -> dict[str, str]:
    environment = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--env takes NAME=VALUE, not {pair!r}")
        environment[name] = value
    return environment


def _terminal() -> Terminal:
    """Ours, or a plain one where our output is none."""
    from opsrun.remote.connection import Terminal

    if not os.isatty(1):
        return Terminal()
    columns, rows = os.get_terminal_size(1)
    # Some have no size at all, serial consoles for example.
    return Terminal(columns or 80, rows or 24, os.environ.get("TERM") or "dumb")


def _stdin() -> bytes:
    if sys.stdin.isatty():
        raise UsageError("--stdin sends what is piped into opsrun, and this is a terminal")
    return sys.stdin.buffer.read()
