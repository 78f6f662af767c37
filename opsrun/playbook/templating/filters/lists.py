"""Lists: flattened, zipped, multiplied; and what is found in containers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from jinja2 import Environment, pass_environment

from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError

_NULLS = (None, "None", "null")


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """The entries of lists in lists, to the depth ``levels``; None, ``"None"`` and ``"null"`` are
    left out unless ``skip_nulls`` is false."""
    try:
        entries = iter(value)
    except TypeError as error:
        raise PluginError(f"flatten expects a list, not {kind(value)}") from error
    return list(_flat(entries, levels if levels is None else int(levels), skip_nulls))


def _flat(entries: Iterable[Any], levels: int | None, skip_nulls: bool) -> Iterator[Any]:
    for each in entries:
        if skip_nulls and (each is None or (isinstance(each, str) and each in _NULLS)):
            continue
        if isinstance(each, (list, tuple)) and (levels is None or levels >= 1):
            yield from _flat(each, None if levels is None else levels - 1, skip_nulls)
        else:
            yield each


def zipped(*lists: Any) -> list[Any]:
    """The lists' first entries, their second ones …, as long as all have one."""
    return list(zip(*_each(lists, "zip"), strict=False))


def zip_longest(*lists: Any, fillvalue: Any = None) -> list[Any]:
    """As `zipped`, as long as one has any; ``fillvalue`` stands for the others'."""
    return list(itertools.zip_longest(*_each(lists, "zip_longest"), fillvalue=fillvalue))


def product(*lists: Any, repeat: int = 1) -> list[Any]:
    """All ways to take an entry from each list."""
    return list(itertools.product(*_each(lists, "product"), repeat=repeat))


def permutations(value: Any, r: int | None = None) -> list[Any]:
    """All orders of ``r`` entries, by default of all."""
    return list(itertools.permutations(_each([value], "permutations")[0], r))


def combinations(value: Any, r: int) -> list[Any]:
    """All choices of ``r`` entries, in the list's order."""
    return list(itertools.combinations(_each([value], "combinations")[0], r))


def _each(lists: Sequence[Any], name: str) -> list[Iterable[Any]]:
    for each in lists:
        if not isinstance(each, Iterable):
            raise PluginError(f"{name} expects lists, not {kind(each)}")
    return list(lists)


@pass_environment
def extract(environment: Environment, key: Any, container: Any, morekeys: Any = None) -> Any:
    """What ``container`` has under ``key``, and there under ``morekeys``: undefined where nothing
    is. It is made for ``map``: ``names | map('extract', hostvars, 'ansible_host')``."""
    more = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    found = container
    for each in (key, *more):
        found = environment.getitem(found, each)
    return found


extract.lazy = True  # type: ignore[attr-defined]

FILTERS: dict[str, Callable[..., Any]] = {
    "flatten": flatten,
    "zip": zipped,
    "zip_longest": zip_longest,
    "product": product,
    "permutations": permutations,
    "combinations": combinations,
    "extract": extract,
}
