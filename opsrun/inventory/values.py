"""Variables out of a YAML document, each with its origin."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from opsrun.dialect.tags import Unsafe
from opsrun.dialect.yaml_data import Document, holds_vault
from opsrun.inventory.model import Value


def value_at(document: Document, mapping: Mapping[Any, Any], key: Hashable) -> Value:
    """``mapping[key]`` with its origin."""
    data = mapping[key]
    origin = document.origin(mapping, key, trusted=not isinstance(data, Unsafe))
    return Value(data, origin, document.sealed and holds_vault(data))


def values_of(document: Document, mapping: Mapping[Any, Any]) -> dict[str, Value]:
    """A dictionary of variables. Raises InventoryError for a name that is not text."""
    for name in mapping:
        if not isinstance(name, str):
            raise document.error(
                f"a variable's name must be text, not {name!r}; put it in quotation marks",
                mapping,
                name,
            )
    return {name: value_at(document, mapping, name) for name in mapping}
