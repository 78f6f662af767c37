"""``ansible.module_utils.common.collections``: what kind of container something is."""

from __future__ import annotations

from collections import Counter
from collections.abc import (
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from typing import Any

__all__ = [
    "Hashable",
    "ImmutableDict",
    "Mapping",
    "MutableMapping",
    "MutableSequence",
    "Sequence",
    "count",
    "is_iterable",
    "is_sequence",
    "is_string",
]


class ImmutableDict(Mapping[Any, Any], Hashable):
    """A mapping that stays what it is."""

    def __init__(self, *pairs: Any, **named: Any) -> None:
        self._store = dict(*pairs, **named)

    def __getitem__(self, key: Any) -> Any:
        return self._store[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)

    def __hash__(self) -> int:
        return hash(frozenset(self._store.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def union(self, overriding_mapping: Mapping[Any, Any]) -> ImmutableDict:
        """This one, and more, which wins."""
        return ImmutableDict({**self._store, **overriding_mapping})

    def difference(self, subtractive_iterable: Iterable[Any]) -> ImmutableDict:
        """This one without some keys."""
        gone = frozenset(subtractive_iterable)
        return ImmutableDict({k: v for k, v in self._store.items() if k not in gone})


def is_string(seq: Any) -> bool:
    """Text, or bytes."""
    return isinstance(seq, (str, bytes))


def is_iterable(seq: Any, include_strings: bool = False) -> bool:
    """Whether one can go through it."""
    return (include_strings or not is_string(seq)) and isinstance(seq, Iterable)


def is_sequence(seq: Any, include_strings: bool = False) -> bool:
    """Whether it has an order, and places."""
    return (include_strings or not is_string(seq)) and isinstance(seq, Sequence)


def count(seq: Iterable[Any]) -> dict[Any, int]:
    """How often each entry is in it."""
    return dict(Counter(seq))
