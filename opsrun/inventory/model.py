"""What an inventory holds, as frozen data: every value keeps where it was written.

Nothing here is copied per host: a variable of a group, or of a line that stands for ten thousand
hosts, exists once. Lists and dictionaries among the values are shared, so they are to be read only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from opsrun.dialect.opening import opened
from opsrun.dialect.origin import Kind as Kind
from opsrun.dialect.origin import Origin as Origin
from opsrun.dialect.tags import Unsafe as Unsafe
from opsrun.dialect.tags import Vaulted as Vaulted
from opsrun.dialect.warning import FileWarning as FileWarning
from opsrun.errors import InventoryError
from opsrun.vault.vault import NO_VAULT, Vault

ALL = "all"
UNGROUPED = "ungrouped"

InventoryWarning = FileWarning


@dataclass(frozen=True, slots=True)
class Value:
    """One assignment of a variable."""

    data: Any
    origin: Origin
    sealed: bool = False
    """Something in ``data`` is still encrypted."""

    def reveal(self, name: str, vault: Vault = NO_VAULT) -> Any:
        """The data of the variable ``name``, decrypted.

        Raises:
            InventoryError: it is encrypted, and ``vault`` has no secret that opens it.
        """
        return opened(self.data, vault, name, InventoryError) if self.sealed else self.data


Assignments = tuple[Mapping[str, Value], ...]
"""What was assigned to one group or host in inventory sources, oldest first."""


class Explained(NamedTuple):
    """One of the assignments that a variable had a choice of."""

    origin: Origin
    value: Any
    where: str
    """``group web``, ``group_vars web``, ``host web01`` or ``host_vars web01``."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group, with its direct members only; `Inventory.members` gives all of them."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    parents: tuple[str, ...]
    depth: int
    """Edges on the longest way down from ``all``; deeper groups win."""
    priority: int
    """Decides between groups of one depth."""
    priority_value: Value | None
    """``ansible_group_priority``, where a source sets it; no variable of any host."""
    own: Assignments
    origin: Origin


class Variables(Mapping[str, Any]):
    """The effective variables of a host: a view of two shared layers, nothing is copied.

    A variable that is encrypted is decrypted when it is read; without a secret for it, that raises
    `InventoryError`, and asking for its name, or for another one, does not.
    """

    __slots__ = ("_own", "_shared", "_vault")

    def __init__(
        self, own: Mapping[str, Value], shared: Mapping[str, Value], vault: Vault = NO_VAULT
    ) -> None:
        self._own = own
        self._shared = shared
        self._vault = vault

    def value(self, name: str) -> Value:
        """The winning assignment of ``name``, origin and all. KeyError if there is none."""
        found = self._own.get(name)
        return found if found is not None else self._shared[name]

    def __getitem__(self, name: str) -> Any:
        return self.value(name).reveal(name, self._vault)

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._shared if name not in self._own)

    def __len__(self) -> int:
        return len(self._own.keys() | self._shared.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._shared

    def there(self, names: frozenset[str]) -> set[str]:
        """Those of ``names`` that are variables."""
        return (self._own.keys() & names) | (self._shared.keys() & names)

    def __repr__(self) -> str:
        return f"<Variables {', '.join(sorted(self))}>"


class Resolver(Protocol):
    """Puts together the variables of hosts; `opsrun.inventory.variables` has the one there is."""

    def variables(self, host: Host) -> Variables:
        """The effective variables, put together once."""

    def explain(self, host: Host, name: str) -> list[Explained]:
        """Every assignment of ``name`` that reaches the host, the winner first."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Host:
    """A host by its inventory name.

    >>> host = fleet.inventory.host("web01")
    >>> host.name, host.groups
    ('web01', ('web',))
    """

    name: str
    groups: tuple[str, ...]
    """Every group it is in, ``all`` left out, lowest precedence first."""
    own: Assignments
    origin: Origin
    """Where it was named first."""
    resolver: Resolver
    implicit: bool = False
    """``localhost`` that no source names: reached without SSH."""

    @property
    def variables(self) -> Variables:
        """The effective variables; reads ``host_vars`` and ``group_vars`` on first use.

        Raises:
            InventoryError: one of those files can't be used, or opened.
        """
        return self.resolver.variables(self)

    def explain(self, name: str) -> list[Explained]:
        """Every assignment of the variable ``name``, the winner first; empty if unknown."""
        return self.resolver.explain(self, name)

    def __repr__(self) -> str:
        return f"<Host {self.name}>"
