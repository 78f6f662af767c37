"""What loops go through: items, dictionaries, combinations of lists."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from opsrun.playbook.templating.filters import mappings
from opsrun.playbook.templating.filters.lists import flatten
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import LookupRun, PluginError


def _flat_once(terms: Iterable[Any]) -> list[Any]:
    made: list[Any] = []
    for each in terms:
        if isinstance(each, list):
            made += each
        else:
            made.append(each)
    return made


def items(terms: list[Any], run: LookupRun) -> list[Any]:
    """The terms; of those that are lists, the entries."""
    return _flat_once(terms)


def as_list(terms: list[Any], run: LookupRun) -> list[Any]:
    """The terms as they are."""
    return terms


def flattened(terms: list[Any], run: LookupRun) -> list[Any]:
    """The entries of lists in lists, to any depth."""
    return flatten(terms)


def dict_(terms: list[Any], run: LookupRun) -> list[Any]:
    """Key and value of each entry."""
    made = []
    for each in terms:
        if not isinstance(each, Mapping):
            raise PluginError(f"with_dict expects a dict, not {kind(each)}")
        made += mappings.dict2items(each)
    return made


def indexed_items(terms: list[Any], run: LookupRun) -> list[Any]:
    """Pairs of a number, from 0 on, and an item."""
    return list(enumerate(_flat_once(terms)))


def nested(terms: list[Any], run: LookupRun) -> list[Any]:
    """All ways to take an entry from each list."""
    if not terms:
        raise PluginError("expected at least one list")
    lists = (_entries(each) for each in terms)
    return [_flat_once(each) for each in itertools.product(*lists)]


def together(terms: list[Any], run: LookupRun) -> list[Any]:
    """The lists' first entries, their second ones …; null where a list has ended."""
    if not terms:
        raise PluginError("expected at least one list")
    return [_flat_once(each) for each in itertools.zip_longest(*map(_entries, terms))]


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def subelements(terms: list[Any], run: LookupRun) -> list[Any]:
    """Pairs: an entry without the list that it has at a path of keys, and each entry of the list.

    The terms are a list or dictionary of dictionaries, the path with dots, and, if need be,
    ``{skip_missing: true}``. What a loop has skipped is left out.
    """
    if len(terms) not in (2, 3) or not isinstance(terms[1], str):
        raise PluginError("expected a list of dictionaries, a key and, if need be, flags")
    entries = list(terms[0].values()) if isinstance(terms[0], Mapping) else terms[0]
    if not isinstance(entries, list):
        raise PluginError(f"expected a list of dictionaries first, not {kind(terms[0])}")
    skip = _skips(terms[2]) if len(terms) == 3 else False
    kept = [each for each in entries if not _skipped(each)]
    path = terms[1].split(".")
    made = []
    for each in kept:
        pairs = mappings.subelements([each], path, skip)
        rest = _without(each, path) if pairs else None
        made += [[rest, entry] for _, entry in pairs]
    return made


def _without(entry: Any, path: list[str]) -> dict[Any, Any]:
    if len(path) == 1:
        return {key: value for key, value in entry.items() if key != path[0]}
    return {**entry, path[0]: _without(entry[path[0]], path[1:])}


def _skips(flags: Any) -> bool:
    if not isinstance(flags, Mapping) or set(flags) - {"skip_missing"}:
        raise PluginError("the flags of subelements are a dictionary with skip_missing alone")
    return flags.get("skip_missing") in (True, "true", "yes", "True", "Yes", 1)


def _skipped(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("skipped", False) is not False


def random_choice(terms: list[Any], run: LookupRun) -> list[Any]:
    """One of the terms."""
    return [random.SystemRandom().choice(terms)] if terms else []


def cartesian(terms: list[Any], run: LookupRun) -> Iterator[Any]:
    """As `nested`; no lists give nothing."""
    return map(_flat_once, itertools.product(*map(_entries, terms)) if terms else ())


LOOKUPS: dict[str, Callable[..., Any]] = {
    "items": items,
    "list": as_list,
    "dict": dict_,
    "indexed_items": indexed_items,
    "nested": nested,
    "together": together,
    "subelements": subelements,
    "random_choice": random_choice,
    "community.general.flattened": flattened,
    "community.general.cartesian": cartesian,
}
