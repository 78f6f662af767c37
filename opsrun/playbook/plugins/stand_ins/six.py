"""``ansible.module_utils.six``: what was different between two Pythons, for the one there is."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

PY2 = False
PY3 = True
PY34 = True
string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
MAXSIZE = (1 << 63) - 1
unichr = chr
int2byte = bytes
next = builtins.next
advance_iterator = builtins.next
callable = builtins.callable


def iteritems(d: Any, **options: Any) -> Iterator[Any]:
    """Pairs."""
    return iter(d.items(**options))


def iterkeys(d: Any, **options: Any) -> Iterator[Any]:
    """Keys."""
    return iter(d.keys(**options))


def itervalues(d: Any, **options: Any) -> Iterator[Any]:
    """Values."""
    return iter(d.values(**options))


def viewitems(d: Any) -> Any:
    """Pairs."""
    return d.items()


def viewkeys(d: Any) -> Any:
    """Keys."""
    return d.keys()


def viewvalues(d: Any) -> Any:
    """Values."""
    return d.values()


def b(s: str) -> bytes:
    """Bytes of a literal."""
    return s.encode("latin-1")


def u(s: str) -> str:
    """A literal's text."""
    return s


def ensure_text(s: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Text."""
    return s.decode(encoding, errors) if isinstance(s, bytes) else _text(s)


ensure_str = ensure_text


def ensure_binary(s: Any, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """Bytes."""
    return s if isinstance(s, bytes) else _text(s).encode(encoding, errors)


def _text(s: Any) -> str:
    if not isinstance(s, str):
        raise TypeError(f"expected text or bytes, found {type(s).__name__}")
    return s


def raise_from(value: BaseException, from_value: BaseException | None) -> None:
    """Raise one error for another."""
    raise value from from_value


def reraise(tp: Any, value: BaseException | None, tb: Any = None) -> None:
    """Raise an error again."""
    raise (tp() if value is None else value).with_traceback(tb)


def with_metaclass(meta: type, *bases: type) -> Any:
    """A base class of that metaclass."""
    return meta("WithMetaclass", bases, {})


def add_metaclass(metaclass: type) -> Callable[[type], Any]:
    """Decorates a class: the same of that metaclass."""

    def made(cls: type) -> Any:
        body = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
        return metaclass(cls.__name__, cls.__bases__, body)

    return made


def python_2_unicode_compatible(cls: type) -> type:
    """A class as it is."""
    return cls
