"""What a group's ``protected`` and ``max_hosts`` may be, wherever they are said."""

from __future__ import annotations

from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.errors import InventoryError

PROTECTED = "opsrun_protected"
MAX_HOSTS = "opsrun_max_hosts"
KEYS = {"protected": PROTECTED, "max_hosts": MAX_HOSTS}
"""Keys of a group in YAML, and the variables that they stand for."""
_YES = ("true", "yes", "on", "1", "y", "t")
_NO = ("false", "no", "off", "0", "n", "f")


def as_protected(value: Any, origin: Origin) -> bool:
    """Raises InventoryError for what is no truth value: rather stopped than unprotected."""
    word = str(value).strip().lower()
    if isinstance(value, bool | int | str) and word in (*_YES, *_NO):
        return word in _YES
    raise _wrong("protected: expected true or false", value, origin)


def as_whole(value: Any, origin: Origin) -> int:
    """Raises InventoryError for what is no number of hosts."""
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | str) or not text.isdecimal():
        raise _wrong("max_hosts: expected a whole number from 0 on", value, origin)
    return int(text)


def check(key: str, value: Any, origin: Origin) -> None:
    """Looks at the value of one of `KEYS`. InventoryError."""
    if key == "protected":
        as_protected(value, origin)
    else:
        as_whole(value, origin)


def _wrong(words: str, value: Any, origin: Origin) -> InventoryError:
    shown = "nothing" if value is None else f"{value!r:.80}"
    return InventoryError(f"{words}, found {shown}", path=origin.path, line=origin.line)
