"""Versions by several schemes, to be compared and sorted."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Any

_PIECES = re.compile(r"(\d+|[a-z]+|\.)")


@total_ordering
class LooseVersion:
    """Numbers and words, in their order of appearance. A number can't be compared with a word:
    that is a TypeError."""

    def __init__(self, written: str) -> None:
        pieces = (each for each in _PIECES.split(written) if each and each != ".")
        self._pieces: list[int | str] = [int(p) if p.isdecimal() else p for p in pieces]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LooseVersion):
            return NotImplemented
        # What has no order is not unequal, either: it can't be told.
        return not (self < other or other < self)

    def __lt__(self, other: Any) -> bool:
        return bool(self._pieces < other._pieces)

    __hash__ = None  # type: ignore[assignment]


_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)


def strict_key(written: str) -> tuple[Any, ...]:
    """``1.2``, ``1.2.3``, ``1.2a1``, ``1.2.3b4``: what is a or b comes before the version itself.

    Raises:
        ValueError: it is something else.
    """
    found = _STRICT.fullmatch(written)
    if found is None:
        raise ValueError(f"{written!r} is no version like 1.2 or 1.2.3b1")
    major, minor, patch, letter, number = found.groups()
    release = int(major), int(minor), int(patch or 0)
    return (*release, (1,) if letter is None else (0, letter, int(number)))


_SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
"""Semantic Versioning 2.0.0, items 2, 9 and 10."""


def semantic_key(written: str) -> tuple[Any, ...]:
    """The order of Semantic Versioning 2.0.0, item 11; build metadata doesn't count.

    Raises:
        ValueError: it is something else.
    """
    found = _SEMANTIC.fullmatch(written)
    if found is None:
        raise ValueError(f"{written!r} is no semantic version like 1.2.3 or 1.2.3-rc.1")
    release = tuple(int(each) for each in found.groups()[:3])
    if found[4] is None:
        return (*release, (1,))
    words = tuple(_identifier(each) for each in found[4].split("."))
    return (*release, (0, words))


def _identifier(written: str) -> tuple[int, int, str]:
    return (0, int(written), "") if written.isdecimal() else (1, 0, written)


def python_key(written: str) -> Any:
    """A version of a Python package (PEP 440).

    Raises:
        ValueError: it is something else.
    """
    from packaging.version import Version

    return Version(written)
