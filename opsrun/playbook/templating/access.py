"""Attributes and items of values: data can be read and methods called; nothing leads from there
into Python's own workings."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from types import (
    AsyncGeneratorType,
    BuiltinMethodType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any

from jinja2 import Environment
from jinja2.runtime import Context, Macro, Undefined

from opsrun.errors import TemplateError
from opsrun.playbook.templating.lazy import LazyDict, LazyList
from opsrun.secret import Secret

_CLOSED = (
    Secret,
    type,
    FunctionType,
    MethodType,
    BuiltinMethodType,
    GeneratorType,
    CoroutineType,
    AsyncGeneratorType,
    CodeType,
    FrameType,
    TracebackType,
    ModuleType,
    Environment,
    Context,
)
_TAKES_ANY = frozenset({"append", "insert", "get", "setdefault", "pop", "index", "count", "remove"})


def attribute(environment: Environment, value: Any, name: str) -> Any:
    """``value.name``: the attribute or method, else the entry of that name, as Jinja has it."""
    if isinstance(value, Undefined):
        return getattr(value, name) if not name.startswith("__") else _refuse(value, name)
    if name[:1] == "_" or isinstance(value, _CLOSED):
        return _entry_or_refuse(environment, value, name)
    try:
        found = getattr(value, name)
    except AttributeError:
        return entry(environment, value, name)
    if isinstance(value, str) and name in ("format", "format_map"):
        return _safe_format(environment, value, name)
    return found


def item(environment: Environment, value: Any, key: Any) -> Any:
    """``value[key]``: the entry, else (of a text) the attribute, as Jinja has it."""
    try:
        return value[key]
    except (AttributeError, TypeError, LookupError):
        pass
    if isinstance(key, str) and not isinstance(value, Undefined):
        if key[:1] != "_" and not isinstance(value, (*_CLOSED, Mapping)):
            return attribute(environment, value, key)
        if isinstance(value, Mapping) and key[:1] != "_" and hasattr(value, key):
            return attribute(environment, value, key)
        if key.startswith("__"):
            _refuse(value, key)
    return environment.undefined(obj=value, name=key)


def entry(environment: Environment, value: Any, key: Any) -> Any:
    """The entry alone, or `Missing`."""
    try:
        return value[key]
    except (AttributeError, TypeError, LookupError):
        return environment.undefined(obj=value, name=key)


def _entry_or_refuse(environment: Environment, value: Any, name: str) -> Any:
    if isinstance(value, Mapping) and name in value:
        return value[name]
    if name.startswith("__") or isinstance(value, _CLOSED):
        _refuse(value, name)
    if isinstance(value, Macro):
        return environment.undefined(obj=value, name=name)
    return environment.undefined(obj=value, name=name)


def _refuse(value: Any, name: str) -> Any:
    raise TemplateError(f"{name!r} is not for templates: they get data, not what Python is made of")


class _Formatter(string.Formatter):
    """`str.format` that reads attributes and items as templates do."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        from _string import formatter_field_name_split  # type: ignore[import-not-found]

        first, rest = formatter_field_name_split(field_name)
        found = self.get_value(first, args, kwargs)
        for is_attribute, name in rest:
            read = attribute if is_attribute else item
            found = read(self._environment, found, name)
        return found, first


def _safe_format(environment: Environment, value: str, name: str) -> Any:
    formatter = _Formatter(environment)

    def format_(*args: Any, **kwargs: Any) -> str:
        if name == "format_map":
            return formatter.vformat(value, (), *args)
        return formatter.vformat(value, args, kwargs)

    return format_


def for_method(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as a method of Python's own may have them: C code would read a lazy list as it
    was written."""
    if type(function) is not BuiltinMethodType or function.__name__ in _TAKES_ANY:
        return args
    return tuple(
        list(each) if type(each) is LazyList else dict(each) if type(each) is LazyDict else each
        for each in args
    )
