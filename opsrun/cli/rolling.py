"""Options for what hosts do not take all at once: reboots, and a few hosts before the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from opsrun.cli.kinds import Seconds
from opsrun.cli.options import F, is_typed
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.adhoc.lookout import Wanted
    from opsrun.engine.dispatch import Plan

_THEN_SECONDS = 300.0
_HEALTH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rolling:
    """The options of `rolling_options`."""

    then_wait: tuple[str, ...] = ()
    then_timeout: float | None = None
    canary: str | None = None
    health: tuple[str, ...] = ()
    health_timeout: float | None = None

    def then(self) -> Wanted | None:
        """What is waited for after the command; None for nothing.

        Raises:
            UsageError: a check can't be understood, or there is only a timeout.
        """
        return _wanted(self.then_wait, self.then_timeout, "--then-wait", _THEN_SECONDS)

    def well(self) -> Wanted | None:
        """What has to hold on a host for the next ones to follow; None for nothing.

        Raises:
            UsageError: as `then`; or there are no next ones, for nothing is done in batches.
        """
        if self.health and self.canary is None:
            if is_typed("health"):
                raise UsageError("--health is for --canary: say how many hosts go first")
            return None
        return _wanted(self.health, self.health_timeout, "--health", _HEALTH_SECONDS)

    def plan(self, plan: Plan) -> Plan:
        """The same plan, with a few hosts first where that is asked for.

        Raises:
            UsageError: the numbers can't be understood, or don't go with the plan's batches.
        """
        from opsrun.engine.dispatch import Share

        if self.canary is None:
            return plan
        sizes = tuple(Share.parse(part.strip(), "--canary") for part in self.canary.split(","))
        return replace(plan, canary=sizes)


def _wanted(
    checks: tuple[str, ...], timeout: float | None, option: str, seconds: float
) -> Wanted | None:
    if not checks:
        kind = option.removeprefix("--").partition("-")[0]
        if timeout is not None and is_typed(f"{kind}_timeout"):
            raise UsageError(f"--{kind}-timeout is for {option}: say what is waited for")
        return None
    from opsrun.adhoc.checks import parse_all
    from opsrun.adhoc.lookout import Wanted

    return Wanted(parse_all(checks), timeout or seconds)


def rolling_options(function: F) -> F:
    """--then-wait --then-timeout --canary --health --health-timeout."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--then-wait",
        multiple=True,
        metavar="CHECK",
        help="Behind the command, wait until this holds on its host; again for more, in that "
        "order. ssh: until it has gone down and is back, started anew. See `opsrun wait --for`.",
    ),
    click.option(
        "--then-timeout",
        type=Seconds(),
        metavar="SECONDS",
        help=f"Wait so long for that, counted for each host.  [default: {_THEN_SECONDS:g}]",
    ),
    click.option(
        "--canary",
        metavar="N|N%,...",
        help="So many hosts first, then so many, then all others; on only while all of them end "
        "well, and none in another way than those before.",
    ),
    click.option(
        "--health",
        multiple=True,
        metavar="CHECK",
        help="With --canary: what has to hold on a host when all of its batch are done; else it "
        "has failed.",
    ),
    click.option(
        "--health-timeout",
        type=Seconds(),
        metavar="SECONDS",
        help=f"A host has so long for that.  [default: {_HEALTH_SECONDS:g}]",
    ),
)
