"""Data as JSON text, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError


def to_json(value: Any, **options: Any) -> str:
    """``value`` as JSON; ``options`` are those of `json.dumps` (indent, sort_keys, separators,
    ensure_ascii …)."""
    try:
        return json.dumps(value, **_own(options))
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"can't be written as JSON: {error}") from error


def to_nice_json(value: Any, indent: Any = 4, sort_keys: bool = True, **options: Any) -> str:
    """``value`` as indented JSON, sorted by key."""
    options.setdefault("separators", (",", ": "))
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def from_json(value: Any, **options: Any) -> Any:
    """The data that a JSON text holds; ``options`` are those of `json.loads`."""
    if not isinstance(value, str):
        raise PluginError(f"from_json expects text that holds JSON, not {kind(value)}")
    try:
        return json.loads(value, **options)
    except json.JSONDecodeError as error:
        raise PluginError(f"from_json: {error.msg} ({_place(value, error)})") from error
    except RecursionError as error:
        raise PluginError("from_json: nested too deeply") from error


def _place(value: str, error: json.JSONDecodeError) -> str:
    if not value.strip():
        return "the text is empty"
    line = value.splitlines()[error.lineno - 1 : error.lineno]
    shown = line[0][max(0, error.colno - 20) : error.colno + 20] if line else ""
    return f"line {error.lineno}, column {error.colno}: {shown!r}"


_IGNORED = ("vault_to_text", "preprocess_unsafe", "cls", "default")


def _own(options: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in options.items() if key not in _IGNORED}
    if isinstance(kept.get("separators"), list):
        # A tuple in a template has become a list on its way.
        kept["separators"] = tuple(kept["separators"])
    return kept


FILTERS: dict[str, Callable[..., Any]] = {
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "from_json": from_json,
}
