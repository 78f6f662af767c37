"""Values as playbooks write them, read as the kinds that modules want.

A playbook says ``force: yes``, ``mode: 0644``, ``ports: 80,443`` and ``count: "5"``; templates give
text where a number is meant. Each kind takes what the dialect takes for it.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from opsrun.errors import did_you_mean

TRUE = frozenset({"yes", "on", "1", "true", "t", "y", "1.0"})
FALSE = frozenset({"no", "off", "0", "false", "f", "n", "0.0"})

_SIZE = re.compile(r"\s*(\d*\.?\d*)\s*([A-Za-z]*)\s*\Z")
_UNITS = "BKMGTPEZY"
_LARGEST = 10**30
"""Numbers past this one are nobody's wish, and slow to be told."""


class BadValue(Exception):
    """A value that can't be read as the kind that is wanted; says what was expected."""


def shown(value: Any) -> str:
    """A value for a message: short, with its type where that is not plain from it."""
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}…"
    return text if isinstance(value, str) else f"{text} ({type(value).__name__})"


def coerced(kind: str, value: Any) -> Any:
    """``value`` as a ``kind``; None stays None.

    Raises:
        BadValue: it can't be read as that.
    """
    return None if value is None else _READERS[kind](value)


def a_string(value: Any) -> str:
    """Numbers, truth values and containers become their Python text, as the dialect has it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(_plain(value))


def a_bool(value: Any) -> bool:
    """``yes``, ``on``, ``1``, ``true`` and so on, in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int, float)):
        text = str(value).strip().lower()
        if text in TRUE:
            return True
        if text in FALSE:
            return False
        if isinstance(value, str):
            raise BadValue(f"expected yes or no, found {shown(value)}{_nearest(text)}")
    raise BadValue(f"expected yes or no, found {shown(value)}")


def _nearest(text: str) -> str:
    return did_you_mean(text, ("yes", "no", "true", "false", "on", "off"))


def an_int(value: Any) -> int:
    """A whole number, or text that is one."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (str, float)):
        try:
            number = Decimal(str(value).strip().replace("_", "?"))
            if abs(number) < _LARGEST and number == number.to_integral_value():
                return int(number)
        except (InvalidOperation, ValueError):
            pass
    raise BadValue(f"expected a whole number, found {shown(value)}")


def a_float(value: Any) -> float:
    """A number, or text that is one."""
    if isinstance(value, (int, float, str)):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise BadValue(f"expected a number, found {shown(value)}")


def a_list(value: Any) -> list[Any]:
    """A list; text is split at its commas, a number is the only entry."""
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise BadValue(f"expected a list, found {shown(value)}")


def a_dict(value: Any) -> dict[Any, Any]:
    """A mapping, or text that holds JSON or ``key=value`` pairs."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            return _literal(text)
        if "=" in text:
            return _pairs(text)
    raise BadValue(f"expected a mapping, found {shown(value)}")


def _literal(text: str) -> dict[Any, Any]:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return found
    raise BadValue(f"expected a mapping, found text that is no JSON: {shown(text)}")


def _pairs(text: str) -> dict[Any, Any]:
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace += ","
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise BadValue(f"expected key=value pairs, found {shown(text)}") from error
    if all("=" in word for word in words):
        return dict(word.split("=", 1) for word in words)
    raise BadValue(f"expected key=value pairs, found {shown(text)}")


def a_mode(value: Any) -> int | str:
    """Permissions: a number is taken as it is, digits as octal, the rest is left as text.

    YAML reads ``0644`` as the number 420, which is right, and ``644`` as decimal 644,
    which sets the bits 01204: the dialect does that, and so is it here.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise BadValue(f"expected permissions like '0644' or 'u=rw,g=r', found {shown(value)}")
    if isinstance(value, str):
        try:
            number = int(value, 8)
        except ValueError:
            return str(value)
    else:
        number = value
    if not 0 <= number <= 0o7777:
        raise BadValue(f"expected permissions of at most 07777, found {shown(value)}")
    return number


def a_size(value: Any) -> int:
    """Bytes: a number, or text with a unit (``10M``, ``1.5 GB``); units are powers of 1024."""
    found = _SIZE.match(str(value)) if isinstance(value, (int, float, str)) else None
    if found is None or not found[1] or found[1] == ".":
        raise BadValue(f"expected a size like 10M, found {shown(value)}")
    unit = found[2].upper().removesuffix("YTES" if found[2].upper() == "BYTES" else "B") or "B"
    if unit not in _UNITS or len(unit) != 1:
        raise BadValue(f"expected one of the units {', '.join(_UNITS)}, found {found[2]!r}")
    factor: int = 1024 ** _UNITS.index(unit)
    return round(float(found[1]) * factor)


def a_json(value: Any) -> str:
    """JSON text; lists and mappings are written as it."""
    if isinstance(value, str):
        return str(value).strip()
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(_plain(value))
    raise BadValue(f"expected JSON, found {shown(value)}")


def _plain(value: Any) -> Any:
    """Without subclasses of str whose text differs from what is printed of them."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "str": a_string,
    "path": a_string,
    "bool": a_bool,
    "int": an_int,
    "float": a_float,
    "list": a_list,
    "dict": a_dict,
    "mode": a_mode,
    "bytes": a_size,
    "json": a_json,
    "raw": _plain,
}
