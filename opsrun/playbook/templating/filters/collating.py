"""Several sets of data held against each other: filters of ``ansible.utils``."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from opsrun.playbook.templating.filters.values import a_list, a_mapping, is_list, kind, one_of
from opsrun.playbook.templating.library import PluginError

_SOURCE = {"data", "match_key", "name"}


def consolidate(
    value: Any,
    fail_missing_match_key: Any = True,
    fail_missing_match_value: Any = True,
    fail_duplicate: Any = True,
) -> dict[Any, Any]:
    """What several lists of dictionaries say of the same thing, by what it is called.

    Args:
        value: dictionaries with ``data`` (a list), ``match_key`` (the key under which each entry
            has what it is called) and ``name`` (under which the entry goes into the result).
        fail_missing_match_key: an entry without that key is an error.
        fail_missing_match_value: what one list has and another doesn't is an error.
        fail_duplicate: two entries of a list that are called the same are an error.
    """
    sources = []
    for number, source in enumerate(a_list(value, "consolidate"), 1):
        given = a_mapping(source, "consolidate's source")
        if set(given) != _SOURCE:
            raise PluginError("consolidate: a source has data, match_key and name, nothing else")
        where = f"consolidate: data source {number}"
        sources.append(
            (given["name"], _keyed(given, where, fail_missing_match_key, fail_duplicate))
        )
    names = dict.fromkeys(key for _, entries in sources for key in entries)
    if fail_missing_match_value:
        _complete(names, sources)
    return {key: {name: found.get(key, {}) for name, found in sources} for key in names}


def _keyed(source: Mapping[Any, Any], where: str, strict: Any, unique: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    key = source["match_key"]
    for number, entry in enumerate(a_list(source["data"], f"{where}: data"), 1):
        if not isinstance(entry, Mapping):
            raise PluginError(f"{where}: entry {number} is {kind(entry)}, not a dictionary")
        if key not in entry:
            if strict:
                raise PluginError(f"{where}: entry {number} has no key {key!r}")
            continue
        if unique and entry[key] in found:
            raise PluginError(f"{where}: {entry[key]!r} is there twice")
        found[entry[key]] = entry
    return found


def _complete(names: Mapping[Any, Any], sources: list[tuple[Any, dict[Any, Any]]]) -> None:
    for number, (_, found) in enumerate(sources, 1):
        for name in names:
            if name not in found:
                raise PluginError(f"consolidate: data source {number} has no {name!r}")


def fact_diff(
    value: Any, after: Any, plugin: Mapping[str, Any] | None = None, common: Any = False
) -> list[str]:
    """The lines of a unified diff between two values, as JSON; nothing where they are equal.

    Args:
        value: before.
        plugin: ``{vars: {skip_lines: [regular expressions]}}`` leaves out what matches one.
        common: only the lines that both have.
    """
    skipped = _skipped(plugin or {})
    before, behind = _lines(value, skipped), _lines(after, skipped)
    whole = len(before) + len(behind)
    found = list(difflib.unified_diff(before, behind, "before", "after", n=whole, lineterm=""))
    if not found:
        return []
    if common:
        found = [line for line in found[2:] if line[:1] not in ("+", "-")]
    return [*found, ""]


def _skipped(plugin: Mapping[str, Any]) -> list[re.Pattern[str]]:
    one_of(plugin.get("name", "ansible.utils.native"), ("ansible.utils.native",), "fact_diff's way")
    written = (plugin.get("vars") or {}).get("skip_lines") or []
    try:
        return [re.compile(str(each)) for each in (written if is_list(written) else [written])]
    except re.error as error:
        raise PluginError(f"fact_diff: skip_lines: {error}") from error


def _lines(value: Any, skipped: list[re.Pattern[str]]) -> list[str]:
    if isinstance(value, Mapping):
        lines = json.dumps(value, indent=4, sort_keys=True).split("\n")
    elif is_list(value):
        lines = [str(each) for each in value]
    elif isinstance(value, str):
        lines = value.splitlines()
    else:
        raise PluginError(f"fact_diff expects dictionaries, lists or texts, not {kind(value)}")
    return [line for line in lines if not any(each.search(line) for each in skipped)]


def param_list_compare(value: Any, target: Any = None) -> dict[str, list[Any]]:
    """What of a list a target wants: its names, ``all``, and ``!name`` for those it doesn't.

    Returns:
        ``actionable``: in the order of the list; ``unsupported``: names that the list hasn't.
    """
    base, wanted = _names(value), _names(target)
    refused = [each[1:] for each in wanted if each.startswith("!")]
    chosen = [each for each in wanted if not each.startswith("!")]
    every = "all" in chosen
    named = [each for each in chosen if each != "all"]
    actionable = [x for x in base if x in named or (every and x not in refused)]
    return {"actionable": actionable, "unsupported": [x for x in named if x not in base]}


def _names(value: Any) -> list[str]:
    if not is_list(value):
        raise PluginError(f"param_list_compare expects lists of names, not {kind(value)}")
    return [str(each) for each in value]


FILTERS: dict[str, Callable[..., Any]] = {
    "ansible.utils.consolidate": consolidate,
    "ansible.utils.fact_diff": fact_diff,
    "ansible.utils.param_list_compare": param_list_compare,
}
