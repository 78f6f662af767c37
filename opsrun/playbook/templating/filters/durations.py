"""Spans of time as people write them (``1h 30m``): filters of ``community.general``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from opsrun.playbook.templating.library import PluginError

_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "mo": 2592000.0,
    "y": 31536000.0,
}
_SPAN = re.compile(r"(-?\d*\.?\d+)\s*([a-zA-Z]+)")
_SPELLINGS = {
    "ms": ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
    "mo": ("mo", "month", "months"),
    "y": ("y", "year", "years"),
}
_UNIT = {spelling: unit for unit, known in _SPELLINGS.items() for spelling in known}


def _to_unit(name: str, unit: str) -> Callable[..., float]:
    def call(value: Any, **sizes: Any) -> float:
        days = {"mo": sizes.pop("month", 30), "y": sizes.pop("year", 365)}
        if sizes:
            raise PluginError(f"{name} has no option {min(sizes)!r}")
        seconds = {**_SECONDS, **{key: each * 86400.0 for key, each in days.items()}}
        found: float = round(_span(value, seconds, name) / seconds[unit], 12)
        return found

    call.__name__ = name
    call.__doc__ = "How long a text like ``1h 30m`` is, as a number of this unit."
    return call


def _span(value: Any, seconds: Mapping[str, float], name: str) -> float:
    written = str(value).strip()
    if isinstance(value, (int, float)):
        return value / 1000
    found = _SPAN.findall(written)
    if _SPAN.sub("", written).strip() or not found:
        raise PluginError(f"{name} expects a span of time like 1h 30m, not {value!r}")
    total = 0.0
    for number, unit in found:
        if unit.lower() not in _UNIT:
            raise PluginError(f"{name}: unknown unit {unit!r}")
        total += float(number) * seconds[_UNIT[unit.lower()]]
    return total


def to_time_unit(value: Any, unit: str = "ms", **sizes: Any) -> float:
    """How long a text like ``1h 30m`` is, as a number of ``unit``."""
    if unit not in _UNIT:
        raise PluginError(f"to_time_unit: unknown unit {unit!r}; it knows {', '.join(_SECONDS)}")
    return _to_unit("to_time_unit", _UNIT[unit])(value, **sizes)


_SPANS = {
    "to_milliseconds": "ms",
    "to_seconds": "s",
    "to_minutes": "m",
    "to_hours": "h",
    "to_days": "d",
    "to_weeks": "w",
    "to_months": "mo",
    "to_years": "y",
}

FILTERS: dict[str, Callable[..., Any]] = {
    "community.general.to_time_unit": to_time_unit,
    **{f"community.general.{name}": _to_unit(name, unit) for name, unit in _SPANS.items()},
}
