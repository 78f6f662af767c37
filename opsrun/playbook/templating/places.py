"""Where a character of a template stands in the file that the template is written in.

YAML joins lines, takes indents away and reads escapes, so the two differ; but what isn't blank
comes in the same order in both.
"""

from __future__ import annotations

import re
from functools import lru_cache

from opsrun.dialect.origin import Origin

_MOST = 20_000
_WRITTEN = {"'": "''?", '"': r'\\?"', "\\": r"\\\\?", "\t": r"(?:\t|\\t)"}


def place(text: str, origin: Origin, source: str, offset: int) -> tuple[int, int] | None:
    """The line and column, both 1-based, of ``source[offset]``.

    Args:
        text: the file.
        origin: where the template begins in it, or something shortly before.

    Returns:
        None where the template isn't found: it was put together of several.
    """
    if origin.line is None or not source.strip() or len(source) > _MOST:
        return None
    begin = _offset(text, origin.line, origin.column or 1)
    most = begin + 8 * len(source) + 20_000
    found = _pattern(source, offset).search(text, begin, most)
    if found is None:
        return None
    at = found.end(1)
    line = text.count("\n", 0, at) + 1
    return line, at - (text.rfind("\n", 0, at) + 1) + 1


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        following = text.find("\n", at)
        if following < 0:
            return 0
        at = following + 1
    return min(at + column - 1, len(text))


@lru_cache(maxsize=64)
def _pattern(source: str, offset: int) -> re.Pattern[str]:
    head, tail = source[:offset], source[offset:]
    lead = r"\s+" if head.strip() and (head[-1:].isspace() or tail[:1].isspace()) else ""
    return re.compile(f"({_blind(head)}{lead}){_blind(tail)}")


def _blind(text: str) -> str:
    """A pattern of ``text`` that takes any blanks for any others."""
    return r"\s+".join("".join(_WRITTEN.get(c) or re.escape(c) for c in w) for w in text.split())
