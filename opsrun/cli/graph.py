"""``opsrun graph``: what playbooks do, drawn."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.journaling import of_run
from opsrun.cli.options import take
from opsrun.cli.vaulting import vault_of, vault_options
from opsrun.errors import InventoryError

if TYPE_CHECKING:
    from opsrun.composition.playbooks import Prepared
    from opsrun.graph.model import Detail, Graph
    from opsrun.inventory import Inventory
    from opsrun.playbook.model.nodes import Play


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn."""

    inventory: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    vault_id: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    ask_vault_pass: bool = False


@click.command("graph", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-i",
    "--inventory",
    multiple=True,
    metavar="PATH|h1,h2,",
    help="To count plays' hosts.",
)
@click.option("-l", "--limit", multiple=True, metavar="PATTERN", help="Count only these hosts.")
@click.option(
    "-e",
    "--extra-vars",
    multiple=True,
    metavar="NAME=VALUE|{…}|@FILE",
    help="For names of files and roles that are templates.",
)
@click.option("-t", "--tags", multiple=True, metavar="TAG,...", help="Only tasks with one.")
@click.option("--skip-tags", multiple=True, metavar="TAG,...", help="No tasks with one.")
@click.option("--roles-path", multiple=True, metavar="DIR", help="Folder of roles.")
@click.option(
    "--collections-path", multiple=True, metavar="DIR", help="Folder with ansible_collections."
)
@click.option(
    "--detail",
    type=click.Choice(["plays", "roles", "tasks"]),
    help="How much is drawn.  [default: roles in pictures, else tasks]",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "svg", "dot", "json"]),
    default="text",
    show_default=True,
)
@vault_options
def graph(files: tuple[str, ...], detail: Detail | None, output: str, **values: Any) -> None:
    """Draw plays, roles, includes, handlers and gates of playbooks. Reaches no host."""
    from opsrun.graph.collapse import collapsed

    drawing = take(Drawing, values)
    found = _graph(files, drawing)
    usual: Detail = "roles" if output in ("svg", "dot") else "tasks"
    for line in _lines(collapsed(found, detail or usual), output):
        click.echo(line, color=True)


def _graph(files: tuple[str, ...], drawing: Drawing) -> Graph:
    from opsrun.composition.playbooks import Prepared
    from opsrun.graph.build import build

    inventory, is_there = _inventory(drawing)
    prepared = Prepared(files, inventory, _options(drawing))

    def follow(task: Any, include: Any) -> Any:
        return prepared.of_include(task, include, prepared.loader.load(task, include))

    def count(play: Play) -> int | None:
        return _count(prepared, play) if is_there else None

    return build(", ".join(files), prepared.plays, follow, count)


def _count(prepared: Prepared, play: Play) -> int:
    hosts = prepared.rendered(play.hosts)
    several = hosts if isinstance(hosts, list) else [hosts]
    pattern = ",".join(str(each) for each in several)
    limit = prepared.options.settings.limit
    return len(prepared.inventory.chosen(pattern, limit, lambda error: None))


def _inventory(drawing: Drawing) -> tuple[Inventory, bool]:
    """The inventory, and whether there is one: nobody needs one to have a look at a playbook."""
    from opsrun.inventory import load_inventory

    vault = vault_of(drawing)
    try:
        return load_inventory(list(drawing.inventory), vault=vault, of_run=of_run), True
    except InventoryError:
        if drawing.inventory or drawing.limit or os.environ.get("OPSRUN_INVENTORY"):
            raise
        return load_inventory(["localhost,"], vault=vault), False


def _options(drawing: Drawing) -> Any:
    from opsrun.composition.playbooks import PlaybookOptions
    from opsrun.playbook.extra_vars import extra_vars
    from opsrun.playbook.variables.settings import RunSettings

    settings = RunSettings(
        tags=drawing.tags or ("all",),
        skip_tags=drawing.skip_tags,
        limit=",".join(drawing.limit) or None,
        extra_vars=extra_vars(drawing.extra_vars, os.getcwd()),
        cwd=os.getcwd(),
    )
    return PlaybookOptions(
        settings, roles_path=drawing.roles_path, collections_path=drawing.collections_path
    )


def _lines(found: Graph, output: str) -> Iterable[str]:
    from opsrun.graph.dot import dot_lines
    from opsrun.graph.svg import svg_lines
    from opsrun.graph.text import signs_for, text_lines
    from opsrun.sinks.style import wants_color

    if output == "svg":
        return svg_lines(found)
    if output == "dot":
        return dot_lines(found)
    if output == "json":
        return [json.dumps(asdict(found), indent=1)]
    is_terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns if is_terminal else 10_000
    color = wants_color(os.environ, is_terminal)
    return text_lines(found, columns, color=color, signs=signs_for(sys.stdout.encoding))
