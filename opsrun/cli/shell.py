"""``opsrun shell``: a prompt that runs each line on all hosts."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.confirming import Typed, yes_option
from opsrun.cli.kinds import Seconds
from opsrun.cli.main import BROKEN_PIPE
from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    prompt_options,
    selection_options,
    take,
)
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.cli.shell_input import Reader
    from opsrun.cli.shell_lines import Lines


@click.command(
    "shell",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="At the prompt, :help tells the rest. Exit status: that of the last line.",
)
@selection_options
@connection_options
@become_options
@prompt_options
@yes_option
@click.option(
    "--command-timeout",
    type=Seconds(),
    metavar="SECONDS",
    help="End a line on a host after so long; :timeout changes it.",
)
@click.option(
    "--idle-timeout",
    type=Seconds(),
    metavar="SECONDS",
    help="End it on a host that is silent for so long.",
)
def shell(**values: Any) -> int:
    """Run each line that is typed on every host that --hosts selects, logging in once.

    Where standard input is no terminal, its lines are run one after the other.
    """
    from opsrun.cli.execution import carry_out, choose_hosts, make_fleet, select_within
    from opsrun.cli.options import exclusive
    from opsrun.cli.shell_lines import Lines
    from opsrun.composition.protection import Guard, Remembering, dangers
    from opsrun.engine.dispatch import Plan

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    exclusive(show)
    if "-" in selection.hosts:
        raise UsageError("--hosts - reads names from standard input, which the lines come from")
    inventory, hosts = choose_hosts(selection)
    if selection.list_hosts:
        click.echo("\n".join(host.name for host in hosts))
        return 0
    typed = Typed().if_there()
    fleet = make_fleet(inventory, reach, Remembering(typed) if typed is not None else None)
    # Rather now than after the first line has been typed.
    Guard(fleet.options.yes, fleet.options.confirm).confirm(dangers(hosts))
    with fleet:
        lines = Lines(
            hosts,
            show,
            partial(carry_out, fleet, plan=Plan(forks=reach.forks)),
            lambda pattern: select_within(inventory, pattern, selection),
            timeout=values["command_timeout"],
            idle_timeout=values["idle_timeout"],
        )
        with _reader(reach.engine) as reader, _leaving_in_good_order():
            _converse(reader, lines)
    return lines.status


def _reader(engine: str) -> Reader:
    from opsrun.cli.shell_input import PlainReader, TerminalReader

    return TerminalReader() if sys.stdin.isatty() and sys.stdout.isatty() else PlainReader(engine)


def _converse(reader: Reader, lines: Lines) -> None:
    while not lines.over:
        try:
            line = reader.read(lines.prompt)
        except EOFError:
            return
        except KeyboardInterrupt:
            if reader.interactive:
                # What was typed so far is thrown away, as in any shell.
                continue
            raise
        ended = lines.run(line)
        if ended is None:
            continue
        if ended.closed:
            lines.status = BROKEN_PIPE
            return
        if ended.signal is not None and (ended.signal != signal.SIGINT or not reader.interactive):
            return


@contextmanager
def _leaving_in_good_order() -> Iterator[None]:
    """Have SIGTERM and SIGHUP at the prompt leave the terminal as it was."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    old = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in old.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in old.items():
            # None stands for a handler that is not Python's; it can't be set back.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
