"""``opsrun sync``: make a directory on many hosts equal to one here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsrun.cli.transfer import Asked, backup, copy_command, dry_run, keep_setuid, owner_options
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.composition.transfers import SyncAction


@copy_command(
    "sync",
    "DIR DEST",
    click.option(
        "--delete",
        is_flag=True,
        help="Delete in DEST what DIR doesn't have; excluded names are kept.",
    ),
    click.option(
        "--checksum",
        is_flag=True,
        help="Compare contents by SHA-256, in place of sizes and modification times.",
    ),
    owner_options,
    keep_setuid,
    backup,
    dry_run,
)
def sync(asked: Asked) -> SyncAction:
    """Make DEST on every host that --hosts selects equal to the directory DIR.

    One look at DEST, then all that differs goes out in one stream. Permissions, modification times
    and links come along; nothing is deleted without --delete.
    """
    from opsrun.adhoc.sync import SyncOptions
    from opsrun.composition.transfers import SyncAction

    if len(asked.sources) > 1:
        raise UsageError("sync takes one directory and its destination; `opsrun put` takes several")
    options = SyncOptions(
        asked.finish(preserve=True),
        asked.rates(),
        asked.patterns.excludes(),
        delete=asked.values["delete"],
        checksum=asked.values["checksum"],
        dry_run=asked.values["dry_run"],
        sftp=asked.values["sftp"],
    )
    return SyncAction.prepare(asked.sources[0], asked.dest, options)
