"""Filters about whether there is something, and what: bool, ternary, mandatory, type_debug."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2.runtime import Undefined

from opsrun.dialect.tags import Opened
from opsrun.playbook.templating.lazy import LazyDict, LazyList
from opsrun.playbook.templating.library import PluginError, accepts_undefined, lazy

_TRUE = ("yes", "on", "1", "true", 1)


@lazy
def to_bool(value: Any) -> bool | None:
    """Whether ``value`` is one of yes, on, 1 or true, in any case; None stays None."""
    if value is None or isinstance(value, bool):
        return value
    return (value.lower() if isinstance(value, str) else value) in _TRUE


@lazy
def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    """``true_val`` where ``value`` is truthy, else ``false_val``; for None ``none_val``."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


@lazy
@accepts_undefined
def mandatory(value: Any, msg: str | None = None) -> Any:
    """``value`` itself. Raises PluginError, with the words of ``msg``, where it is undefined."""
    if not isinstance(value, Undefined):
        return value
    if msg is not None:
        raise PluginError(str(msg))
    name = value._undefined_name
    shown = f"the variable {name!r}" if name else "a variable"
    raise PluginError(f"{shown} is mandatory and not defined")


_NAMES: dict[type, str] = {LazyDict: "dict", LazyList: "list", Opened: "str"}


@lazy
@accepts_undefined
def type_debug(value: Any) -> str:
    """The name of the type that the value has in Python: ``str``, ``int``, ``dict`` …"""
    if isinstance(value, Undefined):
        return "Undefined"
    return _NAMES.get(type(value), type(value).__name__)


FILTERS: dict[str, Callable[..., Any]] = {
    "bool": to_bool,
    "ternary": ternary,
    "mandatory": mandatory,
    "type_debug": type_debug,
}
