"""``--bridge`` and ``--bridge-program``: tasks that ansible-core, as a program here, is to do."""

from __future__ import annotations

from dataclasses import dataclass

import click

from opsrun.cli.options import F, is_typed
from opsrun.errors import UsageError

_PROGRAM = "ansible-playbook"


@dataclass(frozen=True, slots=True)
class Bridging:
    """The options of `bridge_options`."""

    bridge: bool = False
    bridge_program: str = _PROGRAM

    @property
    def program(self) -> str | None:
        """The program that is called; None where none is.

        Raises:
            UsageError: one is named for nothing.
        """
        if not self.bridge and is_typed("bridge_program"):
            raise UsageError("--bridge-program names what --bridge calls: say --bridge, too")
        return self.bridge_program if self.bridge else None


_OPTIONS = (
    click.option(
        "--bridge/--no-bridge",
        help="Modules written for Ansible's own Python, and those that opsrun doesn't have: call "
        "ansible-core, which must be installed on this machine, for each such task.",
    ),
    click.option(
        "--bridge-program",
        metavar="PATH",
        default=_PROGRAM,
        show_default=True,
        help="The program that --bridge calls.",
    ),
)


def bridge_options(function: F) -> F:
    """See `Bridging`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
