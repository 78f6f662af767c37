"""Messages as JSON text, and back: the same message, whatever process reads it.

JSON knows no tuples, no bytes, no keys but text, and no text that is a template; such a value
becomes an object with the key `_MARK`, which says what it is. Nothing but what is listed here can
come out of a text, whoever wrote it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, Vaulted
from opsrun.playbook import messages
from opsrun.results import Outcome

_MARK = "$opsrun"
_RECORDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (*vars(messages).values(), Origin, Vaulted)
    if isinstance(kind, type) and is_dataclass(kind)
}


class NotPlain(TypeError):
    """A message holds what no message may: an object of one process."""


def encode(message: Any) -> str:
    """A message as one line of JSON.

    Raises:
        NotPlain: something in it is no data.
    """
    return json.dumps(_out(message), allow_nan=False, separators=(",", ":"))


def decode(text: str) -> Any:
    """The message that `encode` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        return _in(json.loads(text))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"this is no message: {type(error).__name__}: {error}") from error


def _marked(kind: str, value: Any) -> dict[str, Any]:
    return {_MARK: kind, "is": value}


def _out(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else _marked("float", repr(value))
    if kind is list:
        return [_out(each) for each in value]
    if isinstance(value, Mapping):
        return _mapping(value)
    if kind in (tuple, frozenset, set):
        return _marked(kind.__name__, [_out(each) for each in value])
    return _special(value)


def _mapping(value: Mapping[Any, Any]) -> Any:
    if _MARK not in value and all(type(key) is str for key in value):
        return {key: _out(each) for key, each in value.items()}
    return _marked("dict", [[_out(key), _out(each)] for key, each in value.items()])


def _special(value: Any) -> Any:
    if isinstance(value, Outcome):
        return _marked("Outcome", str(value))
    if isinstance(value, Template):
        return _marked("Template", [str(value), _out(value.origin)])
    if isinstance(value, Unsafe):
        return _marked("Unsafe", str(value))
    if isinstance(value, bytes):
        return _marked("bytes", base64.b64encode(value).decode())
    if type(value).__name__ in _RECORDS and type(value) is _RECORDS[type(value).__name__]:
        names = [each.name for each in fields(_RECORDS[type(value).__name__])]
        pairs = {name: _out(getattr(value, name)) for name in names}
        return _marked(type(value).__name__, pairs)
    if isinstance(value, (str, int)):
        # A subclass that means nothing to a reader.
        return _out(str.__str__(value) if isinstance(value, str) else int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise NotPlain(f"a message can't hold {value!r} ({type(value).__name__})")


def _in(value: Any) -> Any:
    if isinstance(value, list):
        return [_in(each) for each in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {key: _in(each) for key, each in value.items()}
    return _unmarked(value[_MARK], value["is"])


def _unmarked(kind: str, value: Any) -> Any:
    simple: dict[str, Any] = {
        "tuple": lambda: tuple(_in(value)),
        "set": lambda: set(_in(value)),
        "frozenset": lambda: frozenset(_in(value)),
        "dict": lambda: {_in(key): _in(each) for key, each in value},
        "float": lambda: float(value),
        "Outcome": lambda: Outcome(value),
        "Template": lambda: Template(value[0], _in(value[1])),
        "Unsafe": lambda: Unsafe(value),
        "bytes": lambda: base64.b64decode(value),
    }
    if kind in simple:
        return simple[kind]()
    if kind not in _RECORDS:
        raise ValueError(f"no message is called {kind!r}")
    return _RECORDS[kind](**{name: _in(each) for name, each in value.items()})
