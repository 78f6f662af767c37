"""Scripts that modules sent: which of them are alike, and which few have every line of all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key")

_DATA = re.compile(r"'[^'{};$|\\]*'")
_NUMBER = re.compile(r"[0-9a-f]{7,}|\d+")
_PATH = re.compile(r"(?<![\w$}\"'*])/[^\s'\"]*")


def shape(line: str) -> str:
    """A line without what is a task's own: texts, numbers and paths."""
    return _PATH.sub("/", _NUMBER.sub("0", _DATA.sub("''", line.strip())))


def lines(scripts: Iterable[str], top: str) -> set[str]:
    """The shapes of all their lines."""
    return {shape(line) for each in scripts for line in each.replace(top, "/t").splitlines()}


def cover(sets: Mapping[Key, set[str]]) -> list[Key]:
    """A few keys whose sets hold together what all hold, in the order of the mapping."""
    left: set[str] = set().union(*sets.values())
    chosen = []
    while left:
        best = max(sets, key=lambda each: len(sets[each] & left))
        chosen.append(best)
        left -= sets[best]
    return [key for key in sets if key in chosen]


class Listening:
    """Hands that keep the scripts that pass through them."""

    def __init__(self, hands: Any) -> None:
        self._hands = hands
        self.scripts: list[str] = []

    def run(self, request: Any) -> Any:
        """See `Hands.run`."""
        self.scripts.append(request.script)
        return self._hands.run(request)

    def converse(self, request: Any) -> Any:
        """See `Hands.converse`."""
        self.scripts.append(request.script)
        return self._hands.converse(request)

    def taken(self) -> Iterator[str]:
        """Those since the last time."""
        yield from self.scripts
        self.scripts.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hands, name)
