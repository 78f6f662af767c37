"""Dictionaries as lists and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.values import a_list, a_mapping, is_list, kind, one_of
from opsrun.playbook.templating.library import PluginError


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[Any]:
    """A list of dictionaries with a key and its value each."""
    pairs = a_mapping(value, "dict2items").items()
    return [{key_name: key, value_name: each} for key, each in pairs]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A dictionary out of a list of dictionaries with a key and its value each."""
    made: dict[Any, Any] = {}
    for each in a_list(value, "items2dict"):
        _has(each, key_name, "items2dict")
        _has(each, value_name, "items2dict")
        made[_hashable(each[key_name], "items2dict")] = each[value_name]
    return made


def _has(value: Any, key: str, name: str) -> None:
    if not isinstance(value, Mapping):
        raise PluginError(f"{name} expects a list of dictionaries, not of {kind(value)}")
    if key not in value:
        hint = did_you_mean(key, [each for each in value if isinstance(each, str)])
        raise PluginError(f"{name}: an entry has no key {key!r}{hint}")


def _hashable(value: Any, name: str) -> Any:
    try:
        hash(value)
    except TypeError as error:
        raise PluginError(f"{name}: {kind(value)} can't be a key") from error
    return value


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    """A dictionary of the dictionaries in ``value`` by what they have under ``key``. Of two with
    the same, ``duplicates`` says: ``error`` or ``overwrite``."""
    one_of(duplicates, ("error", "overwrite"), "rekey_on_member's duplicates")
    made: dict[Any, Any] = {}
    entries = value.values() if isinstance(value, Mapping) else a_list(value, "rekey_on_member")
    for each in entries:
        _has(each, key, "rekey_on_member")
        found = _hashable(each[key], "rekey_on_member")
        if found in made and duplicates == "error":
            raise PluginError(f"rekey_on_member: {found!r} is there twice")
        made[found] = each
    return made


def subelements(value: Any, subelements: Any, skip_missing: bool = False) -> list[Any]:
    """Pairs: an entry of ``value``, and each entry of the list that it has at a path of keys.

    Args:
        value: a list of dictionaries, or a dictionary of them.
        subelements: the path: keys with dots in between, or a list of keys.
        skip_missing: entries without such a list are left out rather than an error.
    """
    entries = list(value.values()) if isinstance(value, Mapping) else a_list(value, "subelements")
    path = _path(subelements)
    pairs = []
    for entry in entries:
        found = _at(entry, path, skip_missing)
        pairs += [(entry, each) for each in found]
    return pairs


def _path(written: Any) -> list[Any]:
    if isinstance(written, str):
        return written.split(".")
    if is_list(written):
        return list(written)
    raise PluginError(f"subelements expects a key or a list of keys, not {kind(written)}")


def _at(entry: Any, path: list[Any], skip_missing: bool) -> list[Any]:
    found = entry
    for key in path:
        if not isinstance(found, Mapping):
            raise PluginError(f"subelements: {key!r} is asked of {kind(found)}, not a dictionary")
        if key not in found:
            if skip_missing:
                return []
            hint = did_you_mean(str(key), [each for each in found if isinstance(each, str)])
            raise PluginError(f"subelements: an entry has no key {key!r}{hint}")
        found = found[key]
    if not isinstance(found, list):
        raise PluginError(f"subelements: {path[-1]!r} is {kind(found)}, not a list")
    return found


FILTERS: dict[str, Callable[..., Any]] = {
    "dict2items": dict2items,
    "items2dict": items2dict,
    "rekey_on_member": rekey_on_member,
    "subelements": subelements,
}
