"""Text against a regular expression: ``is match``, ``is search``, ``is regex``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.regex import compiled
from opsrun.playbook.templating.filters.values import one_of, text

_WAYS = ("search", "match", "fullmatch")


def regex(
    value: Any,
    pattern: Any,
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    """Whether ``pattern`` is found in the text (``search``), at its beginning (``match``), or is
    all of it (``fullmatch``)."""
    way = one_of(match_type, _WAYS, "the match_type of 'is regex'")
    return getattr(compiled(pattern, ignorecase, multiline), way)(text(value)) is not None


def match(value: Any, pattern: Any, ignorecase: bool = False, multiline: bool = False) -> bool:
    """`regex` at the text's beginning."""
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any, pattern: Any, ignorecase: bool = False, multiline: bool = False) -> bool:
    """`regex` anywhere in the text."""
    return regex(value, pattern, ignorecase, multiline, "search")


TESTS: dict[str, Callable[..., Any]] = {"regex": regex, "match": match, "search": search}
