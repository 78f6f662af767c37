"""What is on the controller's disk: ``is exists``, ``is directory`` … They look there, never at
the host that a task is for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from opsrun.dialect.tags import Opened
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError, lazy
from opsrun.vault.envelope import is_sealed


def _of_path(name: str, function: Callable[[str], bool]) -> Callable[[Any], bool]:
    def call(value: Any) -> bool:
        return function(_path(value, name))

    call.__name__ = name
    call.__doc__ = f"`os.path.{function.__name__}` of a path on the controller."
    return call


def _path(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise PluginError(f"'is {name}' expects a path, not {kind(value)}")
    return value


def same_file(value: Any, other: Any) -> bool:
    """Whether both paths lead to the same file."""
    try:
        return os.path.samefile(_path(value, "same_file"), _path(other, "same_file"))
    except OSError as error:
        raise PluginError(f"'is same_file': {error}") from error


@lazy
def vault_encrypted(value: Any) -> bool:
    """Whether a value is written encrypted (``!vault``); what was made of one isn't, and neither
    is an envelope that is text."""
    return isinstance(value, Opened)


def vaulted_file(value: Any) -> bool:
    """Whether a file on the controller is encrypted."""
    try:
        with open(_path(value, "vaulted_file"), "rb") as file:
            return is_sealed(file.read(64))
    except OSError as error:
        raise PluginError(f"'is vaulted_file': {error}") from error


_BY_FUNCTION: dict[Callable[[str], bool], tuple[str, ...]] = {
    os.path.exists: ("exists",),
    os.path.lexists: ("link_exists",),
    os.path.isdir: ("directory", "is_dir"),
    os.path.isfile: ("file", "is_file"),
    os.path.islink: ("link", "is_link"),
    os.path.isabs: ("abs", "is_abs"),
    os.path.ismount: ("mount", "is_mount"),
}

TESTS: dict[str, Callable[..., Any]] = {
    **{name: _of_path(name, func) for func, names in _BY_FUNCTION.items() for name in names},
    **dict.fromkeys(("same_file", "is_same_file"), same_file),
    "vault_encrypted": vault_encrypted,
    "vaulted_file": vaulted_file,
}
