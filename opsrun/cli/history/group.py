"""The group of commands, each of which is imported when it is called."""

from __future__ import annotations

import importlib
import re
from collections.abc import MutableMapping
from typing import Any

import click

from opsrun.errors import did_you_mean

SUBCOMMANDS = {
    "list": ("opsrun.cli.history.listing:list_", "The runs that were written down, newest last."),
    "show": ("opsrun.cli.history.show:show", "A run again, as it was shown live."),
    "diff": ("opsrun.cli.history.compare:diff", "What changed from one run to another."),
    "stats": ("opsrun.cli.history.stats:stats", "What is slow, and how often it fails."),
    "export": ("opsrun.cli.history.export:export", "A run as JSON lines, whole and exact."),
    "replay": ("opsrun.cli.history.show:replay", "The events of a run again, to any output."),
    "rerun": ("opsrun.cli.history.rerun:rerun", "The same again, maybe on some hosts alone."),
}
"""Subcommand: where it lives, and its line in ``opsrun history --help``."""
DEFAULT = "list"
_RUN = re.compile(r"(last(~\d+)?|[0-9a-f]{3,})\Z")
"""What looks like a run's name."""


def load(name: str) -> click.Command:
    """The subcommand of this name; imports its module."""
    module, _, attribute = SUBCOMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


class HistoryGroup(click.Group):
    """A group that imports a subcommand when it is called, and lists where none is named."""

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """All of them: for whoever looks for their options."""
        return {name: load(name) for name in SUBCOMMANDS}

    @commands.setter
    def commands(self, _: Any) -> None:
        """click sets it; there are those of `SUBCOMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return load(cmd_name) if cmd_name in SUBCOMMANDS else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in SUBCOMMANDS:
            hint = did_you_mean(args[0], SUBCOMMANDS)
            if _RUN.match(args[0]):
                hint = f"; write `opsrun history show {args[0]}` for a run"
            ctx.fail(f"no such command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in SUBCOMMANDS.items()])


@click.group(cls=HistoryGroup, context_settings={"help_option_names": ["-h", "--help"]})
def history() -> None:
    """Show what was run, repeat it, and compare.

    RUN is a run's id, the beginning of one, `last`, or `last~2` for the second one before that.
    Without a command the runs are listed.
    """
