"""Events as JSON text, and back: equal to what was written, but for what was cut or hidden.

What an event's ``to_dict`` gives is for readers of JSON lines, and rounds; what is kept here can be
shown again by any sink.
"""

from __future__ import annotations

import base64
import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from opsrun import events
from opsrun.events import Event, Outcome

_BYTES = "$opsrun.bytes"
_KINDS: dict[str, Any] = {kind.type: kind for kind in get_args(Event)}


def to_record(event: Event) -> dict[str, Any]:
    """An event's fields by name, as they are; without those that are as they are by default."""
    return _plain(event)


def to_text(record: Mapping[str, Any]) -> str:
    """Data as one line of ASCII: bytes, sets and texts that are no UTF-8 among it."""
    return _encoder.encode(record)


def from_text(text: str) -> Any:
    """What `to_text` wrote. ValueError: it is nothing that it writes."""
    return json.loads(text, object_hook=_in)


def event_of(kind: str, record: Mapping[str, Any]) -> Event:
    """The event of a type, of what `to_record` gave.

    Raises:
        ValueError: it is none.
    """
    found = _KINDS.get(kind)
    if found is None:
        raise ValueError(f"no event is a {kind!r}")
    hints = _hints(found)
    try:
        values = {name: _as(hints[name], record[name]) for name in hints if name in record}
        return found(**values)  # type: ignore[no-any-return]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no {kind!r}: {error}") from error


def _out(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if hasattr(value, "__dataclass_fields__"):
        return _plain(value)
    return str(value)


_encoder = json.JSONEncoder(default=_out, separators=(",", ":"), skipkeys=True)
_NONE = object()


def _plain(value: Any) -> dict[str, Any]:
    found = {}
    kind: Any = type(value)
    for name, default in _defaults(kind):
        held = getattr(value, name)
        if held is not default and (held != default or type(held) is not type(default)):
            found[name] = held
    return found


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a record, and what each is where nothing is said; nothing is like `_NONE`."""

    def default(of: Field[Any]) -> Any:
        if of.default_factory is not MISSING:
            return of.default_factory()
        return _NONE if of.default is MISSING else of.default

    return tuple((each.name, default(each)) for each in fields(kind))


def _in(found: dict[str, Any]) -> Any:
    if len(found) == 1 and isinstance(found.get(_BYTES), str):
        return base64.b64decode(found[_BYTES])
    return found


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind, {**vars(events), "Any": Any})
    return {each.name: hints[each.name] for each in fields(kind)}


def _as(hint: Any, value: Any) -> Any:
    """``value`` as a field of that type has it."""
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        if value is None:
            return None
        [hint] = [each for each in get_args(hint) if each is not types.NoneType]
        return _as(hint, value)
    if origin is tuple:
        return tuple(_as(get_args(hint)[0], each) for each in value)
    if origin is not None and isinstance(value, Mapping):
        key, each = get_args(hint)
        return {_as(key, name): _as(each, found) for name, found in value.items()}
    if hint is Outcome:
        return Outcome(value)
    if hasattr(hint, "__dataclass_fields__"):
        known = _hints(hint)
        return hint(**{name: _as(known[name], value[name]) for name in known if name in value})
    if hint is Any or origin is Literal:
        return value
    if hint is float and isinstance(value, int):
        return float(value)
    if isinstance(hint, type) and not isinstance(value, hint):
        raise TypeError(f"expected {hint.__name__}, found {type(value).__name__}")
    return value
