"""Functions by name, whose modules are imported when the first of theirs is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Function = Callable[..., Any]


class Late(Mapping[str, Function]):
    """A table over several modules of one package.

    Args:
        near: functions that are at hand.
        package: where the modules are; each has a table of its own.
        attribute: what those are called.
        index: by module, the names in its table; they win over those at hand.
    """

    def __init__(
        self,
        near: Mapping[str, Function],
        package: str,
        attribute: str,
        index: Mapping[str, str],
    ) -> None:
        self._package = package
        self._attribute = attribute
        self._places = {name: module for module, names in index.items() for name in names.split()}
        self._names = dict.fromkeys((*near, *self._places))
        self._found = {name: each for name, each in near.items() if name not in self._places}

    def __getitem__(self, name: str) -> Function:
        found = self._found.get(name)
        if found is None:
            module = importlib.import_module(f"{self._package}.{self._places[name]}")
            found = self._found[name] = getattr(module, self._attribute)[name]
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
