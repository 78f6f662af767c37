"""Hands keywords down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.parse.checks import Unfit, listed, shown
from opsrun.playbook.parse.names import DELEGATION, SHARED, Kind
from opsrun.playbook.parse.spot import Spot

_REPLACED: Mapping[str, Kind] = {**SHARED, **DELEGATION}


def inherit(above: Keywords, spot: Spot) -> Keywords:
    """The keywords in force for what ``spot`` describes. PlaybookError for a wrong type."""
    return handed_down(above, own_keywords(spot))


def own_keywords(spot: Spot) -> dict[str, Any]:
    """The keywords that ``spot`` itself has, by their names in `Keywords`. PlaybookError."""
    own: dict[str, Any] = {}
    for key in spot.data:
        if spot.data[key] is None or not isinstance(key, str):
            continue
        if key in _REPLACED:
            own[key] = spot.get(key, _REPLACED[key])
        elif key in _ADDED:
            value = spot.convert(key, _ADDED[key])
            own |= {} if value is None else {key: value}
    return own


def handed_down(above: Keywords, own: Mapping[str, Any]) -> Keywords:
    """``own`` below ``above``."""
    if not own:
        return above
    joined = dict(own)
    scalars = _REPLACED.keys() & own.keys()
    for key in ("when", "environment", "module_defaults"):
        if key in own:
            joined[key] = getattr(above, key) + own[key]
    if "tags" in own:
        joined["tags"] = merged(above.tags, own["tags"])
    if "collections" in own:
        joined["collections"] = merged(own["collections"], above.collections)
    if any(isinstance(own[key], Template) and getattr(above, key) is not None for key in scalars):
        joined["above"] = above
    return replace(above, **joined)


def merged(first: Iterable[str], then: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys((*first, *then)))


def conditions(value: Any) -> tuple[Any, ...]:
    """The entries of ``when``, ``until`` and their like. Raises Unfit."""
    found = tuple(value) if isinstance(value, list) else () if value is None else (value,)
    for each in found:
        if isinstance(each, (dict, list, tuple, set)):
            raise Unfit(f"expected a condition (text, true or false), found {shown(each)}")
    return found


def tags(value: Any) -> tuple[str, ...]:
    """Tags out of a list, or a text with commas. Raises Unfit."""
    if not isinstance(value, (str, list)):
        raise Unfit(f"expected a list of tags, or a text with commas, found {shown(value)}")
    found: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Template):
            found.append(each)
        elif isinstance(each, (str, int, float)):
            found += [part.strip() for part in str(each).split(",")]
        elif each is not None:
            raise Unfit(f"expected a tag, found {shown(each)}")
    return tuple(dict.fromkeys(found))


def environment(value: Any) -> tuple[Any, ...]:
    """The entries of ``environment``. Raises Unfit."""
    found = [each for each in listed_any(value) if each is not None]
    for each in found:
        if not isinstance(each, (dict, Template)):
            raise Unfit(f"expected a dictionary of variables, found {shown(each)}")
    return tuple(found)


def listed_any(value: Any) -> list[Any]:
    """A list; any other value is a list of one."""
    return value if isinstance(value, list) else [value]


def module_defaults(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The entries of ``module_defaults``. Raises Unfit."""
    found = listed_any(value)
    for each in found:
        if not isinstance(each, dict) or not all(isinstance(key, str) for key in each):
            raise Unfit(f"expected a dictionary of modules, found {shown(each)}")
    return tuple(found)


def names(value: Any) -> tuple[str, ...]:
    """Names out of a list, or a single one. Raises Unfit."""
    found = listed(value)
    for each in found:
        if not isinstance(each, str):
            raise Unfit(f"expected names, found {shown(each)}")
    return tuple(found)


_ADDED: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "when": conditions,
    "tags": tags,
    "environment": environment,
    "module_defaults": module_defaults,
    "collections": names,
}
