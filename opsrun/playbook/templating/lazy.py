"""Containers of raw values that render their entries when they are read.

They are dict and list, so that filters, methods and tests take them for what they are. Entries are
replaced by what they came to. C code that reads a list's memory would find entries that have not
been rendered: all that could lead there (``+``, slices, ``reversed`` …) renders everything first,
and `plain` gives copies without any of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Set,
    ValuesView,
)
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from jinja2.runtime import Undefined

from opsrun.errors import TemplateError
from opsrun.playbook.templating.bounds import unrolled
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.templating.undefined import Missing
from opsrun.secret import Secret

SCALARS = frozenset({str, int, float, bool, type(None)})
"""Kinds of values that are what they are, raw as well as rendered."""


class DataMapping(Mapping[str, Any]):
    """A Mapping whose values are rendered already (``hostvars``): left as it is, never copied but
    where all of it is asked for."""


class Renderer(Protocol):
    """Renders one raw value on behalf of a container."""

    def entry(self, value: Any, label: str) -> Any:
        """What ``value`` comes to: a scalar, a lazy container, or `Missing`."""


def _forced(method: Callable[..., Any]) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.force()
        for each in args:
            if isinstance(each, (LazyDict, LazyList)):
                each.force()
        return method(self, *args, **kwargs)

    call.__name__ = method.__name__
    return call


class LazyDict(dict[Any, Any]):
    """A dict that renders its values when they are read."""

    __slots__ = ("_label", "_renderer")

    def __init__(self, raw: Mapping[Any, Any], renderer: Renderer, label: str = "") -> None:
        super().__init__(raw)
        self._renderer = renderer
        self._label = label

    def _entry(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in _DONE:
            return value
        made = self._renderer.entry(value, f"{self._label}.{key}")
        dict.__setitem__(self, key, made)
        return made

    def force(self) -> None:
        """Render all entries."""
        for key in list(dict.keys(self)):
            self._entry(key)

    __getitem__ = _entry

    def get(self, key: Any, default: Any = None) -> Any:
        return self._entry(key) if dict.__contains__(self, key) else default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if not dict.__contains__(self, key):
            dict.__setitem__(self, key, default)
        return self._entry(key)

    def pop(self, key: Any, *default: Any) -> Any:
        if dict.__contains__(self, key):
            self._entry(key)
        return dict.pop(self, key, *default)

    def __iter__(self) -> Iterator[Any]:
        return dict.__iter__(self)

    def copy(self) -> LazyDict:
        return LazyDict(self, self._renderer, self._label)

    def __copy__(self) -> LazyDict:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        return plain_dict(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (plain_dict(self),)

    __hash__ = None
    items: Any = _forced(dict.items)
    values: Any = _forced(dict.values)
    popitem: Any = _forced(dict.popitem)
    __eq__: Any = _forced(dict.__eq__)
    __ne__: Any = _forced(dict.__ne__)
    __or__: Any = _forced(dict.__or__)
    __ror__: Any = _forced(dict.__ror__)
    __repr__: Any = _forced(dict.__repr__)


class LazyList(list[Any]):
    """A list that renders its entries when they are read."""

    __slots__ = ("_label", "_renderer")

    def __init__(self, raw: Iterable[Any], renderer: Renderer, label: str = "") -> None:
        super().__init__(raw)
        self._renderer = renderer
        self._label = label

    def _entry(self, index: int) -> Any:
        value = list.__getitem__(self, index)
        if type(value) in _DONE:
            return value
        made = self._renderer.entry(value, f"{self._label}[{index}]")
        list.__setitem__(self, index, made)
        return made

    def force(self) -> None:
        """Render all entries."""
        for index in range(len(self)):
            self._entry(index)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            self.force()
            return list.__getitem__(self, index)
        return self._entry(index)

    def __iter__(self) -> Iterator[Any]:
        index = 0
        while index < len(self):
            yield self._entry(index)
            index += 1

    def __radd__(self, other: list[Any]) -> list[Any]:
        self.force()
        return list.__add__(other, self)

    def __add__(self, other: Any) -> Any:
        self.force()
        return list.__add__(self, list(other) if isinstance(other, list) else other)

    def __iadd__(self, other: Any) -> Any:
        return list.__iadd__(self, list(other))

    def extend(self, other: Iterable[Any]) -> None:
        list.extend(self, list(other))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (plain_list(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return plain_list(self)

    __hash__ = None
    copy: Any = _forced(list.copy)
    __copy__: Any = _forced(list.copy)
    count: Any = _forced(list.count)
    index: Any = _forced(list.index)
    pop: Any = _forced(list.pop)
    remove: Any = _forced(list.remove)
    reverse: Any = _forced(list.reverse)
    sort: Any = _forced(list.sort)
    __reversed__: Any = _forced(list.__reversed__)
    __contains__: Any = _forced(list.__contains__)
    __mul__: Any = _forced(list.__mul__)
    __rmul__: Any = _forced(list.__rmul__)
    __eq__: Any = _forced(list.__eq__)
    __ne__: Any = _forced(list.__ne__)
    __lt__: Any = _forced(list.__lt__)
    __le__: Any = _forced(list.__le__)
    __gt__: Any = _forced(list.__gt__)
    __ge__: Any = _forced(list.__ge__)
    __repr__: Any = _forced(list.__repr__)


class LazyMapping(Mapping[Any, Any]):
    """Another Mapping (of which nobody knows what it costs to copy) that renders its values."""

    __slots__ = ("_label", "_made", "_raw", "_renderer")

    def __init__(self, raw: Mapping[Any, Any], renderer: Renderer, label: str = "") -> None:
        self._raw = raw
        self._renderer = renderer
        self._label = label
        self._made: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        if key in self._made:
            return self._made[key]
        value = self._raw[key]
        if type(value) in SCALARS:
            return value
        self._made[key] = made = self._renderer.entry(value, f"{self._label}.{key}")
        return made

    def __contains__(self, key: Any) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return repr(plain(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        return plain_dict(self)

    def __reduce__(self) -> Any:
        return dict, (plain_dict(self),)


_DONE = SCALARS | {LazyDict, LazyList, LazyMapping, Missing}
UNROLLED = (Iterator, KeysView, ValuesView, ItemsView)
"""What filters and methods give that is a list to everybody else."""
_ITERABLES = (ValuesView, list, tuple, Set, range, deque)
_TIMES = (datetime, date, time, timedelta)


def plain(value: Any) -> Any:
    """``value`` as data and nothing else: dict, list, str, int, float, bool, None; `OMIT` and
    `Secret` stay. Containers are new.

    Raises:
        NotThere: something in it is not there.
        TemplateError: something in it is no data: a function, a macro.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (Mapping, MappingProxyType)):
        return plain_dict(value)
    if isinstance(value, (*_ITERABLES, Iterator)):
        return plain_list(value)
    return _odd(value)


