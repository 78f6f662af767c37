"""``opsrun facts``: what is known of hosts, asked for or kept."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.fact_caching import FactCaching, fact_cache_options, fact_store
from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    exclusive,
    is_typed,
    output_options,
    selection_options,
    take,
)
from opsrun.cli.questions import Questions
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.cli.execution import Front
    from opsrun.composition.playbooks import Prepared
    from opsrun.composition.run import Run
    from opsrun.events import Sink
    from opsrun.inventory import Inventory
    from opsrun.playbook.fact_store import FactStore
    from opsrun.sinks.facts import FactsSink

_PATH = "<facts>"
"""Stands for the playbook's file in messages."""
_IN_WORDS = ("text", "fold", "line")


@click.command(
    "facts",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 all well, 1 a host failed or has no such fact, 2 bad usage, 3 "
    "unreachable, 4 outcome unknown, 130 interrupted; the worst of 4, 3, 1 wins.",
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@selection_options
@connection_options
@become_options
@output_options
@fact_cache_options
@click.option(
    "--gather-timeout",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="What may hang (file systems of servers, names) has so long; 0 for no limit.",
)
@click.option(
    "--fact-path",
    default="/etc/ansible/facts.d",
    show_default=True,
    metavar="DIR",
    help="Folder of the host's own facts.",
)
def facts(names: tuple[str, ...], **values: Any) -> int:
    """Show facts of hosts: those of these names, or all.

    NAME is a fact (distribution), a part of one (default_ipv4.address) or a pattern
    (distribution*), with or without ansible_ in front. Hosts with the same values are shown
    together. With --fact-cache, hosts whose facts are kept there are not asked.
    """
    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    caching = take(FactCaching, values)
    if any(not name.strip() for name in names):
        raise UsageError("NAME: the value is empty")
    return _shown(names, selection, reach, show, caching, values)


def _shown(
    names: Sequence[str],
    selection: Selection,
    reach: Reach,
    show: Show,
    caching: FactCaching,
    values: Mapping[str, Any],
) -> int:
    from opsrun.cli.execution import bring_out, choose_hosts, make_fleet, patch_for

    output = show.output if is_typed("output") or show.output != "text" else "fold"
    show = replace(show, output=output)
    exclusive(show)
    patch_for(reach.engine)
    inventory, hosts = choose_hosts(selection)
    chosen = tuple(host.name for host in hosts)
    if selection.list_hosts:
        for host in chosen:
            click.echo(host)
        return 0
    store = fact_store(caching, chosen)
    questions = Questions()
    gather = {name: values[name] for name in ("gather_timeout", "fact_path")}
    gather["gather_subset"] = ["all"] if store is not None else _subset(names)
    prepared = _prepared(chosen, inventory, gather, reach, show, store, questions)
    fleet = make_fleet(prepared.inventory, reach, questions.typed.if_there())

    words = " ".join(("facts", *names))
    kept = store.load if store is not None else lambda host: {}
    made: list[FactsSink] = []

    def wrapped(inner: Sequence[Sink]) -> Sequence[Sink]:
        from opsrun.sinks.facts import FactsSink

        in_words = show.kind in _IN_WORDS
        made.extend(FactsSink(each, words, chosen, in_words, names, kept) for each in inner)
        return made

    def begin(front: Front) -> Run:
        questions.begin(front)
        return fleet.begin_playbook(
            prepared,
            sinks=lambda engine: wrapped(front.sinks(engine)),
            on_tick=front.check,
            ask=front.ask,
            verbosity=show.verbosity,
        )

    status = bring_out(begin, show).status
    return status or int(any(sink.lacking for sink in made))


def _subset(names: Sequence[str]) -> list[str]:
    """What has to be gathered for these names; everything where one may be anything's."""
    from opsrun.modules.facts.subsets import subsets_with

    bare = [name.removeprefix("ansible_facts.").removeprefix("ansible_") for name in names]
    found = [subsets_with(name.partition(".")[0]) for name in bare]
    if not found or any(each is None for each in found):
        return ["all"]
    return ["!all", "!min", *dict.fromkeys(each for each in found if each is not None)]


def _prepared(
    hosts: Sequence[str],
    inventory: Inventory,
    gather: Mapping[str, Any],
    reach: Reach,
    show: Show,
    store: FactStore | None,
    questions: Questions,
) -> Prepared:
    from opsrun.composition.playbooks import PlaybookOptions, Prepared
    from opsrun.playbook.variables.settings import RunSettings

    cwd = os.getcwd()
    settings = RunSettings(
        forks=reach.forks,
        verbosity=max(show.verbosity, 0),
        inventory_sources=inventory.sources,
        cwd=cwd,
        gathering="implicit" if store is None else "smart",
        gather=gather,
    )
    play = {"name": "facts", "hosts": list(hosts), "tasks": []}
    options = PlaybookOptions(
        settings,
        playbook_dir=".",
        texts={_PATH: json.dumps([play])},
        prompt=questions.prompt,
        confirm=questions.confirm,
        facts=store,
    )
    return Prepared((_PATH,), inventory, options)
