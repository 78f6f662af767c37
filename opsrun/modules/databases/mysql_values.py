"""What values of MySQL's are in a result, and how the client tells of which types they are."""

from __future__ import annotations

import re
from typing import Any

_FIELD = re.compile(r"^Field +(\d+): +`(.*)`$")
_TYPE = re.compile(r"^Type: +(\w+)")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?\Z")
UNKNOWN = "unknown"


def kinds(text: str, mark: str, count: int) -> list[list[str]]:
    """The types of the columns of each of ``count`` results, told between fields that are marks."""
    found: list[list[str]] = [[] for _ in range(count)]
    at, expected = -1, 0
    for line in text.splitlines():
        if named := _FIELD.match(line):
            expected = int(named[1])
            if named[2].startswith(f"{mark} "):
                at, expected = int(named[2].removeprefix(f"{mark} ")), 0
        elif expected and at >= 0 and (typed := _TYPE.match(line)):
            if expected == len(found[at]) + 1:
                found[at].append(typed[1])
            expected = 0
    return found


def value(text: str | None, kind: str) -> Any:
    """A value as results have it.

    Args:
        text: the server's; None for NULL.
        kind: as the client calls it; `UNKNOWN` where nothing could be told.
    """
    if text is None:
        return None
    if kind in ("TINY", "SHORT", "LONG", "LONGLONG", "INT24", "YEAR"):
        return int(text) if _WHOLE.match(text.lstrip("0") or "0") else text
    if kind in ("FLOAT", "DOUBLE", "NEWDECIMAL", "DECIMAL"):
        return float(text)
    if kind in ("DATETIME", "TIMESTAMP") and (found := _STAMP.match(text)):
        part = f".{found[3][1:]:0<6}" if found[3] and found[3].strip(".0") else ""
        return f"{found[1]}T{found[2]}{part}"
    if kind == UNKNOWN and _WHOLE.match(text) and len(text) < 20:
        return int(text)
    return text
