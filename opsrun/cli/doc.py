"""``opsrun doc``: what a module, a keyword, a filter, a test or a lookup is, takes and returns."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.reference import Entry

_KINDS = ("module", "keyword", "filter", "test", "lookup")


@click.command("doc")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("-t", "--type", "kind", type=click.Choice(_KINDS), help="Names of this kind alone.")
@click.option("-l", "--list", "list_all", is_flag=True, help="Print all names, a line each.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def doc(names: tuple[str, ...], kind: str | None, list_all: bool, output: str) -> None:
    """Print what is known of modules, keywords, filters, tests and lookups."""
    from opsrun.reference import KINDS, find, listed

    if list_all == bool(names):
        raise UsageError("give a name, or -l for a list of all")
    only = next((each for each in KINDS if each == kind), None)
    entries = listed(only) if list_all else [e for name in names for e in find(name, only)]
    if output == "json":
        click.echo(json.dumps([asdict(entry) for entry in entries], indent=1, default=str))
        return
    _print(entries, list_all)


def _print(entries: Sequence[Entry], list_all: bool) -> None:
    from opsrun.reference import entry_lines, list_lines
    from opsrun.sinks.style import wants_color

    width = shutil.get_terminal_size().columns
    color = wants_color(os.environ, sys.stdout.isatty())
    if list_all:
        lines = list(list_lines(entries, width, color))
    else:
        parts = ["\n".join(entry_lines(entry, width, color)) for entry in entries]
        lines = ["\n\n".join(parts)]
    click.echo("\n".join(lines), color=True)
