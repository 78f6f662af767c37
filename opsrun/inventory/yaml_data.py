"""YAML (and JSON) files as plain data, with the place of every key.

libyaml's events are put together here rather than by PyYAML's constructor, because nesting, the
size that aliases expand to, duplicate keys and unknown tags must be judged on the way, and because
PyYAML's data has forgotten where it came from. Scalars are still typed by PyYAML: YAML 1.1, as in
Ansible. A file that is JSON is typed as JSON, as in Ansible, too.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.errors import InventoryError
from opsrun.inventory.model import InventoryWarning, Kind, Origin, Unsafe, Value, Vaulted
from opsrun.inventory.text import line_at
from opsrun.inventory.yaml_builder import Builder, Position


@dataclass(frozen=True, slots=True)
class Document:
    """One file's data."""

    data: Any
    path: str
    text: str
    kind: Kind
    marks: Mapping[int, Mapping[Hashable, Position]]
    """By the identity of a dictionary in ``data``: key, and its 1-based line and column."""
    warnings: tuple[InventoryWarning, ...]
    sealed: bool
    """There is a ``!vault`` somewhere in ``data``."""

    def origin(self, mapping: Mapping[Any, Any], key: Hashable, *, trusted: bool = True) -> Origin:
        """Where ``key`` of the dictionary ``mapping`` is written."""
        line, column = self.marks.get(id(mapping), {}).get(key, (None, None))
        return Origin(self.path, line, column, self.kind, trusted)

    def value(self, mapping: Mapping[Any, Any], key: Hashable) -> Value:
        """``mapping[key]`` with its origin."""
        data = mapping[key]
        origin = self.origin(mapping, key, trusted=not isinstance(data, Unsafe))
        return Value(data, origin, self.sealed and holds_vault(data))

    def values(self, mapping: Mapping[Any, Any]) -> dict[str, Value]:
        """A dictionary of variables, each with its origin; InventoryError for a name not text."""
        for name in mapping:
            if not isinstance(name, str):
                raise self.error(
                    f"a variable's name must be text, not {name!r}; put it in quotation marks",
                    mapping,
                    name,
                )
        return {name: self.value(mapping, name) for name in mapping}

    def error(self, message: str, mapping: Mapping[Any, Any], key: Hashable) -> InventoryError:
        """An error that points at ``key`` of the dictionary ``mapping``."""
        origin = self.origin(mapping, key)
        text = line_at(self.text, origin.line) if origin.line else None
        return InventoryError(
            message, path=self.path, line=origin.line, column=origin.column, text=text
        )


def holds_vault(data: Any) -> bool:
    """Whether an encrypted value is ``data`` or somewhere inside it."""
    if isinstance(data, Vaulted):
        return True
    if isinstance(data, Mapping):
        return any(map(holds_vault, data.values()))
    return isinstance(data, (list, tuple)) and any(map(holds_vault, data))


def parse(text: str, path: str) -> Document:
    """The one document in ``text``; its data is None where there is nothing.

    Raises:
        InventoryError: broken YAML, an unknown or unsafe tag, too deep nesting, or
            aliases that expand to more than a million nodes; with line, column and caret.
    """
    builder = Builder(text, path, as_json=_is_json(text))
    data = builder.build()
    return Document(
        data,
        path,
        text,
        "json" if builder.as_json else "yaml",
        builder.marks,
        tuple(builder.warnings),
        builder.sealed,
    )


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
