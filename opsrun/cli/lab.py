"""``opsrun lab``: up, down, status, run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from opsrun.lab import Lab
    from opsrun.lab.lab import ServerKind

_DEFAULT_DIR = ".lab"
_DEFAULT_HOSTS = 8
_EXAMPLE = Path("inventories/lab.yml")
"""Lists the hosts of a lab that was started without any option in the same directory."""


def _making_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what lab to make."""
    for option in (
        click.option(
            "--shared/--no-shared",
            default=None,
            help="Let one sshd serve sixteen hosts, with one host key for all and the machine's"
            " own host name; done for more than 64 hosts unless told not to.",
        ),
        click.option(
            "--server",
            type=click.Choice(["auto", "sshd", "mock"]),
            default="auto",
            help="The system's sshd, or mock-ssh-server; the first that there is.",
        ),
        click.option(
            "--hosts",
            type=int,
            metavar="N",
            default=_DEFAULT_HOSTS,
            show_default=True,
            help="How many: half of them web, a quarter each db and app.",
        ),
    ):
        command = option(command)
    return command


_dir_option = click.option(
    "--dir",
    "directory",
    metavar="DIR",
    default=_DEFAULT_DIR,
    show_default=True,
    help="The lab's folder; each folder is a lab of its own.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def lab() -> None:
    """A fleet of real SSH servers on loopback to try things on.

    Every host has its own name, address and key. Whoever starts a lab is the only one who can log
    in to it, as the account that they have anyhow.
    """


@lab.command()
@_dir_option
@_making_options
def up(directory: str, hosts: int, server: ServerKind, shared: bool | None) -> None:
    """Start it, and say what to type next. Starting it twice is fine."""
    from opsrun.lab import Lab
    from opsrun.lab.signals import ending_on_signals

    made = Lab(directory, hosts=hosts, server=server, shared=shared)
    with ending_on_signals():
        started = made.up()
    click.echo(f"{len(made.hosts)} hosts {'are' if started else 'were already'} up", nl=False)
    click.echo(f" in {directory} ({made.state.version})")
    _next_steps(made, directory)


def _next_steps(made: Lab, directory: str) -> None:
    """Commands that work as they stand, typed in this directory."""
    options = "" if directory == _DEFAULT_DIR else f" --dir {directory}"
    listed = directory == _DEFAULT_DIR and len(made.hosts) == _DEFAULT_HOSTS and _EXAMPLE.is_file()
    inventory = "" if listed else f" -i {os.path.relpath(made.inventory)}"
    first = made.hosts[0]
    click.echo("")
    click.echo(f"  opsrun exec df --hosts {first.group}{inventory}")
    click.echo(f"  ssh -F {os.path.relpath(made.ssh_config)} {first.name}")
    click.echo(f"  opsrun lab status{options}")
    click.echo(f"  opsrun lab down{options}")


@lab.command()
@_dir_option
def down(directory: str) -> None:
    """End it: its servers, all that runs on its hosts, its keys and its folder."""
    from opsrun.lab import Lab

    ended = Lab(directory).down()
    click.echo(f"the lab in {directory} is gone" if ended else f"no lab is up in {directory}")


@lab.command()
@_dir_option
@click.pass_context
def status(ctx: click.Context, directory: str) -> None:
    """Show each host; exit status 1 unless all of them are up."""
    from opsrun.lab import Lab

    made = Lab(directory)
    if not made.load():
        click.echo(f"no lab is up in {directory}")
        ctx.exit(1)
    rows = made.status()
    width = max(len(row.host.name) for row in rows)
    for row in rows:
        click.echo(
            f"{row.host.name:{width}}  {'up' if row.up else 'down':4}"
            f"  {row.host.address:15}  {row.host.port}  {row.pid or '-'}"
        )
    running = sum(row.up for row in rows)
    click.echo(f"{running} of {len(rows)} up, served by {made.state.version}")
    ctx.exit(0 if running == len(rows) else 1)


@lab.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    help="A lab that is up there is used, and left up. Without it: a temporary folder.",
)
@_making_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(
    ctx: click.Context,
    directory: str | None,
    hosts: int,
    server: ServerKind,
    shared: bool | None,
    command: tuple[str, ...],
) -> None:
    """Run a local COMMAND beside a lab that is there for that time only.

    OPSRUN_INVENTORY is set to the lab's inventory; the exit status is the command's.
    """
    from opsrun.lab import Lab
    from opsrun.lab.run import run_beside, temporary_directory
    from opsrun.lab.signals import ending_on_signals

    with contextlib.ExitStack() as stack:
        stack.enter_context(ending_on_signals())
        place = directory or stack.enter_context(temporary_directory())
        code = run_beside(Lab(place, hosts=hosts, server=server, shared=shared), command)
    ctx.exit(code)
