"""What filters have in common: how they read their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.playbook.templating.library import PluginError

_KINDS = {
    str: "text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a dictionary",
    type(None): "null",
}


def kind(value: Any) -> str:
    """What ``value`` is, in the user's words: ``a list``, ``text``, ``null``."""
    for known, words in _KINDS.items():
        if isinstance(value, known):
            return words
    return type(value).__name__


def text(value: Any) -> str:
    """``value`` as text: a text itself, Python's words for everything else."""
    return value if isinstance(value, str) else str(value)


def a_text(value: Any, name: str) -> str:
    """``value``, which must be text. Raises PluginError."""
    if not isinstance(value, str):
        raise PluginError(f"{name} expects text, not {kind(value)}")
    return value


def a_mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """``value``, which must be a dictionary. Raises PluginError."""
    if not isinstance(value, Mapping):
        raise PluginError(f"{name} expects a dictionary, not {kind(value)}")
    return value


def is_list(value: Any) -> bool:
    """Whether ``value`` is a list, tuple or range, and no text."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def a_list(value: Any, name: str) -> Sequence[Any]:
    """``value``, which must be a list. Raises PluginError."""
    if not is_list(value):
        raise PluginError(f"{name} expects a list, not {kind(value)}")
    found: Sequence[Any] = value
    return found


def a_number(value: Any, name: str) -> int | float:
    """``value``, which must be a number. Raises PluginError."""
    if not isinstance(value, (int, float)):
        raise PluginError(f"{name} expects a number, not {kind(value)}")
    return value


def one_of(value: Any, known: Sequence[str], name: str) -> str:
    """``value``, which must be one of ``known``. Raises PluginError with the nearest one."""
    from opsrun.errors import did_you_mean

    if value not in known:
        hint = did_you_mean(str(value), known)
        raise PluginError(f"{name} is one of {', '.join(known)}, not {value!r}{hint}")
    found: str = value
    return found
