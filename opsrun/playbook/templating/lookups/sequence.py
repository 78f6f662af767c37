"""Numbers in a row: ``start=1 end=5 stride=2 format=host%02d``, or short ``1-5/2:host%02d``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opsrun.playbook.templating.library import LookupRun, PluginError
from opsrun.playbook.templating.lookups.written import split_term

_OPTIONS = ("start", "end", "stride", "count", "format")
_NUMBER = r"(?:0x[0-9a-fA-F]+|\d+)"
_SHORT = re.compile(
    rf"(?:({_NUMBER})-)?({_NUMBER})(?:/({_NUMBER}))?(?::(.+))?", re.ASCII | re.IGNORECASE
)
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class _Row:
    start: int = 1
    end: int | None = None
    stride: int | None = None
    count: int | None = None
    format: str = "%d"


def sequence(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """The numbers of each term, as text."""
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise PluginError(f"unknown option {min(unknown)!r}: there are {', '.join(_OPTIONS)}")
    made: list[str] = []
    for term in terms or [""]:
        made += _texts(_row({**options, **_of_term(term)}))
    return made


def _of_term(term: Any) -> dict[str, Any]:
    written = str(term).strip()
    short = _SHORT.fullmatch(written)
    if short is not None:
        start, end, stride, shape = short.groups()
        given = {"start": start, "end": end, "stride": stride, "format": shape}
        return {name: value for name, value in given.items() if value is not None}
    rest, found = split_term(written, _OPTIONS)
    if rest:
        raise PluginError(f"{rest!r} is no sequence like start=1 end=5, count=3 or 1-5")
    return dict(found)


def _row(given: dict[str, Any]) -> _Row:
    numbers = {name: _number(name, value) for name, value in given.items() if name != "format"}
    row = _Row(**numbers, format=str(given.get("format", "%d")))
    if (row.end is None) == (row.count is None):
        raise PluginError("a sequence has an end or a count, and not both")
    return row


def _number(name: str, value: Any) -> int:
    try:
        written = str(value)
        return int(written, 16 if written[:2].lower() == "0x" else 10)
    except ValueError as error:
        raise PluginError(f"{name} is a whole number, not {value!r}") from error


def _texts(row: _Row) -> list[str]:
    numbers = _numbers(row)
    if len(numbers) > _MOST:
        raise PluginError(f"a sequence of more than {_MOST} numbers")
    try:
        return [row.format % each for each in numbers]
    except (TypeError, ValueError) as error:
        words = f"{row.format!r} is no format for one number, like %02d"
        raise PluginError(f"{words}: {error}") from error


def _numbers(row: _Row) -> range:
    stride = 1 if row.stride is None else row.stride
    if row.count is not None:
        if row.count < 0:
            raise PluginError(f"a count can't be negative: {row.count}")
        return range(row.start, row.start + row.count * stride, stride) if stride else range(0)
    assert row.end is not None
    if stride == 0:
        return range(0)
    if (row.end - row.start) * stride < 0:
        way = "negative" if stride > 0 else "positive"
        raise PluginError(f"from {row.start} to {row.end} a stride must be {way}")
    return range(row.start, row.end + (1 if stride > 0 else -1), stride)


LOOKUPS: dict[str, Callable[..., Any]] = {"sequence": sequence}
