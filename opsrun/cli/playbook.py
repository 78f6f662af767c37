"""``opsrun playbook``: plays on many hosts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.ansible_cfg import tell
from opsrun.cli.bridging import Bridging, bridge_options
from opsrun.cli.confirming import yes_option
from opsrun.cli.fact_caching import FactCaching, fact_cache_options, fact_store
from opsrun.cli.journaling import of_run
from opsrun.cli.options import (
    F,
    Reach,
    become_options,
    connection_options,
    module_path_option,
    take,
)
from opsrun.cli.playbook_show import PlaybookOutput, PlaybookShow
from opsrun.cli.questions import Questions
from opsrun.cli.settled import Settled, settled_options
from opsrun.cli.vaulting import vault_of, vault_options
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.cli.execution import Front
    from opsrun.composition.playbooks import PlaybookOptions, Prepared
    from opsrun.composition.run import Run
    from opsrun.inventory import Inventory
    from opsrun.playbook.variables.settings import Gathering


@dataclass(frozen=True, slots=True)
class Playing:
    """What of the playbooks is run, and how: the options of `playing_options`."""

    inventory: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at_task: str | None = None
    check: bool = False
    diff: bool = False
    step: bool = False
    no_prefetch: bool = False
    force_handlers: bool = False
    resume: bool = False
    strict: bool = False
    retries: int = 0
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    module_path: tuple[str, ...] = ()
    connection: str | None = None
    strategy: str = "linear"
    gathering: Gathering = "implicit"
    playbook_dir: str | None = None
    allow_missing_handlers: bool = False
    odd_conditions: Any = "take"
    vault_id: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    caching: FactCaching = field(default_factory=FactCaching)
    bridging: Bridging = field(default_factory=Bridging)


@dataclass(frozen=True, slots=True)
class Listing:
    """What is to be shown in place of a run."""

    list_hosts: bool = False
    list_tasks: bool = False
    list_tags: bool = False
    syntax_check: bool = False

    def __bool__(self) -> bool:
        return self.list_hosts or self.list_tasks or self.list_tags or self.syntax_check


def playing_options(function: F) -> F:
    """-i -l -e -t --skip-tags -C -D … and the listings."""
    for option in reversed(_PLAYING):
        function = option(function)
    return function


_PLAYING = (
    click.option(
        "-i",
        "--inventory",
        multiple=True,
        metavar="PATH|h1,h2,",
        help="Inventory file, script, directory or comma list; may be given again. "
        "Default: $OPSRUN_INVENTORY, else inventories/ here.",
    ),
    click.option(
        "-l",
        "--limit",
        multiple=True,
        metavar="PATTERN",
        help="Only those hosts of the plays that are also in this pattern; @FILE reads names.",
    ),
    click.option(
        "-e",
        "--extra-vars",
        multiple=True,
        metavar="NAME=VALUE|{…}|@FILE",
        help="Variables that win over all others: words, YAML or JSON in braces, or a file; may be "
        "given again.",
    ),
    click.option(
        "-t", "--tags", multiple=True, metavar="TAG,...", help="Only tasks with one of these tags."
    ),
    click.option(
        "--skip-tags", multiple=True, metavar="TAG,...", help="No tasks with one of these tags."
    ),
    click.option(
        "--start-at-task", metavar="NAME", help="Begin with the task of this name; * may stand."
    ),
    click.option("-C", "--check", is_flag=True, help="Say what would change, and change nothing."),
    click.option("-D", "--diff", is_flag=True, help="Show what changes inside files."),
    click.option("--step", is_flag=True, help="Ask before each task."),
    click.option(
        "--force-handlers", is_flag=True, help="Notified handlers run on failed hosts, too."
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Handlers that the last such run left pending count as notified.",
    ),
    click.option(
        "--strict", is_flag=True, help="Don't start where a task names an unknown module."
    ),
    click.option(
        "--retries",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Try to log in again where that failed.",
    ),
    click.option(
        "--roles-path",
        multiple=True,
        metavar="DIR",
        help="Folder of roles, beside those of the playbook; may be given again.",
    ),
    module_path_option,
    click.option(
        "--collections-path",
        multiple=True,
        metavar="DIR",
        help="Folder that holds ansible_collections; may be given again.",
    ),
    click.option(
        "-c",
        "--connection",
        metavar="KIND",
        help="How to reach hosts that nothing else is said of: ssh, local, docker …",
    ),
    click.option(
        "--strategy",
        default="linear",
        show_default=True,
        metavar="NAME",
        help="Of plays that name none: linear, free or host_pinned.",
    ),
    # What Ansible has no option for either; its settings come this way.
    click.option(
        "--gathering",
        type=click.Choice(["implicit", "explicit", "smart"]),
        default="implicit",
        hidden=True,
    ),
    click.option("--playbook-dir", hidden=True),
    click.option("--allow-missing-handlers", is_flag=True, hidden=True),
    click.option(
        "--odd-conditions",
        type=click.Choice(["take", "warn", "refuse"]),
        default="take",
        hidden=True,
    ),
    click.option(
        "--no-prefetch",
        is_flag=True,
        help="Ask hosts nothing before a task's turn. Results are the same, and come later.",
    ),
    click.option("--list-hosts", is_flag=True, help="Print each play's hosts, and run nothing."),
    click.option("--list-tasks", is_flag=True, help="Print the tasks, and run nothing."),
    click.option("--list-tags", is_flag=True, help="Print the tags, and run nothing."),
    click.option("--syntax-check", is_flag=True, help="Read all files, and run nothing."),
    click.option(
        "-o",
        "--output",
        type=PlaybookOutput(),
        default="text",
        show_default=True,
        help="How results are shown; ansible is what ansible-playbook prints.",
    ),
    click.option("-v", "--verbose", count=True, help="Tell more; -vvv tells all."),
    click.option("-q", "--quiet", is_flag=True, help="No retries, warnings and summary."),
)


@click.command(
    "playbook",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 all well, 1 a host failed, 2 bad usage or a bad file, 3 unreachable, 4 "
    "outcome unknown, 130 interrupted; the worst of 4, 3, 1 wins.",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@playing_options
@connection_options
@become_options
@yes_option
@vault_options
@fact_cache_options
@bridge_options
@settled_options
def playbook(files: tuple[str, ...], **values: Any) -> int:
    """Run playbooks, one after the other, on the hosts that their plays name.

    The language is Ansible's, as docs/playbooks.md and docs/dialect.md tell.
    """
    reach, listing = take(Reach, values), take(Listing, values)
    settled = take(Settled, values)
    show = PlaybookShow(
        values["output"], values["verbose"], values["quiet"], values["diff"], settled
    )
    if show.quiet and show.verbose:
        raise UsageError("-q and -v say opposite things: give one of them")
    playing = take(Playing, values)
    caching, bridging = take(FactCaching, values), take(Bridging, values)
    playing = replace(playing, caching=caching, bridging=bridging)
    tell(show.verbosity)
    if listing:
        return _listed(files, playing, reach, show, listing)
    return _played(files, playing, reach, show)


def _played(files: Sequence[str], playing: Playing, reach: Reach, show: PlaybookShow) -> int:
    from opsrun.cli.execution import bring_out, make_fleet, patch_for

    # Before anything imports paramiko, which reading a playbook's modules may do.
    patch_for(reach.engine)

    questions = Questions()
    prepared = _prepared(files, playing, reach, show, questions)
    fleet = make_fleet(prepared.inventory, reach, questions.typed.if_there())

    def begin(front: Front) -> Run:
        questions.begin(front)
        return fleet.begin_playbook(
            prepared,
            sinks=front.sinks,
            on_tick=front.check,
            ask=front.ask,
            verbosity=show.verbosity,
        )

    return bring_out(begin, show).status


def _listed(
    files: Sequence[str], playing: Playing, reach: Reach, show: PlaybookShow, listing: Listing
) -> int:
    from opsrun.cli.playbook_lists import listings

    prepared = _prepared(files, playing, reach, show, Questions())
    for line in listings(
        prepared, hosts=listing.list_hosts, tasks=listing.list_tasks, tags=listing.list_tags
    ):
        click.echo(line)
    return 0


def _prepared(
    files: Sequence[str], playing: Playing, reach: Reach, show: PlaybookShow, questions: Questions
) -> Prepared:
    from opsrun.composition.playbooks import Prepared
    from opsrun.composition.playbooks.pending_file import PendingFile

    if playing.step and not questions.can_be_asked():
        raise UsageError("--step asks before each task, and there is no terminal to ask on")
    inventory = _inventory(playing)
    options = _options(playing, reach, show, questions)
    pending = PendingFile(files, inventory.sources, options.settings.cwd)
    facts = fact_store(playing.caching, inventory.hosts)
    own = replace(options, pending=pending, resume=playing.resume, facts=facts)
    return Prepared(files, inventory, own)


def _inventory(playing: Playing) -> Inventory:
    from opsrun.cli.main import warn
    from opsrun.inventory import load_inventory

    inventory = load_inventory(list(playing.inventory), vault=vault_of(playing), of_run=of_run)
    for warning in inventory.warnings:
        warn(f"warning: {warning}")
    return inventory


def _options(
    playing: Playing, reach: Reach, show: PlaybookShow, questions: Questions
) -> PlaybookOptions:
    from opsrun.composition.playbooks import PlaybookOptions
    from opsrun.playbook.extra_vars import extra_vars
    from opsrun.playbook.variables.settings import RunSettings

    settings = RunSettings(
        check=playing.check,
        diff=playing.diff,
        tags=playing.tags or ("all",),
        skip_tags=playing.skip_tags,
        limit=",".join(playing.limit) or None,
        forks=reach.forks,
        verbosity=max(show.verbosity, 0),
        extra_vars=extra_vars(playing.extra_vars, os.getcwd(), vault_of(playing)),
        inventory_sources=playing.inventory,
        force_handlers=playing.force_handlers,
        start_at=playing.start_at_task,
        step=playing.step,
        connection=playing.connection,
        strategy=playing.strategy,
        gathering=playing.gathering,
        allow_missing_handlers=playing.allow_missing_handlers,
        odd_conditions=playing.odd_conditions,
        cwd=os.getcwd(),
        any_errors_fatal=show.settled.any_errors_fatal,
        gather=show.settled.gather,
        task_timeout=show.settled.task_timeout,
        poll=show.settled.poll_interval,
        prefetch=not playing.no_prefetch,
    )
    return PlaybookOptions(
        settings,
        retries=playing.retries,
        strict=playing.strict,
        roles_path=playing.roles_path,
        collections_path=playing.collections_path,
        module_folders=playing.module_path,
        plugin_folders=show.settled.plugins,
        bridge=playing.bridging.program,
        managed=show.settled.managed,
        playbook_dir=playing.playbook_dir,
        prompt=questions.prompt,
        confirm=questions.confirm,
    )
