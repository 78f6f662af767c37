"""``gates``, ``awaits``, ``health``, ``opens``, ``after`` and ``canary``: opsrun's own keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.errors import UsageError, did_you_mean
from opsrun.playbook.model.gates import RESERVED, Await, is_gate
from opsrun.playbook.parse.checks import Unfit, checked, number, percent, shown, whole
from opsrun.playbook.parse.inherit import listed_any
from opsrun.playbook.parse.spot import Spot

ENTRY = ("gate", "check", "any", "timeout")
"""Keys of an entry that is a dictionary."""


def awaited(spot: Spot, key: str, *, checks_only: bool = False) -> tuple[Await, ...]:
    """The entries of ``gates``, ``awaits`` or ``health``. PlaybookError.

    Args:
        spot: a play or a task.
        key: the keyword.
        checks_only: nobody opens a gate for this one.
    """
    if spot.data.get(key) is None:
        return ()
    origin = spot.document.value_origin(spot.data, key)
    return tuple(spot.convert(key, lambda value: _entries(value, origin, checks_only)) or ())


def _entries(value: Any, origin: Origin, checks_only: bool) -> list[Await]:
    if value is None:
        return []
    found = [_entry(each, origin) for each in listed_any(value)]
    for each in found:
        _fit(each, checks_only)
    return [replace(each, kind="check") for each in found] if checks_only else found


def _entry(value: Any, origin: Origin) -> Await:
    if isinstance(value, str):
        return Await((value,), origin=origin)
    if not isinstance(value, Mapping):
        raise Unfit(f"expected a gate's name, a check, or a dictionary, found {shown(value)}")
    for key in value:
        if key not in ENTRY:
            hint = did_you_mean(str(key), ENTRY)
            raise Unfit(f"expected the keys {', '.join(ENTRY)}, found {shown(key)}{hint}")
    if ("gate" in value) == ("check" in value):
        raise Unfit("expected one of the keys 'gate' and 'check'")
    kind: Any = "gate" if "gate" in value else "check"
    what = tuple(listed_any(value[kind]))
    if not what or not all(isinstance(each, str) for each in what):
        raise Unfit(f"{kind}: expected a text, or a list of them, found {shown(value[kind])}")
    return Await(
        what, kind, _inner(value, "any", "int"), _inner(value, "timeout", "number"), origin
    )


def _inner(value: Mapping[str, Any], key: str, kind: Any) -> Any:
    try:
        found = checked(value.get(key), kind)
    except Unfit as error:
        raise Unfit(f"{key}: {error}") from None
    if isinstance(found, (int, float)) and found <= 0:
        raise Unfit(f"{key}: expected more than 0, found {found}")
    return found


def _fit(entry: Await, checks_only: bool) -> None:
    for text in entry.what:
        if isinstance(text, Template):
            continue
        if entry.kind != "check" and is_gate(text) and not checks_only:
            continue
        if entry.kind == "gate":
            raise Unfit(_no_name(text))
        from opsrun.adhoc.checks import parse

        try:
            parse(text)
        except UsageError as error:
            raise Unfit(str(error)) from None


def opened(value: Any) -> tuple[Any, ...]:
    """The names of ``opens``. Raises Unfit."""
    found = tuple(each for each in listed_any(value) if each is not None)
    for each in found:
        if isinstance(each, Template):
            continue
        if not isinstance(each, str) or not is_gate(each):
            raise Unfit(_no_name(each))
    return found


def _no_name(value: Any) -> str:
    if value in RESERVED:
        return f"no gate can be called {value!r}: a check is"
    return f"expected a gate's name (letters, digits and any of _ . @ / -), found {shown(value)}"


def after(value: Any) -> tuple[str, ...] | None:
    """The plays of ``after``, by name; None where the keyword is not there. Raises Unfit."""
    if value is None:
        return None
    found = listed_any(value)
    for each in found:
        if not isinstance(each, str) or isinstance(each, Template) or not each.strip():
            raise Unfit(f"expected names of plays as they are written there, found {shown(each)}")
    return tuple(found)


def canary(value: Any) -> tuple[Any, ...]:
    """The sizes of ``canary``: numbers, percentages or templates. Raises Unfit."""
    return tuple(_size(each) for each in listed_any(value)) if value is not None else ()


def _size(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    is_share = isinstance(value, str) and value.strip().endswith("%")
    try:
        size = percent(value) if is_share else whole(value)
    except Unfit:
        raise Unfit(f"expected numbers or percentages of hosts, found {shown(value)}") from None
    if not 0 < size <= (100 if is_share else number(size)):
        raise Unfit(f"expected batches of at least one host and at most 100%, found {shown(value)}")
    return str(value).strip() if is_share else size
