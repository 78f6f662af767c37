"""Patterns of modules that are compiled when they are first used.

Modules compile their patterns as they are imported, which took a tenth of the time until a run
begins, and most of a command's modules never use theirs. What stands in the place of such a pattern
has its methods and attributes, and compiles it when one of them is asked for.

``re.compile`` is another one for that, so it is done by the command in its own process and never by
the library, and for what opsrun's modules and those of `THEIRS` compile while they are imported.
All others, and functions of these, get what they always get: who compiles what somebody typed has
to be told at once that it is no pattern.
"""

from __future__ import annotations

import re
import sys
from typing import Any

THEIRS = frozenset(
    {"configparser", "jinja2.utils", "logging", "platform", "textwrap"}
    | {"yaml.constructor", "yaml.reader", "yaml.resolver"}
)
"""Whose patterns take long, are often not used, and are used through their methods alone."""
_OURS = "opsrun."
_IN_A_FUNCTION = 1
"""CO_OPTIMIZED, see `inspect`: neither a module's own lines nor those of a class."""


class Late:
    """As good as the pattern that it becomes."""

    def __init__(self, *written: Any) -> None:
        self._written = written

    def __getattr__(self, name: str) -> Any:
        if name == "_compiled":
            self._compiled = _compile(*self._written)
            return self._compiled
        # Found at once from now on.
        found = self.__dict__[name] = getattr(self._compiled, name)
        return found

    def __repr__(self) -> str:
        return repr(self._compiled)


_compile = re.compile


def _late(pattern: Any, flags: Any = 0) -> Any:
    """See `re.compile`."""
    frame = sys._getframe(1)
    if frame.f_code.co_flags & _IN_A_FUNCTION:
        return _compile(pattern, flags)
    name = frame.f_globals.get("__name__", "")
    if name not in THEIRS and not name.startswith(_OURS):
        return _compile(pattern, flags)
    return Late(pattern, flags)


def install() -> None:
    """Let patterns of modules that are imported from now on be late."""
    re.compile = _late


def uninstall() -> None:
    """Let them be as they were."""
    re.compile = _compile
