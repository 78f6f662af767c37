"""Options that say in which order hosts are worked through, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from opsrun.cli.options import F

if TYPE_CHECKING:
    from opsrun.engine.dispatch import Plan, Share


@dataclass(frozen=True, slots=True)
class Order:
    """The options of `plan_options`."""

    serial: str | None = None
    fail_fast: bool = False
    max_fail: str | None = None
    retries: int = 0

    def plan(self, forks: int) -> Plan:
        """How the hosts are worked through, ``forks`` at once.

        Raises:
            UsageError: a number can't be understood.
        """
        from opsrun.engine.dispatch import Plan

        return Plan(
            forks=forks,
            serial=_share(self.serial, "--serial"),
            fail_fast=self.fail_fast,
            max_fail=_share(self.max_fail, "--max-fail"),
        )


def plan_options(function: F) -> F:
    """--serial --fail-fast --max-fail --retries."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--serial", metavar="N|N%", help="In batches of so many hosts, one after the other."
    ),
    click.option("--fail-fast", is_flag=True, help="The first bad end cancels all other hosts."),
    click.option(
        "--max-fail", metavar="N|N%", help="Start no further host after more bad ends than this."
    ),
    click.option(
        "--retries",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Try hosts that were not reached again; nothing is ever sent twice. Logins that a "
        "busy server dropped are tried again anyway.",
    ),
)


def _share(text: str | None, what: str) -> Share | None:
    from opsrun.engine.dispatch import Share

    # An empty one is a mistake, often a variable that was not set: a limit must not just vanish.
    return None if text is None else Share.parse(text, what)