def plain_dict(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """`plain` of a Mapping."""
    return {_key(key): plain(value[key]) for key in value}


def plain_list(value: Iterable[Any]) -> list[Any]:
    """`plain` of an iterable."""
    if isinstance(value, (range, Iterator)):
        value = unrolled(value)
    return [plain(each) for each in value]


def _key(key: Any) -> Any:
    return key if type(key) in SCALARS else str(key)


def _odd(value: Any) -> Any:
    if isinstance(value, Missing):
        value._fail_with_undefined_error()
    if value is OMIT or isinstance(value, Secret):
        return value
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, _TIMES) or not callable(value):
        return str(value)
    name = getattr(value, "__name__", None) or type(value).__name__
    raise TemplateError(f"{name!r} is a function, not a value; call it: {name}(…)")


def text(value: Any) -> str:
    """``value`` as it is printed among other text: nothing for None and `OMIT`, Python's words
    for the rest.

    Raises:
        NotThere, TemplateError: as `plain` does.
    """
    if type(value) is str:
        return value
    if value is None or value is OMIT:
        return ""
    if isinstance(value, (list, dict)):
        return str(value)
    if isinstance(value, (range, *UNROLLED)):
        return str(unrolled(value))
    return str(value if isinstance(value, (tuple, Set)) else plain(value))
