"""``opsrun get``: files from many hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsrun.cli.transfer import Asked, backup, copy_command, keep_setuid
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.composition.transfers import GetAction


@copy_command(
    "get",
    "SRC... DEST",
    click.option(
        "--flat",
        is_flag=True,
        help="No folder a host: straight into DEST, which may have {host} in it; two hosts' files "
        "of one name are refused.",
    ),
    click.option("--mode", metavar="MODE", help="Permissions of what is written here."),
    click.option(
        "-p", "--preserve", is_flag=True, help="Keep the hosts' permissions and modification times."
    ),
    keep_setuid,
    backup,
    click.option(
        "--unsafe-links",
        is_flag=True,
        help="Also make links that lead out of the tree; else they are left out, and told.",
    ),
)
def get(asked: Asked) -> GetAction:
    """Copy SRC from every host that --hosts selects to DEST/HOST/.

    SRC may be a directory, and a pattern that the host expands: '/var/log/*.log'. What is here
    already is not fetched again.
    """
    from opsrun.adhoc.get import GetOptions
    from opsrun.composition.transfers import GetAction

    if "-" in (*asked.sources, asked.dest):
        raise UsageError("get has no use for -: `opsrun exec cat FILE` shows files as output")
    options = GetOptions(
        flat=asked.values["flat"],
        finish=asked.finish(),
        rates=asked.rates(),
        exclude=asked.patterns.excludes(),
        unsafe_links=asked.values["unsafe_links"],
        sftp=asked.values["sftp"],
    )
    return GetAction.prepare(asked.sources, asked.dest, options)
