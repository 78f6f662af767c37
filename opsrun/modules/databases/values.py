"""What PostgreSQL's texts of values are in a result: numbers, booleans, lists, JSON, or text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^",\r\n]*)')
_ARRAY = re.compile(r'([{},])|"((?:[^"\\]|\\.)*)"|([^{},"]+)', re.DOTALL)
_BOUNDS = re.compile(r"\A(?:\[-?\d+:-?\d+\])+=")
_LENGTH = re.compile(r"\([\d, -]*\)")


def typed(text: str | None, kind: str) -> Any:
    """A value as results have it.

    Args:
        text: of psql's; None for NULL.
        kind: the type's name as ``\\gdesc`` has it.
    """
    if text is None:
        return None
    name = _LENGTH.sub("", kind)
    if name.endswith("[]"):
        element = name.removesuffix("[]")
        return _array(text, lambda each: typed(each, element)) if element in _LISTS else text
    read = _READERS.get(name)
    return text if read is None else read(text)


def _float(text: str) -> Any:
    value = float(text)
    # JSON has no word for these.
    return value if math.isfinite(value) else text


def _stamp(text: str) -> str:
    """ISO 8601, as the dialect shows times; text that is no time of a calendar's is left alone."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d(?::\d\d)*)?", text)
    if found is None:
        return text
    day, time, fraction, zone = found.groups(default="")
    part = f".{fraction[1:]:0<6}" if fraction else ""
    return f"{day}T{time}{part}{zone}" + (":00" if len(zone) == 3 else "")


_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "oid"), int),
    **dict.fromkeys(("real", "double precision", "numeric"), _float),
    **dict.fromkeys(("json", "jsonb"), json.loads),
    **dict.fromkeys(
        ("timestamp without time zone", "timestamp with time zone"),
        _stamp,
    ),
    "boolean": lambda text: text == "t",
}
_LISTS = {
    *("smallint", "integer", "bigint", "oid", "real", "double precision", "numeric", "boolean"),
    *("text", "character varying", "character", "name", "date"),
    *("timestamp without time zone", "timestamp with time zone"),
}


def _array(text: str, read: Callable[[str], Any]) -> Any:
    stack: list[list[Any]] = [[]]
    for sign, quoted, plain in _ARRAY.findall(_BOUNDS.sub("", text)):
        if sign == "{":
            stack.append([])
        elif sign == "}":
            inner = stack.pop()
            stack[-1].append(inner)
        elif plain:
            stack[-1].append(None if plain.upper() == "NULL" else read(plain))
        elif not sign:
            stack[-1].append(read(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)))
    return stack[0][0] if stack[0] else text


def records(text: str) -> Iterator[tuple[list[str], int]]:
    """Records of comma-separated values, each with the offset behind it; RFC 4180."""
    at, record = 0, []
    while at < len(text):
        found = _FIELD.match(text, at)
        assert found is not None
        quoted = found[1]
        record.append(found[2] if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if text[at : at + 1] == ",":
            at += 1
            if at == len(text):
                record.append("")
            continue
        at += 1
        yield record, at
        record = []
