"""What values are like: truthy, among others, a URL …"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlparse

from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError, lazy


@lazy
def truthy(value: Any, convert_bool: bool = False) -> bool:
    """Whether ``value`` counts as true in Python; ``convert_bool``: yes, no, on … by what they
    mean."""
    if convert_bool and (isinstance(value, (str, bool)) or value in (0, 1)):
        meant = _meant(value)
        if meant is not None:
            return meant
    return bool(value)


@lazy
def falsy(value: Any, convert_bool: bool = False) -> bool:
    """The contrary of `truthy`."""
    return not truthy(value, convert_bool)


_FALSE = ("no", "off", "0", "false", "n", "f", "0.0")
_MORE_TRUE = ("y", "t", "1.0")


def _meant(value: Any) -> bool | None:
    word = str(value).lower().strip()
    if to_bool(word) or word in _MORE_TRUE:
        return True
    return False if word in _FALSE else None


def _set(value: Any, name: str) -> list[Any]:
    if not isinstance(value, Iterable):
        raise PluginError(f"'is {name}' expects lists, not {kind(value)}")
    return list(value)


def subset(value: Any, other: Any) -> bool:
    """Whether all that is in ``value`` is in ``other``, too."""
    there = _set(other, "subset")
    return all(each in there for each in _set(value, "subset"))


def superset(value: Any, other: Any) -> bool:
    """Whether all that is in ``other`` is in ``value``, too."""
    return subset(other, value)


def contains(value: Any, entry: Any) -> bool:
    """Whether ``entry`` is in the list, text or dictionary ``value``."""
    try:
        return entry in value
    except TypeError as error:
        raise PluginError(f"'is contains': {error}") from error


@lazy
def all_true(value: Any) -> bool:
    """Whether all entries are truthy."""
    return all(value)


@lazy
def any_true(value: Any) -> bool:
    """Whether an entry is truthy."""
    return any(value)


def isnan(value: Any) -> bool:
    """Whether ``value`` is the float that is no number."""
    try:
        return math.isnan(value)
    except TypeError:
        return False


def uri(value: Any, schemes: Any = None) -> bool:
    """Whether ``value`` can be read as a URI; with a scheme out of ``schemes``, where there are
    any."""
    try:
        found = urlparse(value).scheme if value else ""
    except (ValueError, TypeError, AttributeError):
        return False
    return not schemes or found in schemes


def url(value: Any, schemes: Any = None) -> bool:
    """Whether ``value`` is a `uri` that names a host."""
    return isinstance(value, str) and uri(value, schemes) and bool(urlparse(value).netloc)


def urn(value: Any) -> bool:
    """Whether ``value`` is a `uri` of the scheme urn."""
    return uri(value, ["urn"])


TESTS: dict[str, Callable[..., Any]] = {
    "truthy": truthy,
    "falsy": falsy,
    **dict.fromkeys(("subset", "issubset"), subset),
    **dict.fromkeys(("superset", "issuperset"), superset),
    "contains": contains,
    "all": all_true,
    "any": any_true,
    **dict.fromkeys(("nan", "isnan"), isnan),
    "uri": uri,
    "url": url,
    "urn": urn,
}
