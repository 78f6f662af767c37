"""From a module's file to its class."""

from __future__ import annotations

import os

from opsrun.modules.base import Module
from opsrun.modules.own.foreign import AnsiblePython, Windows, foreign_class
from opsrun.modules.own.kinds import kind_of
from opsrun.modules.own.program import program_class
from opsrun.modules.own.python import UnusableModule, python_class
from opsrun.modules.own.shell import shell_class

LARGEST = 64 * 1024 * 1024
"""Bytes that a module's file may have: it is held in memory, and sent for every task."""
_NO_MODULES = frozenset(
    {".pyc", ".pyo", ".md", ".rst", ".txt", ".yml", ".yaml", ".json", ".toml", ".cfg", ".ini"}
    | {".bak", ".orig", ".rej", ".swp", ".j2", ".html"}
)


def module_files(folder: str) -> dict[str, str]:
    """The modules that a folder has: by name, the file. Empty where there is no such folder.

    Of several files of one name the first wins, ``.py`` before others.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found: dict[str, str] = {}
    for each in sorted(names, key=lambda each: (not each.endswith(".py"), each)):
        name, suffix = os.path.splitext(each)
        path = os.path.join(folder, each)
        hidden = each.startswith((".", "_")) or each.endswith("~")
        if hidden or suffix.lower() in _NO_MODULES or not os.path.isfile(path):
            continue
        found.setdefault(name, path)
    return found


def load(name: str, path: str) -> type[Module]:
    """The module that a file is.

    Args:
        name: as playbooks call it.
        path: of its file.

    Raises:
        InputError: the file can't be read, or used: with its place.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UnusableModule(error.strerror or str(error), path=path) from error
    if len(content) > LARGEST:
        raise UnusableModule(f"expected at most {LARGEST} bytes", path=path)
    kind = kind_of(os.path.basename(path), content)
    match kind:
        case "python":
            return python_class(name, path, content)
        case "shell":
            return shell_class(name, path, content)
        case "foreign":
            return foreign_class(name, path, AnsiblePython)
        case "windows":
            return foreign_class(name, path, Windows)
    return program_class(name, path, content, kind)
