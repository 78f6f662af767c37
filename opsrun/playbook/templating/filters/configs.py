"""Configuration in other notations: filters of ``community.general``."""

from __future__ import annotations

import configparser
import io
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_list, a_mapping, a_text, kind
from opsrun.playbook.templating.library import PluginError


def _parser(**options: Any) -> configparser.RawConfigParser:
    made = configparser.RawConfigParser(**options)
    made.optionxform = str  # type: ignore[assignment, method-assign]
    return made


def from_ini(value: Any, delimiters: Any = ("=", ":")) -> dict[str, Any]:
    """The sections of an INI text, with those of ``DEFAULT`` in each."""
    marks = tuple(str(each) for each in a_list(delimiters, "from_ini's delimiters"))
    parser = _parser(delimiters=marks)
    try:
        parser.read_string(a_text(value, "from_ini"))
    except configparser.Error as error:
        raise PluginError(f"from_ini: {error.message.splitlines()[0]}") from error
    found = {name: dict(parser.items(name)) for name in parser.sections()}
    defaults = dict(parser.defaults())
    return {**found, "DEFAULT": defaults} if defaults else found


def to_ini(value: Any, no_extra_spaces: Any = False) -> str:
    """A dictionary of sections as an INI text."""
    parser = _parser()
    if not a_mapping(value, "to_ini"):
        raise PluginError("to_ini: the dictionary is empty")
    for name, options in value.items():
        for key, each in a_mapping(options, f"to_ini's section {name!r}").items():
            if each is None:
                raise PluginError(f"to_ini: {name}.{key} has no value")
        parser[str(name)] = {str(key): str(each) for key, each in options.items()}
    made = io.StringIO()
    parser.write(made, space_around_delimiters=not no_extra_spaces)
    return made.getvalue().rstrip("\n") + "\n"


def from_toml(value: Any) -> dict[str, Any]:
    """What a TOML text holds."""
    import tomllib

    try:
        return tomllib.loads(a_text(value, "from_toml"))
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"from_toml: {error}") from error


def to_toml(value: Any) -> str:
    """A dictionary as TOML; needs tomlkit."""
    if not isinstance(value, dict):
        raise PluginError(f"to_toml expects a dictionary, not {kind(value)}")
    try:
        import tomlkit
    except ImportError as error:
        raise PluginError(
            "to_toml needs the Python package tomlkit: pip install tomlkit"
        ) from error
    return str(tomlkit.dumps(value))


_OWN: dict[str, Callable[..., Any]] = {
    "from_ini": from_ini,
    "to_ini": to_ini,
    "from_toml": from_toml,
    "to_toml": to_toml,
}

FILTERS: dict[str, Callable[..., Any]] = {
    f"community.general.{name}": function for name, function in _OWN.items()
}
