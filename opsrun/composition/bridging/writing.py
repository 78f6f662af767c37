"""What ansible-core is given to read: YAML in which nothing is a template."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.secret import Secret

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def written(value: Any, what: str = "") -> str:
    """A value as YAML in flow style, every text tagged so that it is not rendered once more.

    >>> written({"path": "{{ x }}", "mode": None, "n": [1, True]})
    '{"path": !unsafe "{{ x }}", "mode": null, "n": [1, true]}'

    Args:
        value: plain data.
        what: names it, for messages.

    Raises:
        ModuleError: a text holds what YAML can't express.
    """
    if isinstance(value, Mapping):
        inner = (f"{_key(key, what)}: {written(each, str(key))}" for key, each in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(written(each, what) for each in value) + "]"
    if isinstance(value, Secret):
        return f"!unsafe {_quoted(value.reveal(), what)}"
    if value is None or isinstance(value, (bool, int, float)):
        return _scalar(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    return f"!unsafe {_quoted(str(value), what)}"


def plain(text: str) -> str:
    """A text of ours as YAML, without a tag."""
    return _quoted(text, "")


def _key(key: Any, what: str) -> str:
    return (
        _scalar(key)
        if key is None or isinstance(key, (bool, int, float))
        else _quoted(str(key), what)
    )


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, float):
        # YAML 1.1 takes 1e+20 for text.
        text = repr(float(value))
        mantissa, sign, exponent = text.partition("e")
        return f"{mantissa}{'' if '.' in mantissa else '.0'}{sign}{exponent}" if sign else text
    return str(int(value))


def _quoted(text: str, what: str) -> str:
    return '"' + "".join(_escaped(char, what) for char in text) + '"'


def _escaped(char: str, what: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if " " <= char <= "~":
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        name = f"{what}: " if what else ""
        raise ModuleError(f"{name}ansible-core takes no text that is not UTF-8")
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
