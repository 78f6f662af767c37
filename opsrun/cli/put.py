"""``opsrun put``: files to many hosts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

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
    checking_options,
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

if TYPE_CHECKING:
    from opsrun.trees.stdin import Held


@click.command("put", context_settings=SETTINGS, epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="SRC... DEST", type=click.UNPROCESSED)
@selection_beside_files
@connection_options
@become_options
@folded_options
@owner_options
@click.option(
    "-p", "--preserve", is_flag=True, help="Keep the sources' permissions and modification times."
)
@keep_setuid
@checking_options
@click.option(
    "--follow",
    is_flag=True,
    help="Where DEST is a link, write what it leads to; else that is refused.",
)
@click.option("--dereference", is_flag=True, help="Send what links lead to in place of links.")
@click.option("--parents", is_flag=True, help="Make directories above DEST that are missing.")
@sftp
@exclude_options
@rate_options
@dry_run
@plan_options
def put(paths: tuple[str, ...], **values: Any) -> int:
    """Copy SRC to DEST on every host that --hosts selects.

    A directory is copied with all that is in it, `DIR/` stands for its contents, and - for standard
    input. What is there already is not sent again. Each file is written beside its place, checked,
    and then put there at once: nobody ever sees half of one.
    """
    from opsrun.adhoc.put import PutOptions
    from opsrun.cli.execution import execute
    from opsrun.composition.transfers import PutAction

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    order, patterns = take(Order, values), take(Patterns, values)
    sources, dest = source_and_destination(paths, "put")
    options = PutOptions(
        finish(values),
        rates(values),
        follow=values["follow"],
        parents=values["parents"],
        dry_run=values["dry_run"],
        sftp=values["sftp"],
    )
    action = PutAction.prepare(
        sources,
        dest,
        options,
        exclude=patterns.excludes(),
        dereference=values["dereference"],
        stdin=_stdin,
    )
    plan = order.plan(reach.forks)
    return execute(action, selection, reach, show, plan, retries=order.retries)


def _stdin() -> Held:
    from opsrun.trees.stdin import hold

    if sys.stdin.isatty():
        raise UsageError("- sends what is piped into opsrun, and this is a terminal")
    return hold(sys.stdin.buffer)
