"""The ``opsrun`` command: finds a subcommand, and turns every known error into one message.

Start-up matters: nothing heavy is imported here, and a subcommand's module only when it is used.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from contextlib import suppress
from dataclasses import fields
from typing import Any, NoReturn

import click

from opsrun import __version__
from opsrun.cli import late_methods, late_patterns, left_out
from opsrun.errors import OpsrunError, RunFailed, SinkClosed, did_you_mean

COMMANDS = {
    "exec": ("opsrun.cli.exec:exec_", "Run a command on many hosts at once."),
    "shell": ("opsrun.cli.shell:shell", "A prompt that runs each line on all hosts."),
    "put": ("opsrun.cli.put:put", "Copy files to many hosts."),
    "get": ("opsrun.cli.get:get", "Copy files from many hosts."),
    "sync": ("opsrun.cli.sync:sync", "Make a directory on many hosts equal to one here."),
    "playbook": ("opsrun.cli.playbook:playbook", "Run playbooks."),
    "ping": ("opsrun.cli.ping:ping", "Log in to hosts and measure the round trip."),
    "facts": ("opsrun.cli.facts:facts", "Ask hosts for facts, or a cache of them."),
    "wait": ("opsrun.cli.wait:wait", "Wait until hosts are ready."),
    "report": ("opsrun.cli.report:report", "What became of a run: a page, for CI, for GitHub."),
    "history": ("opsrun.cli.history.group:history", "What was run: shown again, repeated."),
    "trust": ("opsrun.cli.trust:trust", "Look at hosts' keys, and record them."),
    "lint": ("opsrun.cli.lint:lint", "Find mistakes in playbooks and roles, without a host."),
    "inventory": ("opsrun.cli.inventory:inventory", "Show and explain the inventory."),
    "vault": ("opsrun.cli.vault:vault", "Encrypt and decrypt files and values."),
    "graph": ("opsrun.cli.graph:graph", "Draw what playbooks do: a tree, or a picture."),
    "doc": ("opsrun.cli.doc:doc", "What a module, a keyword or a filter is, takes and returns."),
    "schema": ("opsrun.cli.schema:schema", "JSON Schema of playbooks and so on, for editors."),
    "new": ("opsrun.cli.new:new", "A beginning for a module of your own."),
    "compat": ("opsrun.cli.compat:compat", "Write programs named as Ansible's that run opsrun."),
    "config": ("opsrun.cli.config:config", "Show the defaults, and where each comes from."),
    "lab": ("opsrun.cli.lab:lab", "A fleet of SSH servers on loopback to try things on."),
}
"""Subcommand: where it lives, and its line in ``opsrun --help``."""

STARTING, COLLECTING = (200_000, 20, 100), (50_000, 20, 100)
"""For gc.set_threshold, before a run begins and from then on: a command's objects live until it
ends, and looking through them again and again finds nothing; least of all through those that
importing makes."""

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell reports for a program whose reader went away."""


def load(name: str) -> click.Command:
    """The subcommand of this name; imports its module."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


def started() -> None:
    """What was imported and read so far stays; garbage is looked for in what comes from now on."""
    if gc.get_threshold() == STARTING:
        gc.freeze()
        gc.set_threshold(*COLLECTING)


def warn(sentence: str) -> None:
    """Tell the operator something, on standard error and with nothing in it for a terminal."""
    from opsrun.views.sanitise import sanitise

    # Where standard error can't be written to either, the exit status is all that is left.
    with suppress(OSError):
        click.echo(f"opsrun: {sanitise(sentence)}", err=True)


def shared_options() -> frozenset[str]:
    """Long options that may stand in the [defaults] of a settings file."""
    from opsrun.cli.options import Reach, Selection, Show

    kinds = (Reach, Selection, Show)
    return frozenset(f.name.replace("_", "-") for kind in kinds for f in fields(kind))


def _defaults(ctx: click.Context, name: str, command: click.Command) -> dict[str, Any]:
    own = _own_defaults(name, command)
    if name not in ("playbook", "inventory", "facts"):
        return own
    from opsrun.cli import ansible_cfg

    others = ansible_cfg.defaults(ctx, name, command)
    if isinstance(command, click.Group):
        return {sub: {**others.get(sub, {}), **own.get(sub, {})} for sub in command.commands}
    return {**others, **own}


def _own_defaults(name: str, command: click.Command) -> dict[str, Any]:
    from opsrun.cli import settings

    # Also what is there and can't be read: it is told, not passed over.
    if not any(settings.is_there(path) for path in settings.files()):
        return {}
    found = settings.read_all(warn)
    settings.check_sections(found, COMMANDS)
    chosen = settings.for_command(command, name, found, shared_options())
    return settings.default_map(command, chosen)


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, and not for ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        found = super().resolve_command(ctx, args)
        if found[0] is not None and found[1] is not None:
            ctx.default_map = {found[0]: _defaults(ctx, found[0], found[1])}
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would make it status 1, which says that a host failed.
            raise SinkClosed("the reader of the output went away") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True
)
@click.version_option(__version__, "-V", "--version", message="opsrun %(version)s")
def main() -> None:
    """Run commands, files and playbooks on many hosts over SSH."""


def entry_point(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 2 for bad usage or a bad input file."""
    _open_standard_descriptors()
    gc.set_threshold(*STARTING)
    late_methods.install()
    late_patterns.install()
    left_out.install()
    try:
        status = main.main(args=args, prog_name="opsrun", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        _with_hint(error).show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (SinkClosed, BrokenPipeError):
        _forget_output()
        sys.exit(BROKEN_PIPE)
    except OpsrunError as error:
        warn(str(error))
        sys.exit(1 if isinstance(error, RunFailed) else 2)
    except OSError as error:
        warn(_explain(error))
        _forget_output()
        sys.exit(2 if isinstance(error, FileNotFoundError) else 1)
    finally:
        # Python looks through all objects several times as it ends, and there is nothing to find:
        # whatever has to be closed has been.
        gc.freeze()


def _with_hint(error: click.ClickException) -> click.ClickException:
    """The error, with the name that an option of another tool's has here."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error
    from opsrun.cli.habits import habit

    message = error.message + habit(error.ctx.command.name or "", error.option_name)
    return click.NoSuchOption(error.option_name, message, error.possibilities, error.ctx)


def _open_standard_descriptors() -> None:
    """Put /dev/null where a standard descriptor is closed.

    Or the first files and sockets that we open would get these numbers, and what is meant for the
    operator would be written into them: open(2) gives the lowest number that is free.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 (kept)
            setattr(sys, name, stream)


def _forget_output() -> None:
    """What could not be written must not be tried again, and complained of, as Python exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _explain(error: OSError) -> str:
    with suppress(FileNotFoundError):
        os.getcwd()
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return "the working directory is gone; change to one that is there"
