"""``opsrun.toml``: defaults for any option, of the user and of the project.

::

    [defaults]                    # for every command that has the option
    inventory = ["inventories/prod"]
    forks = 100

    [exec]                        # for one command; wins over [defaults]
    output = "fold"

The command line wins over the project's file (``opsrun.toml`` in the working directory), that over
the user's (``opsrun/opsrun.toml`` in the platform's configuration directory, on Linux
``~/.config``), that over what is built in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from opsrun.errors import ConfigError, did_you_mean
from opsrun.folders import config_folder

FILE = "opsrun.toml"
SHARED = "defaults"


@dataclass(frozen=True, slots=True)
class Setting:
    """One default from a file."""

    section: str
    key: str
    value: Any
    path: str
    line: int | None

    @property
    def option(self) -> str:
        """The long option that it sets, without dashes in front."""
        return self.key.replace("_", "-")

    def wrong(self, message: str) -> ConfigError:
        """An error about this setting."""
        return ConfigError(message, path=self.path, line=self.line)


def files() -> list[Path]:
    """The files there may be, the one that wins last."""
    return [config_folder() / FILE, Path(FILE)]


def is_there(path: Path) -> bool:
    """Whether there is something of this name, be it usable or not."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_all(warn: Any) -> list[Setting]:
    """Every setting of every file, those that win last.

    Args:
        warn: called with a sentence for a file that is passed over.

    Raises:
        ConfigError: a file is no TOML, no file, or can't be read.
    """
    return [setting for path in files() if _usable(path, warn) for setting in read(path)]


def _usable(path: Path, warn: Any) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError("a link that leads nowhere", path=str(path)) from None
        return False
    except NotADirectoryError:
        return False
    except PermissionError as error:
        # Another user's home, under sudo for example: whether there is one nobody can know.
        warn(f"{path} is passed over: {error.strerror}")
        return False
    except OSError as error:
        raise ConfigError(error.strerror or str(error), path=str(path)) from None
    if not stat.S_ISREG(mode) and not stat.S_ISCHR(mode):
        raise ConfigError("expected a file", path=str(path))
    if not path.is_absolute() and Path().stat().st_mode & stat.S_IWOTH:
        # Whoever may write here could have opsrun use an inventory and a key of theirs.
        warn(f"{path} is passed over: everybody may write to this directory")
        return False
    return True


def read(path: Path) -> list[Setting]:
    """The settings of one file, in its order.

    Raises:
        ConfigError: it is no TOML, or not made of sections.
    """
    import tomllib

    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from None
    except OSError as error:
        raise ConfigError(error.strerror or str(error), path=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(error), path=str(path)) from None
    return list(_settings(path, text, document))


def _not_toml(path: Path, text: str, message: str) -> ConfigError:
    place = re.search(r" \(at line (\d+), column (\d+)\)", message)
    if place is None:
        return ConfigError(message, path=str(path))
    line, column = int(place[1]), int(place[2])
    source = text.split("\n")[line - 1]
    words = message[: place.start()]
    return ConfigError(words, path=str(path), line=line, column=column, text=source)


def _settings(path: Path, text: str, document: Mapping[str, Any]) -> Iterator[Setting]:
    for section, values in document.items():
        if not isinstance(values, dict):
            raise ConfigError(
                f"{section!r} stands in no section; write it below [{SHARED}] or a command's name",
                path=str(path),
                line=_line(text, None, section),
            )
        for key, value in values.items():
            yield Setting(section, key, value, str(path), _line(text, section, key))


def _line(text: str, section: str | None, key: str) -> int | None:
    # tomllib gives no positions; this finds every key that is written the usual way.
    current: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        head = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        if head:
            current = head[1]
        elif current == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return None


def options_of(command: click.Command) -> dict[str, click.Option]:
    """A command's options by their long names; those of its subcommands, where it is a group."""
    own = {
        name.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }
    subcommands = command.commands.values() if isinstance(command, click.Group) else ()
    return own | {name: o for sub in subcommands for name, o in options_of(sub).items()}


def default_map(command: click.Command, chosen: Mapping[str, Setting]) -> dict[str, Any]:
    """What was chosen in the form that click takes: for a group, once below each subcommand."""
    if isinstance(command, click.Group):
        return {name: default_map(sub, chosen) for name, sub in command.commands.items()}
    options = options_of(command)
    return {options[name].name or "": s.value for name, s in chosen.items() if name in options}


def for_command(
    command: click.Command, name: str, settings: Iterable[Setting], shared: frozenset[str]
) -> dict[str, Setting]:
    """The settings that hold for one command, by long option.

    Args:
        command: the command.
        name: its name, which is its section's.
        settings: those that win last.
        shared: long options that some command has, and that may therefore stand in [defaults].

    Raises:
        ConfigError: an option that the command does not have, or a value that it can't take.
    """
    options = options_of(command)
    chosen: dict[str, Setting] = {}
    settings = list(settings)
    for section in (SHARED, name):
        known = options.keys() | (shared if section == SHARED else frozenset())
        for setting in settings:
            if setting.section != section:
                continue
            if setting.option not in known:
                hint = did_you_mean(setting.option, known)
                raise setting.wrong(f"[{section}] has no option {setting.key!r}{hint}")
            if setting.option in options:
                check(setting, options[setting.option])
                chosen[setting.option] = setting
    return chosen


def check(setting: Setting, parameter: click.Option) -> None:
    """Raises ConfigError where an option can't take the value of a setting."""
    if parameter.multiple and not isinstance(setting.value, list):
        raise setting.wrong(f"{setting.key} takes a list, not {setting.value!r}")
    if parameter.is_flag and not isinstance(setting.value, bool):
        raise setting.wrong(f"{setting.key} takes true or false, not {setting.value!r}")
    if not parameter.multiple and isinstance(setting.value, (list, dict)):
        raise setting.wrong(f"{setting.key} takes one value, not {setting.value!r}")
    if not parameter.is_flag and isinstance(setting.value, bool):
        raise setting.wrong(f"{setting.key} takes no true or false")
    parts = setting.value if isinstance(setting.value, list) else [setting.value]
    if not all(isinstance(part, (str, int, float)) for part in parts):
        # TOML has dates and tables, which no option takes and click can't read.
        raise setting.wrong(f"{setting.key} takes text or numbers")
    try:
        parameter.type_cast_value(click.Context(click.Command("opsrun")), setting.value)
    except click.BadParameter as error:
        raise setting.wrong(f"{setting.key}: {error.message}") from None


def check_sections(settings: Iterable[Setting], commands: Iterable[str]) -> None:
    """Every section is [defaults] or a command's name.

    Raises:
        ConfigError: one is neither.
    """
    known = {SHARED, *commands}
    for setting in settings:
        if setting.section not in known:
            raise setting.wrong(
                f"no section [{setting.section}]{did_you_mean(setting.section, known)}"
            )


def environment_note() -> str | None:
    """What the environment sets, for ``opsrun config show``."""
    value = os.environ.get("OPSRUN_INVENTORY")
    return f"inventory = {value!r}" if value else None
