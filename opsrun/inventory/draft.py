"""An inventory in the making: sources write into it, `freeze` makes it data.

The rules here are Ansible's: every group is below ``all``, a host in no other group is in
``ungrouped``, no group may be its own ancestor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.inventory.model import (
    ALL,
    UNGROUPED,
    Assignments,
    Group,
    Host,
    InventoryWarning,
    Origin,
    Resolver,
    Value,
)
from opsrun.inventory.names import name_fault

PRIORITY = "ansible_group_priority"
IMPLICIT = Origin("<implicit>", kind="implicit")


class DraftError(ValueError):
    """What a source asks for is against the rules; the source adds the place."""


@dataclass(slots=True)
class GroupDraft:
    """A group whose members are still being collected."""

    name: str
    origin: Origin
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    own: list[dict[str, Value]] = field(default_factory=list)
    priority: int = 1
    priority_value: Value | None = None


@dataclass(slots=True)
class HostDraft:
    """A host whose groups and variables are still being collected."""

    origin: Origin
    groups: dict[str, None] = field(default_factory=dict)
    own: list[Mapping[str, Value]] = field(default_factory=list)


class Draft:
    """Collects what the sources say, in their order."""

    def __init__(self) -> None:
        self.groups: dict[str, GroupDraft] = {}
        self.hosts: dict[str, HostDraft] = {}
        self.warnings: list[InventoryWarning] = []
        self.again: Callable[[], Any] | None = None
        """Reads the same sources anew, into an `Inventory`."""
        self.add_group(ALL, IMPLICIT)
        self.add_group(UNGROUPED, IMPLICIT)
        self.add_child(ALL, UNGROUPED)

    def add_group(self, name: object, origin: Origin) -> GroupDraft:
        """The group of this name, made if need be. Raises DraftError for a bad name."""
        if isinstance(name, str) and name in self.groups:
            return self.groups[name]
        if fault := name_fault(name, "group"):
            raise DraftError(fault)
        group = self.groups[str(name)] = GroupDraft(str(name), origin)
        return group

    def add_hosts(
        self, names: Iterable[object], group: str, values: Mapping[str, Value], origin: Origin
    ) -> None:
        """Put hosts into a group that there is; ``values`` are shared among them.

        Raises:
            DraftError: a name can't be a host's.
        """
        members = self.groups[group].hosts
        for name in names:
            host = self.hosts.get(name) if isinstance(name, str) else None
            if host is None:
                if fault := name_fault(name):
                    raise DraftError(fault)
                host = self.hosts[str(name)] = HostDraft(origin)
            members[str(name)] = None
            host.groups[group] = None
            if values:
                host.own.append(values)

    def add_child(self, parent: str, child: str) -> None:
        """Put one group that there is below another. Raises DraftError where that is a circle."""
        if parent == child:
            raise DraftError(f"the group {child!r} can't be its own child")
        if child == ALL:
            raise DraftError("the group 'all' holds every other group; it can't be a child")
        if child in self._ancestors(parent):
            raise DraftError(
                f"the group {child!r} can't be a child of {parent!r}, "
                f"because {parent!r} is already below {child!r}"
            )
        self.groups[parent].children[child] = None
        self.groups[child].parents[parent] = None

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = [p for p in self.groups[waiting.pop()].parents if p not in found]
            found.update(new)
            waiting.extend(new)
        return found

    def set_group_values(self, name: str, values: Mapping[str, Value]) -> None:
        """Assign variables to a group; ``ansible_group_priority`` is taken out of them.

        Raises:
            DraftError: the priority is no whole number.
        """
        group = self.groups[name]
        for key, value in values.items():
            if key == PRIORITY:
                group.priority, group.priority_value = _priority(value), value
                continue
            if not group.own or key in group.own[-1]:
                group.own.append({})
            group.own[-1][key] = value

    def finish(self) -> None:
        """Bring ``all`` and ``ungrouped`` in order, once every source has been read."""
        for name, group in self.groups.items():
            if not group.parents and name != ALL:
                self.add_child(ALL, name)
        self._settle_ungrouped()
        for name in sorted(self.groups.keys() & self.hosts.keys()):
            self.warnings.append(
                InventoryWarning(
                    f"{name!r} is both a host and a group; as a pattern it means the host, "
                    f"'@{name}' the group",
                    self.groups[name].origin,
                )
            )

    def _settle_ungrouped(self) -> None:
        lonely = self.groups[UNGROUPED].hosts
        for name, host in self.hosts.items():
            if host.groups.keys() - {ALL, UNGROUPED}:
                lonely.pop(name, None)
                host.groups.pop(UNGROUPED, None)
            else:
                lonely[name] = None
                host.groups[UNGROUPED] = None

    def freeze_groups(self) -> dict[str, Group]:
        """The groups as data, in the order in which they were first named."""
        depths = self._depths()
        return {
            name: Group(
                name,
                tuple(draft.hosts),
                tuple(draft.children),
                tuple(draft.parents),
                depths[name],
                draft.priority,
                draft.priority_value,
                tuple(draft.own),
                draft.origin,
            )
            for name, draft in self.groups.items()
        }

    def _depths(self) -> dict[str, int]:
        depths: dict[str, int] = {}
        missing = {name: len(group.parents) for name, group in self.groups.items()}
        ready = [name for name, count in missing.items() if not count]
        for name in ready:
            group = self.groups[name]
            depths[name] = max((depths[parent] + 1 for parent in group.parents), default=0)
            for child in group.children:
                missing[child] -= 1
                if not missing[child]:
                    ready.append(child)
        return depths

    def freeze_hosts(self, groups: Mapping[str, Group], resolver: Resolver) -> dict[str, Host]:
        """The hosts as data, in the order in which they were first named."""
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        own: dict[tuple[int, ...], Assignments] = {}
        hosts = {}
        for name, draft in self.hosts.items():
            direct = tuple(draft.groups)
            if direct not in shared:
                shared[direct] = self._membership(direct, groups)
            key = tuple(map(id, draft.own))
            values = own.setdefault(key, tuple(draft.own))
            hosts[name] = Host(name, shared[direct], values, draft.origin, resolver)
        return hosts

    def _membership(self, direct: Iterable[str], groups: Mapping[str, Group]) -> tuple[str, ...]:
        names = set(direct)
        for name in tuple(names):
            names |= self._ancestors(name)
        names.discard(ALL)
        return tuple(sorted(names, key=lambda n: (groups[n].depth, groups[n].priority, n)))


def _priority(value: Value) -> int:
    try:
        return int(value.data)
    except (TypeError, ValueError):
        raise DraftError(f"{PRIORITY} must be a whole number, not {value.data!r}") from None
