"""How many columns of a terminal a text takes."""

from __future__ import annotations

import unicodedata

_NO_WIDTH = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """Columns of ``text``: wide East Asian characters count 2 (UAX #11), combining marks 0."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def pad(text: str, columns: int) -> str:
    """``text`` with spaces after it up to ``columns``; never shorter than it was."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` (1 or more), with an ellipsis where some is missing."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for char in text:
        used += _char_width(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _char_width(char: str) -> int:
    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
