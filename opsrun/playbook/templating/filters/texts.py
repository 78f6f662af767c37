"""Further small filters of ``community.general``."""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Callable
from random import Random, SystemRandom
from typing import Any

from opsrun.playbook.templating.filters.values import a_text, is_list, kind, one_of
from opsrun.playbook.templating.library import PluginError, chancy

_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
_BYTE = re.compile(r"[0-9a-fA-F]{2}")


def crc32(value: Any) -> str:
    """The text's CRC32, in hexadecimal without zeros before it."""
    return f"{zlib.crc32(a_text(value, 'crc32').encode('utf-8', 'surrogateescape')):x}"


def unicode_normalize(value: Any, form: str = "NFC") -> str:
    """The text in one of Unicode's normal forms (UAX #15)."""
    one_of(form, _FORMS, "unicode_normalize's form")
    return unicodedata.normalize(form, a_text(value, "unicode_normalize"))  # type: ignore[arg-type]


def accumulate(value: Any) -> list[Any]:
    """The sums of the first entries, one for each entry; of texts and lists what they make
    together."""
    if not is_list(value) and not isinstance(value, str):
        raise PluginError(f"accumulate expects a list, not {kind(value)}")
    return list(itertools.accumulate(value))


@chancy
def random_mac(value: Any, seed: Any = None) -> str:
    """A hardware address that begins with these bytes; a seed makes it always the same."""
    begin = a_text(value, "random_mac").lower().split(":")
    if len(begin) > 5 or not all(_BYTE.fullmatch(each) for each in begin):
        raise PluginError(f"random_mac expects 1 to 5 bytes like 52:54:00, not {value!r}")
    source = SystemRandom() if seed is None else Random(seed)
    rest = f"{source.randint(_LEAST, _MOST):x}"
    pairs = [rest[at : at + 2] for at in range(0, len(rest), 2)]
    return ":".join([*begin, *pairs][:6])


_LEAST, _MOST = 0x1000000000, 0xFFFFFFFFFF

_OWN: dict[str, Callable[..., Any]] = {
    "crc32": crc32,
    "unicode_normalize": unicode_normalize,
    "accumulate": accumulate,
    "random_mac": random_mac,
}

FILTERS: dict[str, Callable[..., Any]] = {
    f"community.general.{name}": function for name, function in _OWN.items()
}
