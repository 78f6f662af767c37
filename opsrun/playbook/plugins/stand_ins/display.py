"""``ansible.utils.display``: how plugins speak to the user; warnings are told, the rest is not."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

TELL: ContextVar[Callable[[str], None] | None] = ContextVar("TELL", default=None)
"""Takes warnings while a plugin is at work."""


class Display:
    """See the module's docstring."""

    verbosity = 0
    columns = 79

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def warning(self, msg: Any, formatted: bool = False) -> None:
        """Warn the user."""
        tell = TELL.get()
        if tell is not None:
            tell(str(msg))

    def deprecated(self, msg: Any, *args: Any, **options: Any) -> None:
        """Warn the user that something will go."""
        self.warning(msg)

    def error(self, msg: Any, wrap_text: bool = True) -> None:
        """As a warning: what fails is raised."""
        self.warning(msg)

    def display(self, msg: Any, *args: Any, **options: Any) -> None:
        """Not shown."""

    verbose = debug = v = vv = vvv = vvvv = vvvvv = vvvvvv = banner = display
