"""``hostvars``: every host's variables, rendered with that host's variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsrun.inventory.patterns import LOCALHOST
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.templating.lazy import DataMapping
from opsrun.playbook.variables.layers import Layers


class HostView(DataMapping):
    """One host's variables; each is rendered when it is asked for.

    ``hostvars`` is there for the templates among them, and not among the names: whoever wants all
    of a host's variables doesn't want all of all hosts', over and over.
    """

    __slots__ = ("_layers", "_templar")

    def __init__(self, layers: Layers, templar: Templar) -> None:
        self._layers = layers
        self._templar = templar

    def __getitem__(self, name: str) -> Any:
        return self._templar.render(self._layers[name])

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._layers if name != "hostvars")

    def __len__(self) -> int:
        return sum(1 for _ in self)


class HostVars(DataMapping):
    """By a host's name; ``localhost`` is known even where no source names it.

    Args:
        names: of the hosts that there are now.
        view: the variables of one.
    """

    __slots__ = ("_names", "_view", "_views")

    def __init__(
        self, names: Callable[[], Mapping[str, Any]], view: Callable[[str], HostView]
    ) -> None:
        self._names = names
        self._view = view
        self._views: dict[str, HostView] = {}

    def __getitem__(self, name: str) -> HostView:
        found = self._views.get(name)
        if found is None:
            if name not in self:
                raise KeyError(name)
            found = self._views[name] = self._view(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names() or (isinstance(name, str) and name in LOCALHOST)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())
