"""What paramiko need not import in a command's process.

``paramiko.config`` imports invoke, for ``Match exec`` of its own ssh_config reader, and goes on
without it where it isn't installed. invoke brings a YAML library, unittest and more along: half of
the time in which paramiko is imported. opsrun reads ssh_config itself, so the command has it not
found, at that place alone: whoever else imports invoke, before or later, gets it.

``paramiko`` itself asks ``importlib.metadata`` for its own version, first of all. That imports
readers of mail and of archives, and opens what says so: a sixth of the rest. The version is in the
name of the folder that would be read, so what paramiko gets to ask knows to look there.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKS, _DEFINES, _FOR = "paramiko.config", "SSHConfig", "invoke"
_PARAMIKO, _SAYS = "paramiko", "importlib.metadata"


class LeftOut:
    """Finds nothing, and says that one module isn't there while another one begins."""

    def __init__(self) -> None:
        self._answers = True

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder.find_spec`, which is not worth its import."""
        if name == _FOR and _begins(_ASKS, _DEFINES):
            raise ModuleNotFoundError(f"{name} is left out", name=name)
        if name == _SAYS and self._answers and _begins(_PARAMIKO, "__version__"):
            self._answers = False
            return ModuleSpec(name, _Answers())  # type: ignore[arg-type]
        return None


class _Answers:
    """Loads what is asked for one version, and is gone once it was."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """An empty one."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Let it have the one function."""
        module.version = _version  # type: ignore[attr-defined]


def _version(name: str) -> str:
    package: Any = sys.modules["importlib"]
    del sys.modules[_SAYS], package.metadata
    found = _told_by_folders(name)
    if len(found) == 1:
        return found[0]
    from importlib import metadata

    return metadata.version(name)


def _told_by_folders(name: str) -> list[str]:
    # PyPA, "Recording installed projects": {name}-{version}.dist-info
    head, tail = f"{name}-", ".dist-info"
    beside = os.path.dirname(sys.modules[name].__path__[0])
    try:
        listed = os.listdir(beside)
    except OSError:
        return []
    return [
        each[len(head) : -len(tail)]
        for each in listed
        if each.startswith(head) and each.endswith(tail)
    ]


def _begins(name: str, defines: str) -> bool:
    # A module is in sys.modules from the start of its import; its names come later.
    asks = sys.modules.get(name)
    return asks is not None and not hasattr(asks, defines)


def install() -> None:
    """Have it left out from now on; done once."""
    if not any(isinstance(finder, LeftOut) for finder in sys.meta_path):
        sys.meta_path.insert(0, LeftOut())


def uninstall() -> None:
    """Let everything be found again."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, LeftOut)]
