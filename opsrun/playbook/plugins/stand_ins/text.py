"""``ansible.module_utils.common.text.converters``: between text and bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SURROGATES = {"surrogate_or_strict": "surrogateescape", "surrogate_or_replace": "surrogateescape"}


def _errors(wanted: str | None) -> str:
    return "surrogateescape" if wanted is None else _SURROGATES.get(wanted, wanted)


def to_bytes(
    obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr"
) -> Any:
    """``obj`` as bytes; ``nonstring`` says what becomes of what is neither."""
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        return obj.encode(encoding, _errors(errors))
    return _other(obj, nonstring, lambda text: text.encode(encoding, _errors(errors)), b"")


def to_text(
    obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr"
) -> Any:
    """``obj`` as text; ``nonstring`` says what becomes of what is neither."""
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _errors(errors))
    return _other(obj, nonstring, lambda text: text, "")


to_native = to_text


def _other(obj: Any, nonstring: str, made: Any, empty: Any) -> Any:
    if nonstring == "passthru":
        return obj
    if nonstring == "empty":
        return empty
    if nonstring == "strict":
        raise TypeError(f"expected text or bytes, found {type(obj).__name__}")
    if nonstring in ("simplerepr", "repr"):
        return made(repr(obj) if nonstring == "repr" else str(obj))
    raise TypeError(f"nonstring: no such choice: {nonstring!r}")


def jsonify(data: Any, **options: Any) -> str:
    """``data`` as JSON."""
    return json.dumps(data, default=str, **options)


def container_to_text(d: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    """All bytes within ``d`` as text."""
    if isinstance(d, Mapping):
        pairs = d.items()
        return {container_to_text(k, encoding, errors): container_to_text(v) for k, v in pairs}
    if isinstance(d, (list, tuple)):
        return type(d)(container_to_text(each, encoding, errors) for each in d)
    return to_text(d, encoding, errors) if isinstance(d, bytes) else d
