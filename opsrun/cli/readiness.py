"""Options that say what hosts wait for before their command starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from opsrun.cli.kinds import Seconds
from opsrun.cli.options import F, is_typed
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.adhoc.lookout import Wanted

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """The options of `ready_options`."""

    when_ready: tuple[str, ...] = ()
    ready_timeout: float | None = None

    def wanted(self) -> Wanted | None:
        """What is waited for; None for nothing.

        Raises:
            UsageError: a check can't be understood, or there is only a timeout.
        """
        if not self.when_ready:
            if self.ready_timeout is not None and is_typed("ready_timeout"):
                raise UsageError("--ready-timeout is for --when-ready: say what is waited for")
            return None
        from opsrun.adhoc.checks import parse_all
        from opsrun.adhoc.lookout import Wanted

        return Wanted(parse_all(self.when_ready), self.ready_timeout or _SECONDS)


def ready_options(function: F) -> F:
    """--when-ready --ready-timeout."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--when-ready",
        multiple=True,
        metavar="CHECK",
        help="Start on each host as soon as this holds: what `opsrun wait --for` takes; again for "
        "more, in that order.",
    ),
    click.option(
        "--ready-timeout",
        type=Seconds(),
        metavar="SECONDS",
        help=f"Wait so long for that, counted for each host.  [default: {_SECONDS:g}]",
    ),
)
