"""Assignments in files that a shell could read: ``KEY=value``, one a line."""

from __future__ import annotations

import re


def _entry(key: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*{re.escape(key)}[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def value_of(text: str, key: str) -> str | None:
    """The value that counts, which is the last one's, without quotes; None where there is none."""
    found = _entry(key).findall(text)
    return found[-1].strip("\"'") if found else None


def assigned(text: str, key: str, value: str) -> str:
    """The file with another value, and all other lines as they are.

    Args:
        text: of the file.
        key: what is assigned to; at the end, where nothing is yet.
        value: as it shall be written, with its quotes.
    """
    line = f"{key}={value}"
    if _entry(key).search(text):
        return _entry(key).sub(lambda _: line, text)
    ended = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{ended}{line}\n"
