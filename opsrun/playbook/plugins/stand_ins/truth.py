"""``ansible.module_utils.parsing.convert_bool``: what counts as yes and no."""

from __future__ import annotations

from typing import Any

BOOLEANS_TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
BOOLEANS_FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value: Any, strict: bool = True) -> bool:
    """``value`` as a truth value. TypeError where it is none and ``strict`` holds."""
    said = value.strip().lower() if isinstance(value, str) else value
    try:
        if said in BOOLEANS_TRUE:
            return True
        if said in BOOLEANS_FALSE or not strict:
            return False
    except TypeError:
        if not strict:
            return False
    raise TypeError(f"expected yes or no, found {value!r}")


def strtobool(value: str) -> int:
    """``distutils.util.strtobool``: 1 or 0. ValueError for what is neither."""
    try:
        return int(boolean(value))
    except TypeError as error:
        raise ValueError(str(error)) from error
