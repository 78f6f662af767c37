"""Paths into nested data: ``a.b[0]['c d']``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.library import PluginError

_STEP = re.compile(
    r"""\.?(?P<name>[^\W\d]\w*) | \.(?P<number>\d+) | \[(?P<index>-?\d+)\]
      | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


def steps(path: str) -> list[str | int]:
    """The keys and numbers of ``path``. PluginError where it is none."""
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None or (at == 0 and path.startswith(".")):
            raise PluginError(f"{path!r} is no path: names, [numbers] and ['keys'] make one")
        index = step["index"] or step["number"]
        found.append(int(index) if index else step["name"] or step["key"] or "")
        at = step.end()
    if not found:
        raise PluginError("the path is empty: names, [numbers] and ['keys'] make one")
    return found


def at_path(value: Any, path: str) -> Any:
    """What ``value`` has there. PluginError where it has nothing."""
    for number, step in enumerate(taken := steps(path)):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError) as error:
            before = written(taken[:number]) or "the value"
            hint = did_you_mean(str(step), map(str, value)) if isinstance(value, Mapping) else ""
            raise PluginError(f"{path}: {before} has no {step!r}{hint}") from error
    return value


def written(path: list[str | int]) -> str:
    """A path's text."""
    return "".join(map(_step, path)).removeprefix(".")


def _step(step: str | int) -> str:
    if isinstance(step, str):
        return f".{step}" if _PLAIN.match(step) else f"['{step}']"
    return f"[{step}]"


def leaves(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The path and the value of everything that has nothing in it."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            # As the collection has it: the first key stands as it is.
            yield from leaves(each, f"{prefix}{_step(str(key))}" if prefix else str(key))
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from leaves(each, f"{prefix}[{number}]")
    else:
        yield prefix, value


def paths(value: Any, prepend: Any = None) -> Any:
    """All of `leaves` by path, each path behind ``prepend``."""
    begin = "" if prepend is None else str(prepend)
    if not begin and value in ({}, []) and value is not False:
        return value
    return dict(leaves(value, begin))
