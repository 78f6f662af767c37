"""Dictionaries put together: combine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.values import is_list, kind, one_of
from opsrun.playbook.templating.library import PluginError

_Lists = Callable[[list[Any], list[Any]], list[Any]]

_LISTS: dict[str, _Lists] = {
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: [each for each in low if each not in high] + high,
    "prepend_rp": lambda low, high: high + [each for each in low if each not in high],
}


def combine(*terms: Any, **options: Any) -> dict[Any, Any]:
    """One dictionary out of several; of a key that is in more than one, the last value wins.

    Args:
        terms: dictionaries, or lists of them; null counts for nothing.
        options: ``recursive``: dictionaries in dictionaries are combined, too. ``list_merge``:
            what becomes of two lists: replace, keep, append, prepend, append_rp, prepend_rp.
    """
    recursive = bool(options.pop("recursive", False))
    how = one_of(options.pop("list_merge", "replace"), tuple(_LISTS), "combine's list_merge")
    for unknown in options:
        hint = did_you_mean(unknown, ("recursive", "list_merge"))
        raise PluginError(f"combine has no option {unknown!r}{hint}")
    return reduce(lambda low, high: merged(low, high, recursive, how), _mappings(terms), {})


def merged(
    low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, lists: str
) -> dict[Any, Any]:
    """``low`` with ``high`` over it."""
    made = dict(low)
    for key, value in high.items():
        made[key] = _value(made[key], value, recursive, lists) if key in made else value
    return made


def _value(low: Any, high: Any, recursive: bool, lists: str) -> Any:
    if recursive and isinstance(low, Mapping) and isinstance(high, Mapping):
        return merged(low, high, recursive, lists)
    if isinstance(low, list) and isinstance(high, list):
        return _LISTS[lists](low, high)
    return high


def _mappings(terms: Iterable[Any]) -> Iterator[Mapping[Any, Any]]:
    """Those of lists, too, but not of lists in lists."""
    for term in terms:
        for each in term if is_list(term) else (term,):
            if isinstance(each, Mapping):
                yield each
            elif each is not None:
                found = "a list in a list" if is_list(each) else kind(each)
                raise PluginError(f"combine expects dictionaries, or lists of them, not {found}")


FILTERS: dict[str, Callable[..., Any]] = {"combine": combine}
