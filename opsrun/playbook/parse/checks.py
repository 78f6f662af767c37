"""What a keyword's value may be; texts that mean a truth value or a number become one."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Any

from opsrun.dialect.tags import Template, Vaulted
from opsrun.playbook.parse.names import Kind

TRUE = frozenset({"y", "yes", "on", "1", "true", "t"})
FALSE = frozenset({"n", "no", "off", "0", "false", "f"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Unfit(ValueError):
    """``str()`` says what was expected, and what was found."""


def shown(value: Any) -> str:
    """A value as messages name it."""
    if value is None:
        return "nothing"
    if isinstance(value, Vaulted):
        return "an encrypted value"
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, (list, tuple, set)):
        return "a list"
    text = repr(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def checked(value: Any, kind: Kind) -> Any:
    """``value`` as ``kind`` wants it; templates and nothing stay as they are. Raises Unfit."""
    if value is None or kind == "any" or isinstance(value, (Template, Vaulted)):
        return value
    return _CHECKS[kind](value)


def truth(value: Any) -> bool:
    """A truth value, however written. Raises Unfit."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in TRUE | FALSE:
        return value.strip().lower() in TRUE
    raise Unfit(f"expected true or false, found {shown(value)}")


def whole(value: Any) -> int:
    """A whole number, however written. Raises Unfit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
        return int(value)
    raise Unfit(f"expected a whole number, found {shown(value)}")


def number(value: Any) -> float | int:
    """A number, however written. Raises Unfit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}(\.\d*)?\s*", value):
        return float(value) if "." in value else int(value)
    raise Unfit(f"expected a number, found {shown(value)}")


def percent(value: Any) -> float | int:
    """A number with or without a ``%``. Raises Unfit."""
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    try:
        return number(value)
    except Unfit as error:
        raise Unfit(f"expected a percentage, found {shown(value)}") from error


def text(value: Any) -> str:
    """A text; numbers are written out. Raises Unfit."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) or (value is not None and not _is_container(value)):
        return str(value)
    raise Unfit(f"expected a text, found {shown(value)}")


def listed(value: Any) -> list[Any]:
    """A list; a single value is a list of one. Raises Unfit."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        raise Unfit("expected a list, found a dictionary")
    return [] if value is None else [value]


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, dict, set, tuple))


_CHECKS = {
    "bool": truth,
    "int": whole,
    "number": number,
    "percent": percent,
    "text": text,
    "list": listed,
}


def is_name(name: Any) -> bool:
    """Whether ``name`` can name a variable."""
    return isinstance(name, str) and bool(_NAME.match(name)) and not iskeyword(name)
