"""Several lists as sets, and lists of dictionaries: filters of ``community.general``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

from opsrun.playbook.templating.filters import sets
from opsrun.playbook.templating.filters.merging import merged
from opsrun.playbook.templating.filters.values import a_list, a_mapping, is_list, one_of
from opsrun.playbook.templating.library import PluginError


def _lists(name: str, how: Callable[[Any, Any], list[Any]]) -> Callable[..., list[Any]]:
    def call(*lists: Any, flatten: bool = False) -> list[Any]:
        given = list(lists)
        if flatten and len(given) == 1:
            given = [each for each in a_list(given[0], name) if is_list(each)]
        distinct = [sets.union(a_list(each, name), []) for each in given]
        return reduce(how, distinct) if distinct else []

    call.__name__ = name
    call.__doc__ = "The lists as sets, taken together one after the other."
    return call


def lists_mergeby(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> list[Any]:
    """Lists of dictionaries as one: those with the same value under a key are combined.

    The last of ``terms`` is the key.
    """
    if len(terms) < 2 or not isinstance(terms[-1], str):
        raise PluginError("lists_mergeby expects lists of dictionaries, and a key as the last")
    found: dict[Any, dict[Any, Any]] = {}
    for entry in _entries(terms[:-1]):
        key = a_mapping(entry, "lists_mergeby").get(terms[-1])
        if key is not None:
            found[key] = merged(found.get(key, {}), entry, recursive, list_merge)
    return [found[key] for key in sorted(found)]


def _entries(lists: Iterable[Any]) -> Iterable[Any]:
    for each in lists:
        for entry in a_list(each, "lists_mergeby"):
            yield from entry if is_list(entry) else (entry,)


_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "equal": lambda key, wanted: key == wanted,
    "starts_with": lambda key, wanted: key.startswith(wanted),
    "ends_with": lambda key, wanted: key.endswith(wanted),
    "regex": lambda key, wanted: re.match(wanted, key) is not None,
}


def _selector(target: Any, matching: str, name: str) -> Callable[[Any], bool]:
    wanted = [target] if isinstance(target, str) else list(a_list(target, name))
    if not wanted:
        raise PluginError(f"{name} expects at least one key")
    match = _MATCHES[one_of(matching, tuple(_MATCHES), f"{name}'s matching_parameter")]
    return lambda key: any(match(str(key), str(each)) for each in wanted)


def _dictionaries(value: Any, name: str) -> list[Mapping[Any, Any]]:
    return [a_mapping(each, name) for each in a_list(value, name)]


def keep_keys(value: Any, target: Any = None, matching_parameter: str = "equal") -> list[Any]:
    """The list's dictionaries with the keys of ``target`` alone."""
    chosen = _selector(target, matching_parameter, "keep_keys")
    entries = _dictionaries(value, "keep_keys")
    return [{k: v for k, v in each.items() if chosen(k)} for each in entries]


def remove_keys(value: Any, target: Any = None, matching_parameter: str = "equal") -> list[Any]:
    """The list's dictionaries without the keys of ``target``."""
    chosen = _selector(target, matching_parameter, "remove_keys")
    entries = _dictionaries(value, "remove_keys")
    return [{k: v for k, v in each.items() if not chosen(k)} for each in entries]


def replace_keys(value: Any, target: Any = None, matching_parameter: str = "equal") -> list[Any]:
    """The list's dictionaries, keys renamed; ``target`` is a list of ``{before:, after:}``."""
    pairs = [target] if isinstance(target, Mapping) else _dictionaries(target, "replace_keys")
    if not pairs or any(set(each) != {"before", "after"} for each in pairs):
        raise PluginError("replace_keys expects a target like [{before: a, after: b}]")
    match = _MATCHES[
        one_of(matching_parameter, tuple(_MATCHES), "replace_keys's matching_parameter")
    ]

    def renamed(key: Any) -> Any:
        fitting = (e["after"] for e in pairs if match(str(key), str(e["before"])))
        return next(fitting, key)

    entries = _dictionaries(value, "replace_keys")
    return [{renamed(k): v for k, v in each.items()} for each in entries]


_OWN: dict[str, Callable[..., Any]] = {
    "lists_union": _lists("lists_union", sets.union),
    "lists_intersect": _lists("lists_intersect", sets.intersect),
    "lists_difference": _lists("lists_difference", sets.difference),
    "lists_symmetric_difference": _lists("lists_symmetric_difference", sets.symmetric_difference),
    "lists_mergeby": lists_mergeby,
    "keep_keys": keep_keys,
    "remove_keys": remove_keys,
    "replace_keys": replace_keys,
}

FILTERS: dict[str, Callable[..., Any]] = {
    f"community.general.{name}": function for name, function in _OWN.items()
}
