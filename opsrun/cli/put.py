"""``opsrun put``: files to many hosts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from opsrun.cli.transfer import (
    Asked,
    checking_options,
    copy_command,
    dry_run,
    keep_setuid,
    owner_options,
)
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.composition.transfers import PutAction
    from opsrun.trees.stdin import Held


@copy_command(
    "put",
    "SRC... DEST",
    owner_options,
    click.option(
        "-p",
        "--preserve",
        is_flag=True,
        help="Keep the sources' permissions and modification times.",
    ),
    keep_setuid,
    checking_options,
    click.option(
        "--follow",
        is_flag=True,
        help="Where DEST is a link, write what it leads to; else that is refused.",
    ),
    click.option("--dereference", is_flag=True, help="Send what links lead to in place of links."),
    click.option("--parents", is_flag=True, help="Make directories above DEST that are missing."),
    dry_run,
)
def put(asked: Asked) -> PutAction:
    """Copy SRC to DEST on every host that --hosts selects.

    A directory is copied with all that is in it, `DIR/` stands for its contents, and - for standard
    input. What is there already is not sent again. Each file is written beside its place, checked,
    and then put there at once: nobody ever sees half of one.
    """
    from opsrun.adhoc.put import PutOptions
    from opsrun.composition.transfers import PutAction

    options = PutOptions(
        asked.finish(),
        asked.rates(),
        follow=asked.values["follow"],
        parents=asked.values["parents"],
        dry_run=asked.values["dry_run"],
        sftp=asked.values["sftp"],
    )
    return PutAction.prepare(
        asked.sources,
        asked.dest,
        options,
        exclude=asked.patterns.excludes(),
        dereference=asked.values["dereference"],
        stdin=_stdin,
    )


def _stdin() -> Held:
    from opsrun.trees.stdin import hold

    if sys.stdin.isatty():
        raise UsageError("- sends what is piped into opsrun, and this is a terminal")
    return hold(sys.stdin.buffer)
