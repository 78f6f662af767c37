"""``ansible.module_utils.common.validation``: values as the types that options have."""

from __future__ import annotations

from typing import Any

from opsrun.modules.coercion import BadValue, coerced


def _checked(kind: str, value: Any) -> Any:
    try:
        return coerced(kind, value)
    except BadValue as bad:
        raise TypeError(str(bad)) from bad


def check_type_str(value: Any, allow_conversion: bool = True, *args: Any) -> Any:
    """Text."""
    if not allow_conversion and not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return _checked("str", value)


def check_type_bool(value: Any) -> Any:
    """Yes or no."""
    return _checked("bool", value)


def check_type_int(value: Any) -> Any:
    """A whole number."""
    return _checked("int", value)


def check_type_float(value: Any) -> Any:
    """A number."""
    return _checked("float", value)


def check_type_list(value: Any) -> Any:
    """A list."""
    return _checked("list", value)


def check_type_dict(value: Any) -> Any:
    """A mapping."""
    return _checked("dict", value)


def check_type_bytes(value: Any) -> Any:
    """A size."""
    return _checked("bytes", value)
