"""Layers of variables, seen as one mapping; nothing is copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from opsrun.dialect.tags import trusted
from opsrun.inventory import Host
from opsrun.inventory.model import Value


class Layers(Mapping[str, Any]):
    """Several mappings as one, the strongest first.

    Args:
        layers: the mappings.
        files: gives those of them that hold what the operator wrote, and nothing else.
    """

    __slots__ = ("_files", "_layers")

    def __init__(
        self,
        layers: Sequence[Mapping[str, Any]],
        files: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    ) -> None:
        self._layers = layers
        self._files = files

    def __getitem__(self, name: str) -> Any:
        for layer in self._layers:
            if name in layer:
                return layer[name]
        raise KeyError(name)

    def written(self, name: str) -> Any:
        """The variable as the operator wrote it; None where it is anything else."""
        layer = next((each for each in self._layers if name in each), None)
        if layer is None or isinstance(layer, InventoryLayer):
            return None if layer is None else layer.written(name)
        return layer[name] if any(layer is each for each in self._files()) else None

    def __contains__(self, name: object) -> bool:
        # Asked for more often than anything else: a generator would cost as much as the answer.
        for layer in self._layers:  # noqa: SIM110
            if name in layer:
                return True
        return False

    def there(self, names: frozenset[str]) -> set[str]:
        """Those of ``names`` that are variables: all of them asked for in one go."""
        found: set[str] = set()
        for layer in self._layers:
            if type(layer) is dict:
                found |= layer.keys() & names
            elif isinstance(layer, (Computed, InventoryLayer)):
                found |= layer.there(names)
            else:
                found.update(name for name in names if name in layer)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in self._layers for name in layer))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def over(self, *stronger: Mapping[str, Any]) -> Layers:
        """The same below ``stronger``."""
        return Layers((*stronger, *self._layers), self._files)

    def before(self, *weaker: Mapping[str, Any]) -> Layers:
        """The same above ``weaker``."""
        return Layers((*self._layers, *weaker), self._files)


class Computed(Mapping[str, Any]):
    """Values that are worked out when they are asked for, once."""

    __slots__ = ("_makers", "_values")

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = self._makers[name]()
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def there(self, names: frozenset[str]) -> set[str]:
        """See `Layers.there`."""
        return self._makers.keys() & names

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class Trusted:
    """Inventory values as templates where the operator wrote them; each is looked at once."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Value, Any]] = {}

    def __call__(self, name: str, value: Value) -> Any:
        """The data of ``value``; what an inventory script printed stays data."""
        known = self._seen.get(id(value))
        if known is not None:
            return known[1]
        # What is encrypted stays so until a templar needs it.
        data = value.data
        if value.origin.trusted:
            data = trusted(data, value.origin)
        # The value is kept with it, so that its identity stays its own.
        self._seen[id(value)] = value, data
        return data


class InventoryLayer(Mapping[str, Any]):
    """A host's inventory variables."""

    __slots__ = ("_trusted", "_variables")

    def __init__(self, host: Host, trusted: Trusted) -> None:
        self._variables = host.variables
        self._trusted = trusted

    def __getitem__(self, name: str) -> Any:
        return self._trusted(name, self._variables.value(name))

    def written(self, name: str) -> Any:
        """See `Layers.written`."""
        return self[name] if self._variables.value(name).origin.trusted else None

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def there(self, names: frozenset[str]) -> set[str]:
        """See `Layers.there`."""
        return self._variables.there(names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)
