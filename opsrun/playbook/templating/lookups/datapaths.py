"""Lookups of ``ansible.utils`` that do what filters of the same names do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from opsrun.playbook.templating.engine import engine_of
from opsrun.playbook.templating.filters import paths_in_data
from opsrun.playbook.templating.library import LookupRun, PluginError

_NAMES = {
    "get_path": ("var", "path", "wantlist"),
    "to_paths": ("var", "prepend", "wantlist"),
    "index_of": ("data", "test", "value", "key", "fail_on_missing", "wantlist"),
}


def _given(name: str, terms: list[Any], options: dict[str, Any]) -> list[Any]:
    """The arguments in order, the last of them (``wantlist``) left out: nobody but the caller
    of lookups knows it."""
    names = _NAMES[name][:-1]
    both = {**dict(zip(names, terms, strict=False)), **options}
    unknown = set(both) - set(names)
    if unknown or len(terms) > len(names):
        raise PluginError(f"{name} takes {', '.join(names)}, and nothing else")
    if names[0] not in both:
        raise PluginError(f"{name} needs {names[0]}")
    return [both.get(each) for each in names]


def get_path(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """What is at a path."""
    return [paths_in_data.get_path(*_given("get_path", terms, options))]


def to_paths(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """A flat dictionary of paths."""
    return [paths_in_data.to_paths(*_given("to_paths", terms, options))]


def index_of(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """The places of the entries that a test holds for."""
    environment = engine_of(cast(Any, run.templar).library).environment
    data, test, value, key, strict = _given("index_of", terms, options)
    found = paths_in_data.index_of(environment, data, test, value, key, strict, wantlist=True)
    return cast(list[Any], found)


LOOKUPS: dict[str, Callable[..., Any]] = {
    "ansible.utils.get_path": get_path,
    "ansible.utils.to_paths": to_paths,
    "ansible.utils.index_of": index_of,
}
