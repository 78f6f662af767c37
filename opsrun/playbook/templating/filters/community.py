"""Filters of ``community.general``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_list, a_mapping, kind, one_of
from opsrun.playbook.templating.library import PluginError
from opsrun.playbook.templating.versions import LooseVersion


def json_query(value: Any, expression: str) -> Any:
    """What the JMESPath ``expression`` finds."""
    try:
        import jmespath
    except ImportError as error:
        raise PluginError(
            "json_query needs the Python package jmespath: pip install jmespath"
        ) from error
    try:
        return jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError as error:
        raise PluginError(f"json_query: {expression!r}: {error}") from error


def version_sort(value: Any, reverse: bool = False) -> list[Any]:
    """The versions in order, `LooseVersion`'s."""
    try:
        return sorted(a_list(value, "version_sort"), key=_version, reverse=reverse)
    except TypeError as error:
        raise PluginError(
            f"version_sort: a number can't be compared with a word: {error}"
        ) from error


def _version(written: Any) -> LooseVersion:
    return LooseVersion(str(written))


def to_dict(value: Any) -> dict[Any, Any]:
    """A dictionary out of a list of pairs."""
    try:
        return dict(a_list(value, "dict"))
    except (TypeError, ValueError) as error:
        raise PluginError(f"dict expects a list of pairs: {error}") from error


def dict_kv(value: Any, key: Any) -> dict[Any, Any]:
    """A dictionary with this value under ``key``, and no more."""
    return {key: value}


def counter(value: Any) -> dict[Any, int]:
    """How often each value is in the list."""
    made: dict[Any, int] = {}
    try:
        for each in a_list(value, "counter"):
            made[each] = made.get(each, 0) + 1
    except TypeError as error:
        raise PluginError(f"counter expects texts and numbers: {error}") from error
    return made


def groupby_as_dict(value: Any, attribute: str) -> dict[Any, list[Any]]:
    """The list's dictionaries by what they have under ``attribute``."""
    made: dict[Any, list[Any]] = {}
    for each in a_list(value, "groupby_as_dict"):
        if attribute not in a_mapping(each, "groupby_as_dict"):
            raise PluginError(f"groupby_as_dict: an entry has no key {attribute!r}")
        made.setdefault(each[attribute], []).append(each)
    return made


def from_csv(
    value: Any,
    dialect: str = "excel",
    fieldnames: Any = None,
    delimiter: str | None = None,
    skipinitialspace: bool | None = None,
    strict: bool | None = None,
) -> list[Any]:
    """The rows of a table, each as a dictionary by the names in the first row."""
    import csv
    import io

    if not isinstance(value, str):
        raise PluginError(f"from_csv expects text, not {kind(value)}")
    given = {"delimiter": delimiter, "skipinitialspace": skipinitialspace, "strict": strict}
    options: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    one_of(dialect, csv.list_dialects(), "from_csv's dialect")
    try:
        return list(csv.DictReader(io.StringIO(value), fieldnames, dialect=dialect, **options))
    except (csv.Error, TypeError) as error:
        raise PluginError(f"from_csv: {error}") from error


_OWN: dict[str, Callable[..., Any]] = {
    "json_query": json_query,
    "version_sort": version_sort,
    "dict": to_dict,
    "dict_kv": dict_kv,
    "counter": counter,
    "groupby_as_dict": groupby_as_dict,
    "from_csv": from_csv,
}

FILTERS: dict[str, Callable[..., Any]] = {
    f"community.general.{name}": function for name, function in _OWN.items()
}
