"""Keys kept, removed and replaced at any depth: filters of ``ansible.utils``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from opsrun.playbook.templating.filters.values import a_mapping, is_list, kind, one_of
from opsrun.playbook.templating.library import PluginError

_MATCHING = ("starts_with", "ends_with", "regex")


def keep_keys(value: Any, target: Any, matching_parameter: str | None = None) -> Any:
    """Only entries whose keys match, with all that is in them, and what leads to such.

    Args:
        target: a list of keys.
        matching_parameter: ``starts_with``, ``ends_with`` or ``regex`` (from the beginning);
            by default keys are equal.
    """
    wanted = _test("keep_keys", _targets(target, "keep_keys"), matching_parameter)
    return _kept(_nested(value, "keep_keys"), wanted)


def _kept(value: Any, wanted: Callable[[Any], bool]) -> Any:
    if isinstance(value, dict):
        inner = {k: v if wanted(k) else _kept(v, wanted) for k, v in value.items()}
        return {k: v for k, v in inner.items() if wanted(k) or v}
    if isinstance(value, list):
        return [found for each in value if (found := _kept(each, wanted))]
    return None


def remove_keys(value: Any, target: Any, matching_parameter: str | None = None) -> Any:
    """All but the entries whose keys match. What is empty, false or zero in a list goes, too, as
    do dictionaries of lists that nothing is left of.

    Args:
        target, matching_parameter: as of `keep_keys`.
    """
    unwanted = _test("remove_keys", _targets(target, "remove_keys"), matching_parameter)
    return _left(_nested(value, "remove_keys"), unwanted)


def _left(value: Any, unwanted: Callable[[Any], bool]) -> Any:
    if isinstance(value, dict):
        return {k: _left(v, unwanted) for k, v in value.items() if not unwanted(k)}
    if isinstance(value, list):
        found = [_left(each, unwanted) for each in value if each]
        return [each for each in found if each or not isinstance(each, dict)]
    return value


def replace_keys(value: Any, target: Any, matching_parameter: str | None = None) -> Any:
    """Keys that match ``before`` become ``after``, and go to the end of their dictionary.

    Args:
        target: a list of dictionaries with ``before`` and ``after``.
        matching_parameter: as of `keep_keys`, for ``before``.
    """
    if not is_list(target):
        raise PluginError(f"replace_keys expects a list of before and after, not {kind(target)}")
    pairs = [_pair(each) for each in target]
    tests = [(_test("replace_keys", [old], matching_parameter), new) for old, new in pairs]
    return _replaced(_nested(value, "replace_keys"), tests)


def _pair(target: Any) -> tuple[str, str]:
    given = a_mapping(target, "replace_keys' target")
    if set(given) != {"before", "after"}:
        raise PluginError("replace_keys: each target has 'before' and 'after', and nothing else")
    return str(given["before"]), str(given["after"])


def _replaced(value: Any, tests: list[tuple[Callable[[Any], bool], str]]) -> Any:
    if isinstance(value, list):
        return [_replaced(each, tests) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _replaced(each, tests) for key, each in value.items()}
    for matches, after in tests:
        for key in [each for each in made if matches(each)]:
            made[after] = made.pop(key)
    return made


def _nested(value: Any, name: str) -> Any:
    if not isinstance(value, (dict, list)):
        raise PluginError(f"{name} expects a dictionary or a list, not {kind(value)}")
    return value


def _targets(target: Any, name: str) -> list[str]:
    if isinstance(target, str):
        return [each.strip() for each in target.split(",")]
    if not is_list(target):
        raise PluginError(f"{name} expects a list of keys, not {kind(target)}")
    return [str(each) for each in target]


def _test(name: str, targets: Iterable[str], matching: str | None) -> Callable[[Any], bool]:
    """Numbers and booleans among the keys match nothing."""
    wanted = tuple(targets)
    if matching is None:
        return lambda key: key in wanted
    one_of(matching, _MATCHING, f"{name}'s matching_parameter")
    if matching == "regex":
        patterns = [_pattern(name, each) for each in wanted]
        return lambda key: isinstance(key, str) and any(each.match(key) for each in patterns)
    method = str.startswith if matching == "starts_with" else str.endswith
    return lambda key: isinstance(key, str) and method(key, wanted)


def _pattern(name: str, written: str) -> re.Pattern[str]:
    try:
        return re.compile(written)
    except re.error as error:
        raise PluginError(f"{name}: {written!r} is no regular expression: {error}") from error


FILTERS: dict[str, Callable[..., Any]] = {
    "ansible.utils.keep_keys": keep_keys,
    "ansible.utils.remove_keys": remove_keys,
    "ansible.utils.replace_keys": replace_keys,
}
