"""Numbers, and amounts of data as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_number
from opsrun.playbook.templating.library import PluginError


def _counted(name: str, work: Callable[[], float]) -> float:
    try:
        return work()
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise PluginError(f"{name}: {error}") from error


def log(value: Any, base: float = math.e) -> float:
    """The logarithm to ``base``."""
    number = a_number(value, "log")
    if base == 10:
        return _counted("log", lambda: math.log10(number))
    return _counted("log", lambda: math.log(number, base))


def power(value: Any, exponent: Any) -> float:
    """``value`` to the power of ``exponent``."""
    number, by = a_number(value, "pow"), a_number(exponent, "pow")
    return _counted("pow", lambda: math.pow(number, by))


def root(value: Any, base: Any = 2) -> float:
    """The square root, or that of ``base``."""
    number, by = a_number(value, "root"), a_number(base, "root")
    if by == 2:
        return _counted("root", lambda: math.sqrt(number))
    return _counted("root", lambda: math.pow(number, 1.0 / float(by)))


_UNITS = {unit: 1 << 10 * power for power, unit in enumerate("BKMGTPEZY")}
_WORDS = {
    "B": ("byte", "bit"),
    "K": ("kilobyte", "kilobit"),
    "M": ("megabyte", "megabit"),
    "G": ("gigabyte", "gigabit"),
    "T": ("terabyte", "terabit"),
    "P": ("petabyte", "petabit"),
    "E": ("exabyte", "exabit"),
    "Z": ("zettabyte", "zettabit"),
    "Y": ("yottabyte", "yottabit"),
}


def human_readable(value: Any, isbits: bool = False, unit: str | None = None) -> str:
    """An amount of bytes (or bits) with two decimals and its unit; in the largest unit that it
    fills, or in ``unit`` (B, K, M, G, T, P, E, Z, Y)."""
    number = a_number(value, "human_readable")
    letter = _largest(number) if unit is None else unit[:1].upper()
    letter = letter if letter in _UNITS else "B"
    base = "bits" if isbits else "Bytes"
    suffix = base if letter == "B" else letter + base[0]
    return f"{number / _UNITS[letter]:.2f} {suffix}"


def _largest(number: float) -> str:
    fitting = (unit for unit in reversed(_UNITS) if number >= _UNITS[unit])
    return next(fitting, "B")


_AMOUNT = re.compile(r"\s*(\d*\.?\d*)\s*([A-Za-z]+)?\s*", re.ASCII)


def human_to_bytes(value: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """The whole number of bytes (or bits) that a text like ``1.5 GB`` stands for; ``default_unit``
    is that of a number alone. ``b`` stands for bits, ``B`` for bytes."""
    found = _AMOUNT.fullmatch(str(value))
    try:
        number = float(found[1]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or math.isnan(number):
        raise PluginError(f"human_to_bytes expects an amount like 10M, not {value!r}")
    unit = found[2] or default_unit
    if not unit:
        return round(number)
    return round(number * _size(unit, isbits, value))


def _size(unit: str, isbits: bool, value: Any) -> int:
    letter = unit[0].upper()
    if letter not in _UNITS:
        raise PluginError(f"human_to_bytes: {value!r}: a unit is one of {', '.join(_UNITS)}")
    if len(unit) > 1 and not _fits(unit, letter, isbits):
        wanted = _WORDS[letter][isbits]
        short = f"{letter}{'b' if isbits else 'B'}" if letter != "B" else "b" if isbits else "B"
        raise PluginError(f"human_to_bytes: {value!r}: expected the unit {short} or {wanted}")
    return _UNITS[letter]


def _fits(unit: str, letter: str, isbits: bool) -> bool:
    word = unit.lower()
    if word in (_WORDS[letter][isbits], _WORDS[letter][isbits] + "s"):
        return True
    return len(unit) == 2 and letter != "B" and unit[1] == ("b" if isbits else "B")


FILTERS: dict[str, Callable[..., Any]] = {
    "log": log,
    "pow": power,
    "root": root,
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
}
