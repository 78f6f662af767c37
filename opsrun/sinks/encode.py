"""JSON that any parser takes: ASCII, no NaN, no half of a surrogate pair (RFC 8259)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(value: Any) -> str:
    """``value`` as one line of JSON.

    What JSON can't hold is replaced: an infinite number or NaN by null, a lone surrogate (from a
    name that is not UTF-8) by U+FFFD, bytes by their text, any other object by its ``str``.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_plain(value))
    return json.dumps(_plain(value)) if "\\ud" in text else text


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return _plain(str(value))
