"""Asks whether work on protected groups, or on unusually many hosts, is meant: by typed words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from opsrun.cli.asking import Asker

if TYPE_CHECKING:
    from opsrun.composition.protection import Confirm, Danger

yes_option = click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Don't ask about protected groups, and about more hosts than max_hosts allows for.",
)


class Typed:
    """See `opsrun.composition.protection.Confirm`: the operator types the answer itself."""

    def __init__(self) -> None:
        self.asker = Asker()
        """Of a run that is under way, its own."""
        self.given_up: Callable[[], bool] = lambda: False

    def __call__(self, danger: Danger) -> bool:
        from opsrun.views.sanitise import sanitise_line

        words = f"{sanitise_line(danger.reason)}.\nType {sanitise_line(danger.answer)} to go on: "
        typed = self.asker.ask(words, True, self.given_up)
        return typed is not None and typed.reveal().strip() == danger.answer

    def if_there(self) -> Confirm | None:
        """Itself, if somebody sits at a terminal."""
        return self if self.asker.is_there() else None
