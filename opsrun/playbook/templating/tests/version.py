"""``is version('1.2', '>=')``."""

from __future__ import annotations

import operator as operators
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating import versions
from opsrun.playbook.templating.filters.values import one_of, text
from opsrun.playbook.templating.library import PluginError

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operators.eq),
    **dict.fromkeys(("!=", "<>", "ne"), operators.ne),
    **dict.fromkeys(("<", "lt"), operators.lt),
    **dict.fromkeys(("<=", "le"), operators.le),
    **dict.fromkeys((">", "gt"), operators.gt),
    **dict.fromkeys((">=", "ge"), operators.ge),
}
_SCHEMES: dict[str, Callable[[str], Any]] = {
    "loose": versions.LooseVersion,
    "strict": versions.strict_key,
    "semver": versions.semantic_key,
    "semantic": versions.semantic_key,
    "pep440": versions.python_key,
}


def version(
    value: Any,
    version: Any,
    operator: str = "eq",
    strict: bool | None = None,
    version_type: str | None = None,
) -> bool:
    """Whether ``value`` stands to ``version`` as ``operator`` says.

    Args:
        operator: ==, !=, <, <=, >, >=, or eq, ne, lt, le, gt, ge.
        strict: short for ``version_type='strict'``.
        version_type: loose, strict, semver (semantic) or pep440.
    """
    if strict is not None and version_type:
        raise PluginError("'is version' takes strict or version_type, not both")
    scheme = _SCHEMES[_scheme(strict, version_type)]
    compare = _OPERATORS[one_of(operator, tuple(_OPERATORS), "the operator of 'is version'")]
    try:
        return compare(scheme(_written(value)), scheme(_written(version)))
    except (TypeError, ValueError) as error:
        words = f"{text(value)!r} and {text(version)!r} can't be compared as versions"
        raise PluginError(f"{words}: {error}") from error


def _scheme(strict: bool | None, version_type: str | None) -> str:
    if version_type:
        return one_of(version_type, tuple(_SCHEMES), "the version_type of 'is version'")
    return "strict" if strict else "loose"


def _written(value: Any) -> str:
    written = text(value)
    if not written:
        raise PluginError("'is version' expects a version, and got an empty text")
    return written


TESTS: dict[str, Callable[..., Any]] = {"version": version, "version_compare": version}
