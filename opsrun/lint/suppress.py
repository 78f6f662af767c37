"""``# noqa``: at the end of a line, or on the first line of a task, for all that is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from opsrun.dialect.yaml_data import Document
from opsrun.lint.view import FileView

_NOQA = re.compile(r"#\s*noqa(?:\s*:\s*(?P<rules>[\w-]+(?:[\s,]+[\w-]+)*))?", re.I)
_IN_TEMPLATE = re.compile(
    r"\{#-?\s*noqa(?:\s*:\s*(?P<rules>[\w-]+(?:[\s,]+[\w-]+)*))?\s*-?#\}", re.I
)
EVERY = frozenset({"*"})


class Suppressed:
    """What of a file was asked not to be told."""

    def __init__(self, view: FileView) -> None:
        self._lines = dict(_marks(view))
        self._spans: list[tuple[int, int, frozenset[str]]] = []
        if self._lines and view.document is not None:
            for first, last in _tasks(view.document, len(view.lines)):
                if first in self._lines:
                    self._spans.append((first, last, self._lines[first]))

    def hides(self, rule: str, line: int) -> bool:
        """Whether ``rule`` is not to be told of ``line``."""
        if _names(self._lines.get(line), rule):
            return True
        return any(a <= line <= b and _names(rules, rule) for a, b, rules in self._spans)


def _names(rules: frozenset[str] | None, rule: str) -> bool:
    return rules is not None and (rules is EVERY or rule in rules)


def _marks(view: FileView) -> Iterator[tuple[int, frozenset[str]]]:
    if "noqa" not in view.text.lower():
        return
    for number, line in enumerate(view.lines, 1):
        found = _NOQA.search(line) or _IN_TEMPLATE.search(line)
        if found is not None:
            named = found["rules"]
            yield number, frozenset(re.split(r"[\s,]+", named)) if named else EVERY


def _tasks(document: Document, last: int) -> Iterator[tuple[int, int]]:
    """First and last lines of the tasks of a file: of items of lists, plays and blocks aside."""
    waiting: list[tuple[Any, int]] = [(document.data, last)]
    seen: set[int] = set()
    while waiting:
        data, end = waiting.pop()
        if id(data) in seen or not isinstance(data, (dict, list)):
            continue
        seen.add(id(data))
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        starts = [(document.origin(data, key).line or 0, key) for key in keys]
        starts.sort(key=lambda pair: pair[0])
        afters = [start for start, _ in starts[1:]] + [end + 1]
        for (start, key), after in zip(starts, afters, strict=bool(starts)):
            until = max(start, after - 1)
            value = data[key]
            if isinstance(data, list) and isinstance(value, dict) and _is_task(value):
                yield start, until
            waiting.append((value, until))


def _is_task(item: dict[Any, Any]) -> bool:
    return not {"hosts", "block", "tasks"} & {key for key in item if isinstance(key, str)}
