"""What put, get and sync share: their options, and the way from the words to a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.confirming import yes_option
from opsrun.cli.kinds import Rate, Seconds
from opsrun.cli.options import (
    F,
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    folded_options,
    selection_beside_files,
    take,
)
from opsrun.cli.plan import Order, plan_options
from opsrun.cli.remote_words import refuse_remote_words
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.adhoc.transfer import Finish, Rates
    from opsrun.composition.actions import Action
    from opsrun.trees.exclude import Excludes

_SETTINGS = {"help_option_names": ["-h", "--help"]}

_EPILOG = (
    "Exit status: 0 all well, 1 a host failed, 2 bad usage, 3 unreachable, 4 outcome unknown, "
    "130 interrupted; the worst of 4, 3, 1 wins."
)


def decorated(*options: Callable[[F], F]) -> Callable[[F], F]:
    """These options as one decorator, in this order in the help."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_rate_options = decorated(
    click.option(
        "--bwlimit", type=Rate(), metavar="RATE", help="Bytes a second for each host: 500K, 10M."
    ),
    click.option(
        "--bwlimit-total",
        type=Rate(),
        metavar="RATE",
        help="Bytes a second for all hosts together.",
    ),
    click.option(
        "--idle-timeout",
        type=Seconds(),
        metavar="SECONDS",
        help="Give a host up after so long without a byte either way.",
    ),
)


_exclude_options = decorated(
    click.option(
        "--exclude",
        "leave_out",
        multiple=True,
        metavar="GLOB",
        help="Leave out what fits, as with rsync: *.pyc, .git/, /build, '+ keep.pyc'; may be "
        "given again, the first that fits decides.",
    ),
    click.option(
        "--exclude-from",
        "leave_out_from",
        multiple=True,
        metavar="FILE",
        help="Such patterns, one a line.",
    ),
)

owner_options = decorated(
    click.option(
        "--mode", metavar="MODE", help="Permissions of what is written: 0644, u=rw,go=r, a+X."
    ),
    click.option("--owner", metavar="NAME", help="User who is to own it."),
    click.option("--group", "owner_group", metavar="NAME", help="Group that is to own it."),
)

keep_setuid = click.option(
    "--keep-setuid", is_flag=True, help="Keep setuid, setgid and sticky; else they are dropped."
)

backup = click.option("--backup", is_flag=True, help="Keep what is replaced, as NAME.<time>~.")

checking_options = decorated(
    backup,
    click.option(
        "--validate",
        metavar="COMMAND",
        help="Run this on the host before a file takes its place; %s is where it lies meanwhile.",
    ),
)

_sftp = click.option("--sftp", is_flag=True, help="Over SFTP, for hosts that have no shell to use.")

dry_run = click.option(
    "-n", "--dry-run", is_flag=True, help="Compare, show what would be done, and do nothing."
)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The options that leave files out."""

    leave_out: tuple[str, ...] = ()
    leave_out_from: tuple[str, ...] = ()

    def excludes(self) -> Excludes:
        """What is left out; those of the command line are asked first.

        Raises:
            UsageError, InputError: a pattern is none, or a file can't be read.
        """
        from opsrun.trees.exclude import Excludes, parse_excludes, read_excludes

        rules = list(parse_excludes(self.leave_out).rules)
        for path in self.leave_out_from:
            rules += read_excludes(path).rules
        return Excludes(tuple(rules))


def _source_and_destination(paths: tuple[str, ...], command: str) -> tuple[tuple[str, ...], str]:
    """The last word is where to, all others what.

    Raises:
        UsageError: there are fewer than two, or one is empty.
    """
    if len(paths) < 2:
        raise UsageError(
            f"{command} needs what to copy and where to: "
            f"`opsrun {command} {'DIR' if command == 'sync' else 'SRC...'} DEST --hosts PATTERN`"
        )
    if not all(paths):
        raise UsageError("an empty name leads nowhere")
    return paths[:-1], paths[-1]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a copy was asked for; ``values`` are those of the command's own options."""

    sources: tuple[str, ...]
    dest: str
    patterns: Patterns
    values: Mapping[str, Any]

    def finish(self, *, preserve: bool | None = None) -> Finish:
        """How files are to be in the end, by whichever of these options the command has.

        Args:
            preserve: in place of the option.

        Raises:
            UsageError: one of them can't be used.
        """
        from opsrun.adhoc.transfer import Finish
        from opsrun.trees.modes import Mode

        values = self.values
        mode = values.get("mode")
        return Finish(
            mode=None if mode is None else Mode.parse(mode),
            owner=values.get("owner") or "",
            group=values.get("owner_group") or "",
            preserve=values.get("preserve", False) if preserve is None else preserve,
            keep_setuid=values["keep_setuid"],
            backup=values["backup"],
            validate=values.get("validate") or "",
        )

    def rates(self) -> Rates:
        """How fast files may travel."""
        from opsrun.adhoc.transfer import Rates

        values = self.values
        return Rates(values["bwlimit"], values["bwlimit_total"], values["idle_timeout"])


def copy_command(
    name: str, paths: str, *own: Callable[[Any], Any]
) -> Callable[[Callable[[Asked], Action]], click.Command]:
    """Decorates what makes an action of what was asked for; its docstring is the help.

    Args:
        name: of the subcommand.
        paths: its words, for the help.
        own: options, beside those that every copy has.
    """

    def decorate(prepare: Callable[[Asked], Action]) -> click.Command:
        def command(paths: tuple[str, ...], **values: Any) -> int:
            return _copy(name, prepare, paths, values)

        command.__doc__ = prepare.__doc__
        options = decorated(
            click.argument("paths", nargs=-1, metavar=paths, type=click.UNPROCESSED),
            *(selection_beside_files, connection_options, become_options, yes_option),
            folded_options,
            *own,
            *(_sftp, _exclude_options, _rate_options, plan_options),
        )
        return click.command(name, context_settings=_SETTINGS, epilog=_EPILOG)(options(command))

    return decorate


def _copy(
    name: str,
    prepare: Callable[[Asked], Action],
    paths: tuple[str, ...],
    values: dict[str, Any],
) -> int:
    from opsrun.cli.execution import execute

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    order, patterns = take(Order, values), take(Patterns, values)
    sources, dest = _source_and_destination(paths, name)
    refuse_remote_words(name, sources, dest, selection)
    action = prepare(Asked(sources, dest, patterns, values))
    plan = order.plan(reach.forks)
    return execute(action, selection, reach, show, plan, retries=order.retries)
