"""``opsrun inventory``: what the inventory holds, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from opsrun.cli.journaling import of_run
from opsrun.cli.main import warn
from opsrun.cli.options import take
from opsrun.cli.vaulting import Vaulting, vault_of, vault_options
from opsrun.errors import UsageError
from opsrun.inventory import Host, Inventory, load_inventory
from opsrun.inventory.export import (
    explain_lines,
    graph_lines,
    host_data,
    list_data,
    to_json,
    to_yaml,
)
from opsrun.inventory.listed import split_commas
from opsrun.inventory.names import name_fault
from opsrun.inventory.ranges import RangeError, expand, fold

STDIN = "-"


@click.group()
def inventory() -> None:
    """Show the inventory, and explain where its values come from."""


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every subcommand has."""
    for option in (
        click.option("-l", "--limit", metavar="PATTERN", help="Keep only these hosts; @FILE too."),
        click.option(
            "--hostfile", "hostfiles", multiple=True, metavar="FILE", help="Hosts, one a line."
        ),
        click.option(
            "-i",
            "--inventory",
            "sources",
            multiple=True,
            metavar="SOURCE",
            help="File, script, directory, or a list such as h1,h2, (may be repeated).",
        ),
        vault_options,
    ):
        command = option(command)
    return command


def _load(sources: tuple[str, ...], hostfiles: tuple[str, ...], **vault: Any) -> Inventory:
    opens = vault_of(take(Vaulting, vault))
    return load_inventory(sources, hostfiles=hostfiles, vault=opens, of_run=of_run)


def _finish(found: Inventory, lines: Iterable[str], end: str = "\n") -> None:
    """Print what was asked for; what is odd in the files goes to standard error."""
    text = end.join(lines)
    for warning in found.warnings:
        warn(f"warning: {warning}")
    click.echo(text)


def _pattern(word: str) -> str:
    return ",".join(_stdin_words()) if word == STDIN else word


def _stdin_words() -> list[str]:
    return [word for line in sys.stdin for word in line.partition("#")[0].split()]


def _names(found: Inventory, pattern: str, limit: str | None) -> list[str]:
    return [host.name for host in found.select(_pattern(pattern), limit=limit)]


@inventory.command("list")
@click.argument("pattern", required=False)
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="YAML in place of JSON.")
@source_options
def list_(pattern: str | None, as_yaml: bool, limit: str | None, **where: Any) -> None:
    """Print groups, hosts and variables as `ansible-inventory --list` does."""
    found = _load(**where)
    narrow = pattern is not None or limit is not None
    names = _names(found, pattern or "all", limit) if narrow else None
    data = list_data(found, names)
    _finish(found, [to_yaml(data) if as_yaml else to_json(data)])


@inventory.command()
@click.argument("group", default="all")
@click.option("--vars", "show_vars", is_flag=True, help="Show variables, passwords masked.")
@source_options
def graph(group: str, show_vars: bool, limit: str | None, **where: Any) -> None:
    """Print the tree of groups and hosts below GROUP (default: all)."""
    found = _load(**where)
    names = None if limit is None else _names(found, "all", limit)
    _finish(found, graph_lines(found, group, show_vars=show_vars, names=names))


@inventory.command()
@click.argument("name", metavar="HOST")
@source_options
def host(name: str, limit: str | None, **where: Any) -> None:
    """Print the variables of one host as `ansible-inventory --host` does."""
    found = _load(**where)
    only = _one(found, name, limit)
    _finish(found, [to_json(host_data(only))])


def _one(found: Inventory, name: str, limit: str | None) -> Host:
    only = found.host(name)
    if limit is not None and only.name not in {host.name for host in found.select(limit)}:
        raise UsageError(f"the host {name!r} is not within the limit {limit!r}")
    return only


@inventory.command()
@click.argument("name", metavar="HOST")
@click.argument("variable", required=False)
@source_options
def explain(name: str, variable: str | None, limit: str | None, **where: Any) -> None:
    """Print where the values of HOST come from, and what each of them overrode."""
    found = _load(**where)
    only = _one(found, name, limit)
    wanted = [variable] if variable else sorted(only.variables)
    _finish(found, [line for each in wanted for line in explain_lines(only, each)])


@inventory.command("expand")
@click.argument("pattern")
@click.option("-S", "--separator", default="\n", metavar="SEP", help="Between names; \\n, \\t.")
@source_options
def expand_(pattern: str, separator: str, limit: str | None, **where: Any) -> None:
    """Print the hosts that PATTERN selects, one a line (-: patterns from standard input)."""
    found = _load(**where)
    _finish(found, _names(found, pattern, limit), _unescape(separator))


def _unescape(separator: str) -> str:
    for written, meant in (("\\n", "\n"), ("\\t", "\t"), ("\\0", "\0")):
        separator = separator.replace(written, meant)
    return separator


@inventory.command("fold")
@click.argument("names", nargs=-1)
@source_options
def fold_(names: tuple[str, ...], limit: str | None, **where: Any) -> None:
    """Print host names shortly, as in web[01-20].

    NAMES are names or node sets (-: from standard input), taken as they are; with -i, --hostfile or
    -l they are patterns of that inventory. Without NAMES: every host of the inventory.
    """
    words = _stdin_words() if names == (STDIN,) else list(names)
    if names and not (where["sources"] or where["hostfiles"] or limit):
        click.echo(fold(_literal_names(words)))
        return
    found = _load(**where)
    _finish(found, [fold(_names(found, ",".join(words) or "all", limit))])


def _literal_names(words: Iterable[str]) -> list[str]:
    try:
        parts = [part for word in words for part in split_commas(word)]
        found = [name for part in parts for name in expand(part)]
    except RangeError as error:
        raise UsageError(str(error)) from error
    for name in found:
        if fault := name_fault(name):
            raise UsageError(fault)
    return found


@inventory.command()
@click.argument("pattern")
@source_options
def count(pattern: str, limit: str | None, **where: Any) -> None:
    """Print how many hosts PATTERN selects."""
    found = _load(**where)
    _finish(found, [str(len(_names(found, pattern, limit)))])
