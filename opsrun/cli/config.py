"""``opsrun config``: the defaults that hold, and where each comes from."""

from __future__ import annotations

from typing import Any

import click

from opsrun.cli import settings
from opsrun.cli.main import COMMANDS, load, shared_options, warn
from opsrun.errors import UsageError, did_you_mean

WITH_DEFAULTS = ("exec", "shell", "ping", "wait", "trust")
"""Commands whose options have defaults worth showing."""


@click.group("config", context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """The defaults of options, from opsrun.toml."""


@config.command("show")
@click.argument("command", required=False)
def show(command: str | None) -> None:
    """Show every option's default for COMMAND, or for all, and where it comes from."""
    if command is not None and command not in COMMANDS:
        raise UsageError(f"no command {command!r}{did_you_mean(command, COMMANDS)}")
    found = settings.read_all(warn)
    settings.check_sections(found, COMMANDS)
    for name in (command,) if command else WITH_DEFAULTS:
        _show(name, settings.for_command(load(name), name, found, shared_options()))
    note = settings.environment_note()
    if note:
        click.echo(f"# $OPSRUN_INVENTORY: {note}, where no -i is given")


def _show(name: str, chosen: dict[str, settings.Setting]) -> None:
    click.echo(f"[{name}]")
    for key, option in settings.options_of(load(name)).items():
        setting = chosen.get(key)
        if setting is None:
            value = option.to_info_dict()["default"]
            value, origin = False if option.is_flag else value, "built in"
        else:
            value, origin = setting.value, f"{setting.path}:{setting.line or '?'}"
        line = f"{key} = {_toml(value)}"
        click.echo(f"{line:<40}  # {origin}")
    click.echo()


def _toml(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
