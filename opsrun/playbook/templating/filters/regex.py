"""Filters with regular expressions, those of Python's `re`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from opsrun.playbook.templating.filters.values import one_of, text
from opsrun.playbook.templating.library import PluginError


@lru_cache(maxsize=1024)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def compiled(pattern: Any, ignorecase: bool = False, multiline: bool = False) -> re.Pattern[str]:
    """The pattern, compiled. Raises PluginError."""
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    try:
        return _compiled(text(pattern), flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise PluginError(f"{text(pattern)!r} is no regular expression: {error}") from error


def regex_replace(
    value: Any = "",
    pattern: Any = "",
    replacement: Any = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """``value`` with every match, or the first ``count``, replaced; ``\\1``, ``\\g<name>`` stand
    for groups. Fewer than ``mandatory_count`` matches are an error."""
    regex = compiled(pattern, ignorecase, multiline)
    try:
        made, done = regex.subn(text(replacement), text(value), count)
    except (re.error, IndexError) as error:
        raise PluginError(f"{text(replacement)!r} can't replace a match: {error}") from error
    if mandatory_count and done != mandatory_count:
        raise PluginError(
            f"{text(pattern)!r} should match {mandatory_count} times in {text(value)!r}, "
            f"and does {done} times"
        )
    return made


def regex_search(
    value: Any, pattern: Any, *groups: Any, ignorecase: bool = False, multiline: bool = False
) -> Any:
    """The first match, or None; where ``groups`` are asked for (``\\1``, ``\\g<name>``), a list
    of what they matched."""
    wanted = [_group(each) for each in groups]
    found = compiled(pattern, ignorecase, multiline).search(text(value))
    if found is None:
        return None
    if not wanted:
        return found.group()
    try:
        return [found.group(each) for each in wanted]
    except IndexError as error:
        raise PluginError(f"{text(pattern)!r} has no such group: {wanted}") from error


def _group(written: Any) -> int | str:
    found = re.match(r"\\g<(\S+)>|\\(\d+)", written) if isinstance(written, str) else None
    if found is None:
        raise PluginError(f"a group is written \\\\1 or \\\\g<name>, not {written!r}")
    return found[1] if found[1] is not None else int(found[2])


def regex_findall(
    value: Any, pattern: Any, multiline: bool = False, ignorecase: bool = False
) -> list[Any]:
    """All matches: texts, or, where the pattern has several groups, lists of texts."""
    return compiled(pattern, ignorecase, multiline).findall(text(value))


_BASIC = re.compile(r"([\[\].^$*\\])")


def regex_escape(value: Any, re_type: str = "python") -> str:
    """``value`` as a pattern that matches just it: for Python, or (``posix_basic``) for grep."""
    if one_of(re_type, ("python", "posix_basic"), "regex_escape's re_type") == "posix_basic":
        return _BASIC.sub(r"\\\1", text(value))
    return re.escape(text(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "regex_findall": regex_findall,
    "regex_escape": regex_escape,
}
