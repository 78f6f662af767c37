"""What paramiko need not import in a command's process.

``paramiko.config`` imports invoke, for ``Match exec`` of its own ssh_config reader, and goes on
without it where it isn't installed. invoke brings a YAML library, unittest and more along: half of
the time in which paramiko is imported. opsrun reads ssh_config itself, so the command has it not
found, at that place alone: whoever else imports invoke, before or later, gets it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_ASKS, _DEFINES, _FOR = "paramiko.config", "SSHConfig", "invoke"


class LeftOut:
    """Finds nothing, and says that one module isn't there while another one begins."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder.find_spec`, which is not worth its import."""
        if name == _FOR and _begins():
            raise ModuleNotFoundError(f"{name} is left out", name=name)
        return None


def _begins() -> bool:
    # A module is in sys.modules from the start of its import; its classes come later.
    asks = sys.modules.get(_ASKS)
    return asks is not None and not hasattr(asks, _DEFINES)


def install() -> None:
    """Have it left out from now on; done once."""
    if not any(isinstance(finder, LeftOut) for finder in sys.meta_path):
        sys.meta_path.insert(0, LeftOut())


def uninstall() -> None:
    """Let everything be found again."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, LeftOut)]
