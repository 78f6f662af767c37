"""``opsrun sync``: make a directory on many hosts equal to one here."""

from __future__ import annotations

from typing import Any

import click

from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    become_options,
    connection_options,
    folded_options,
    selection_beside_files,
    take,
)
from opsrun.cli.plan import Order, plan_options
from opsrun.cli.transfer import (
    EPILOG,
    SETTINGS,
    Patterns,
    dry_run,
    exclude_options,
    finish,
    keep_setuid,
    owner_options,
    rate_options,
    rates,
    sftp,
    source_and_destination,
)
from opsrun.errors import UsageError


@click.command("sync", context_settings=SETTINGS, epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="DIR DEST", type=click.UNPROCESSED)
@selection_beside_files
@connection_options
@become_options
@folded_options
@click.option(
    "--delete", is_flag=True, help="Delete in DEST what DIR doesn't have; excluded names are kept."
)
@click.option(
    "--checksum",
    is_flag=True,
    help="Compare contents by SHA-256, in place of sizes and modification times.",
)
@owner_options
@keep_setuid
@click.option("--backup", is_flag=True, help="Keep what is replaced, as NAME.<time>~.")
@sftp
@exclude_options
@rate_options
@dry_run
@plan_options
def sync(paths: tuple[str, ...], **values: Any) -> int:
    """Make DEST on every host that --hosts selects equal to the directory DIR.

    One look at DEST, then all that differs goes out in one stream. Permissions, modification times
    and links come along; nothing is deleted without --delete.
    """
    from opsrun.adhoc.sync import SyncOptions
    from opsrun.cli.execution import execute
    from opsrun.composition.transfers import SyncAction

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    order, patterns = take(Order, values), take(Patterns, values)
    sources, dest = source_and_destination(paths, "sync")
    if len(sources) > 1:
        raise UsageError("sync takes one directory and its destination; `opsrun put` takes several")
    options = SyncOptions(
        finish(values | {"preserve": True}),
        rates(values),
        patterns.excludes(),
        delete=values["delete"],
        checksum=values["checksum"],
        dry_run=values["dry_run"],
        sftp=values["sftp"],
    )
    action = SyncAction.prepare(sources[0], dest, options)
    plan = order.plan(reach.forks)
    return execute(action, selection, reach, show, plan, retries=order.retries)
