"""Plain values as JSON has them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime


def text_fields(name: str, data: bytes) -> dict[str, str]:
    """``{name: text}``, and ``{name}_base64`` beside it where ``data`` is not UTF-8."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {
            name: data.decode(errors="replace"),
            f"{name}_base64": base64.b64encode(data).decode(),
        }


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-31T12:00:00.250Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
