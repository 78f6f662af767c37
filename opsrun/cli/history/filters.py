"""Which runs are meant, where several may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opsrun.cli.history.times import Moment
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.journal.listing import Wanted

F = TypeVar("F", bound=Callable[..., Any])
_STATES = ("ok", "failed", "interrupted", "running", "cut-off")


def filter_options(function: F) -> F:
    """--since --until --action --who --host --state --failed --grep."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--since",
        type=Moment(),
        metavar="TIME",
        help="Begun since then: 2h, 3d, today, yesterday, 14:30, 2026-11-24, 2026-11-24T14:30.",
    ),
    click.option("--until", type=Moment(), metavar="TIME", help="Begun before then."),
    click.option("--action", multiple=True, metavar="NAME", help="exec, playbook, put …"),
    click.option("--who", multiple=True, metavar="USER", help="Of this user here."),
    click.option(
        "--host", multiple=True, metavar="NAME", help="That had this host: web01, web[01-20], web*."
    ),
    click.option(
        "--state", multiple=True, type=click.Choice(_STATES), help="That ended so, or have not."
    ),
    click.option(
        "--failed", is_flag=True, help="That did not end well: --state failed, cut-off, interrupted"
    ),
    click.option(
        "--grep", default="", metavar="REGEX", help="Whose command has this in it, in any case."
    ),
)


def wanted_of(values: dict[str, Any], most: int = -1) -> Wanted:
    """What the options say; they are taken out of ``values``."""
    from opsrun.journal.listing import Wanted

    states = set(values.pop("state"))
    if values.pop("failed"):
        states |= {"failed", "cut-off", "interrupted"}
    return Wanted(
        since=values.pop("since"),
        until=values.pop("until"),
        actions=values.pop("action"),
        who=values.pop("who"),
        hosts=names_of(values.pop("host")),
        endings=tuple(name.replace("-", " ") for name in sorted(states)),
        grep=values.pop("grep"),
        most=most,
    )


def names_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts' names of node sets; what a shell's patterns are stays as it is.

    Raises:
        UsageError: a node set can't be read.
    """
    if not words:
        return ()
    from opsrun.inventory.listed import split_commas
    from opsrun.inventory.ranges import RangeError, expand

    try:
        return tuple(
            name
            for word in words
            for part in split_commas(word)
            for name in (expand(part) if not set("*?") & set(part) else [part])
        )
    except RangeError as error:
        raise UsageError(str(error)) from error
