"""Lists as sets: each value once, in the order in which it comes first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.filters import do_unique

from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError


class _Seen:
    """Values that have been met: quick for those with a hash, true to ``==`` for the others."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._hashed: set[Hashable] = set()
        self._others: list[Any] = []
        for each in values:
            self.add(each)

    def __contains__(self, value: Any) -> bool:
        try:
            return value in self._hashed
        except TypeError:
            return value in self._others

    def add(self, value: Any) -> None:
        try:
            self._hashed.add(value)
        except TypeError:
            self._others.append(value)


def _values(value: Any, name: str) -> list[Any]:
    try:
        return list(value)
    except TypeError as error:
        raise PluginError(f"{name} expects lists, not {kind(value)}") from error


def _distinct(values: Iterable[Any], without: Iterable[Any] = ()) -> list[Any]:
    seen = _Seen(without)
    kept = []
    for each in values:
        if each not in seen:
            seen.add(each)
            kept.append(each)
    return kept


@pass_environment
def unique(
    environment: Environment, value: Any, case_sensitive: bool | None = None, attribute: Any = None
) -> list[Any]:
    """Each value once; texts that differ in case alone are the same unless ``case_sensitive``."""
    values = _values(value, "unique")
    try:
        return list(do_unique(environment, values, bool(case_sensitive), attribute))
    except TypeError:
        # Lists and dictionaries have no hash.
        if attribute is not None or case_sensitive:
            raise
        return _distinct(values)


def union(value: Any, other: Any) -> list[Any]:
    """What is in either list."""
    return _distinct(_values(value, "union") + _values(other, "union"))


def intersect(value: Any, other: Any) -> list[Any]:
    """What is in both lists."""
    there = _Seen(_values(other, "intersect"))
    return _distinct(each for each in _values(value, "intersect") if each in there)


def difference(value: Any, other: Any) -> list[Any]:
    """What is in the first list and not in the second."""
    return _distinct(_values(value, "difference"), _values(other, "difference"))


def symmetric_difference(value: Any, other: Any) -> list[Any]:
    """What is in just one of the lists."""
    name = "symmetric_difference"
    first, second = _values(value, name), _values(other, name)
    return _distinct(first, second) + _distinct(second, first)


FILTERS: dict[str, Callable[..., Any]] = {
    "unique": unique,
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
}
