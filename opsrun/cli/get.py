"""``opsrun get``: files from many hosts."""

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
    exclude_options,
    finish,
    keep_setuid,
    rate_options,
    rates,
    sftp,
    source_and_destination,
)
from opsrun.errors import UsageError


@click.command("get", context_settings=SETTINGS, epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="SRC... DEST", type=click.UNPROCESSED)
@selection_beside_files
@connection_options
@become_options
@folded_options
@click.option(
    "--flat",
    is_flag=True,
    help="No folder a host: straight into DEST, which may have {host} in it; two hosts' files of "
    "one name are refused.",
)
@click.option("--mode", metavar="MODE", help="Permissions of what is written here.")
@click.option(
    "-p", "--preserve", is_flag=True, help="Keep the hosts' permissions and modification times."
)
@keep_setuid
@click.option("--backup", is_flag=True, help="Keep what is replaced, as NAME.<time>~.")
@click.option(
    "--unsafe-links",
    is_flag=True,
    help="Also make links that lead out of the tree; else they are left out, and told.",
)
@sftp
@exclude_options
@rate_options
@plan_options
def get(paths: tuple[str, ...], **values: Any) -> int:
    """Copy SRC from every host that --hosts selects to DEST/HOST/.

    SRC may be a directory, and a pattern that the host expands: '/var/log/*.log'. What is here
    already is not fetched again.
    """
    from opsrun.adhoc.get import GetOptions
    from opsrun.cli.execution import execute
    from opsrun.composition.transfers import GetAction

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    order, patterns = take(Order, values), take(Patterns, values)
    sources, dest = source_and_destination(paths, "get")
    if "-" in (*sources, dest):
        raise UsageError("get has no use for -: `opsrun exec cat FILE` shows files as output")
    options = GetOptions(
        flat=values["flat"],
        finish=finish(values),
        rates=rates(values),
        exclude=patterns.excludes(),
        unsafe_links=values["unsafe_links"],
        sftp=values["sftp"],
    )
    action = GetAction.prepare(sources, dest, options)
    plan = order.plan(reach.forks)
    return execute(action, selection, reach, show, plan, retries=order.retries)
