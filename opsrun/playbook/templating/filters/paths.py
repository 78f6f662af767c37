"""Paths: of the controller's own kind, and (``win_``) of Windows.

``expanduser``, ``expandvars``, ``realpath`` and ``fileglob`` look at the controller, never at the
host that a task is for.
"""

from __future__ import annotations

import glob
import ntpath
import os
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import is_list, kind
from opsrun.playbook.templating.library import PluginError


def _of_text(name: str, function: Callable[[str], Any]) -> Callable[[Any], Any]:
    def call(value: Any) -> Any:
        if not isinstance(value, str):
            raise PluginError(f"{name} expects a path, not {kind(value)}")
        return function(value)

    call.__name__ = name
    call.__doc__ = f"`os.path.{name}` of a path. Raises PluginError."
    return call


def path_join(value: Any) -> str:
    """One path out of a list of parts; a text alone is a path already."""
    parts = [value] if isinstance(value, str) else value
    if not is_list(parts) or not parts or not all(isinstance(each, str) for each in parts):
        raise PluginError("path_join expects a path, or a list of paths to be joined")
    return os.path.join(*parts)


def relpath(value: str, start: str = ".") -> str:
    """The path as seen from ``start``."""
    return os.path.relpath(value, start)


def commonpath(value: Any) -> str:
    """The longest path that all paths of a list begin with."""
    if not is_list(value):
        raise PluginError(f"commonpath expects a list of paths, not {kind(value)}")
    try:
        found: str = os.path.commonpath(value)
    except (TypeError, ValueError) as error:
        raise PluginError(f"commonpath: {error}") from error
    return found


def fileglob(pattern: str) -> list[str]:
    """The controller's files, not folders, that match."""
    return [each for each in glob.glob(pattern) if os.path.isfile(each)]


_PLAIN: dict[str, Callable[[str], Any]] = {
    "basename": os.path.basename,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "normpath": os.path.normpath,
    "realpath": os.path.realpath,
    "splitext": os.path.splitext,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": ntpath.splitdrive,
}

FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _of_text(name, function) for name, function in _PLAIN.items()},
    "path_join": path_join,
    "relpath": relpath,
    "commonpath": commonpath,
    "fileglob": fileglob,
}
