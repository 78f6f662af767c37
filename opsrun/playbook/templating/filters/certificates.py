"""Texts around certificates: filters of ``community.crypto``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_text, kind
from opsrun.playbook.templating.library import PluginError

_PART = re.compile(r"[0-9a-fA-F]{1,2}")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n.*?-----END \1-----(?:\n|\Z)", re.DOTALL)


def parse_serial(value: Any) -> int:
    """The number of a serial written as ``11:22:33``."""
    parts = a_text(value, "parse_serial").split(":")
    if not all(_PART.fullmatch(each) for each in parts):
        raise PluginError(f"parse_serial expects bytes like 11:22:33, not {value!r}")
    return int.from_bytes(bytes(int(each, 16) for each in parts), "big")


def to_serial(value: Any) -> str:
    """A serial's number, written as ``11:22:33``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        shown = repr(value) if isinstance(value, int) else kind(value)
        raise PluginError(f"to_serial expects a whole number that isn't negative, not {shown}")
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big").hex(":").upper()


def split_pem(value: Any) -> list[str]:
    """The PEM blocks in a text, each as it is; what is between them is left out."""
    found = _PEM.finditer(a_text(value, "split_pem"))
    return [each[0] for each in found]


FILTERS: dict[str, Callable[..., Any]] = {
    "community.crypto.parse_serial": parse_serial,
    "community.crypto.to_serial": to_serial,
    "community.crypto.split_pem": split_pem,
}
