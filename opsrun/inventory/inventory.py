"""The inventory: hosts, groups, and the selection of hosts by pattern."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from opsrun.errors import InventoryError, PatternError, did_you_mean
from opsrun.inventory.draft import IMPLICIT, Draft, DraftError
from opsrun.inventory.listed import names_in_file
from opsrun.inventory.model import (
    UNGROUPED,
    Assignments,
    Group,
    Host,
    InventoryWarning,
    Origin,
    Value,
    Variables,
)
from opsrun.inventory.patterns import LOCALHOST, evaluate
from opsrun.inventory.text import Place
from opsrun.inventory.variables import LayeredResolver
from opsrun.inventory.vars_files import VarsFiles
from opsrun.vault.vault import Vault

_LOCAL: Assignments = ({"ansible_connection": Value("local", IMPLICIT)},)


class Inventory:
    """Everything that the sources said. `opsrun.inventory.load.load_inventory` makes one.

    >>> from opsrun import Fleet
    >>> inventory = Fleet("web01,web02,db01,").inventory
    >>> [host.name for host in inventory.select("web*")]
    ['web01', 'web02']

    Args:
        draft: what the sources said; finished.
        bases: directories beside the sources that may hold ``group_vars`` and ``host_vars``.
        playbook_bases: the same, beside a playbook.
        place: how files named in patterns are found.
        sources: what was loaded, as the operator named it.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        bases: Sequence[str],
        playbook_bases: Sequence[str],
        place: Place,
        sources: tuple[str, ...],
    ) -> None:
        self.sources = sources
        self._draft = draft
        self._bases = (tuple(bases), tuple(playbook_bases))
        self._place = place
        self._warnings = draft.warnings
        self._groups = draft.freeze_groups()
        self._resolver = LayeredResolver(
            self._groups,
            VarsFiles(bases, place, self._warnings),
            VarsFiles(playbook_bases, place, self._warnings),
            place.vault,
        )
        self._hosts = draft.freeze_hosts(self._groups, self._resolver)
        self._members: dict[str, tuple[str, ...]] = {}

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Hosts by name, in inventory order: that in which the sources name them first."""
        return MappingProxyType(self._hosts)

    @property
    def groups(self) -> Mapping[str, Group]:
        """Groups by name, ``all`` and ``ungrouped`` among them."""
        return MappingProxyType(self._groups)

    @property
    def warnings(self) -> tuple[InventoryWarning, ...]:
        """What is odd in the files read so far: duplicate keys, ignored sections …"""
        return tuple(self._warnings)

    def __repr__(self) -> str:
        return f"<Inventory {len(self._hosts)} hosts, {len(self._groups)} groups>"

    def __len__(self) -> int:
        return len(self._hosts)

    def members(self, group: str) -> tuple[str, ...]:
        """Names of all hosts in a group and below it, those of nearer groups first.

        Raises:
            KeyError: there is no such group.
        """
        if group not in self._members:
            names: dict[str, None] = {}
            for name in self.descendants(group):
                names.update(dict.fromkeys(self._groups[name].hosts))
            self._members[group] = tuple(names)
        return self._members[group]

    def descendants(self, group: str) -> list[str]:
        """The group itself and every group below it, breadth first."""
        ordered = {group: None}
        for name in (queue := [group]):
            new = [child for child in self._groups[name].children if child not in ordered]
            ordered.update(dict.fromkeys(new))
            queue.extend(new)
        return list(ordered)

    def host(self, name: str) -> Host:
        """The host of this name; an implicit one for ``localhost``.

        Raises:
            PatternError: there is none; with the nearest name.
        """
        found = self._hosts.get(name)
        if found is not None:
            return found
        if name in LOCALHOST:
            return self._implicit(name)
        raise PatternError(f"no host is named {name!r}{did_you_mean(name, self._hosts)}")

    def group_variables(self, name: str) -> Variables:
        """The variables set on the group itself; what it inherits is left out."""
        return self._resolver.group_variables(name)

    def select(
        self,
        pattern: str,
        *,
        limit: str | None = None,
        exclude: str | None = None,
        groups: str | None = None,
        exclude_groups: str | None = None,
        order: Literal["inventory", "pattern"] = "inventory",
    ) -> tuple[Host, ...]:
        """The hosts that are meant, without duplicates.

        Args:
            pattern: see `opsrun.inventory.patterns`.
            limit: keep only the hosts of this pattern, too.
            exclude: leave out the hosts of this pattern.
            groups: keep only members of these groups (names separated by commas).
            exclude_groups: leave out members of these groups.
            order: of the result; ``pattern`` is the order in which Ansible would visit the hosts.

        Raises:
            PatternError: a pattern is malformed, names something unknown, or nothing is left.
            InventoryError: a file that a pattern names can't be read.
        """
        names = dict.fromkeys(self._evaluate(pattern))
        if not names:
            raise PatternError(f"the pattern {pattern!r} selects no host")
        for keep, words, what in (
            (True, self._maybe(limit), f"the limit {limit!r}"),
            (True, self._in_groups(groups), f"the group {groups!r}"),
            (False, self._maybe(exclude), f"excluding {exclude!r}"),
            (False, self._in_groups(exclude_groups), f"excluding the group {exclude_groups!r}"),
        ):
            if words is None:
                continue
            left = {name: None for name in names if (name in words) is keep}
            if not left:
                raise PatternError(f"{what} leaves none of the {len(names)} hosts of {pattern!r}")
            names = left
        return self._in_order(names, order)

    def chosen(
        self, pattern: str, limit: str | None, ignored: Callable[[PatternError], None]
    ) -> tuple[Host, ...]:
        """The hosts of a play: in the order of the pattern, and maybe none.

        Args:
            pattern: see `opsrun.inventory.patterns`.
            limit: keep only the hosts of this pattern, too.
            ignored: told of each term that names nothing known.

        Raises:
            PatternError: the limit names something unknown.
        """
        names = evaluate(pattern, self, self._read_names, ignored, self._place.of_run)
        if limit is not None:
            kept = set(self._evaluate(limit))
            names = [name for name in names if name in kept]
        return self._in_order(dict.fromkeys(names), "pattern")

    def _in_order(self, names: dict[str, None], order: str) -> tuple[Host, ...]:
        if order == "pattern":
            return tuple(self.host(name) for name in names)
        known = [host for name, host in self._hosts.items() if name in names]
        return (*known, *(self._implicit(name) for name in names if name not in self._hosts))

    def _evaluate(self, pattern: str) -> list[str]:
        return evaluate(pattern, self, self._read_names, of_run=self._place.of_run)

    def _maybe(self, pattern: str | None) -> set[str] | None:
        return None if pattern is None else set(self._evaluate(pattern))

    def _in_groups(self, names: str | None) -> set[str] | None:
        if names is None:
            return None
        found: set[str] = set()
        for name in filter(None, (part.strip().removeprefix("@") for part in names.split(","))):
            if name not in self._groups:
                raise PatternError(f"no group is named {name!r}{did_you_mean(name, self._groups)}")
            found.update(self.members(name))
        return found

    def _read_names(self, path: str) -> list[str] | None:
        known = os.path.exists(self._place.real(path))
        return names_in_file(path, self._place) if known else None

    @property
    def vault(self) -> Vault:
        """Opens what is encrypted in its files."""
        return self._place.vault

    def opened_with(self, vault: Vault) -> Inventory:
        """This inventory, with secrets for what is encrypted in ``group_vars``, ``host_vars`` and
        values; its sources were read already."""
        return Inventory(
            self._draft,
            bases=self._bases[0],
            playbook_bases=self._bases[1],
            place=replace(self._place, vault=vault),
            sources=self.sources,
        )

    def beside(self, folders: Sequence[str]) -> Inventory:
        """This inventory with the ``group_vars`` and ``host_vars`` in some playbooks' folders."""
        return Inventory(
            self._draft,
            bases=self._bases[0],
            playbook_bases=tuple(folders),
            place=self._place,
            sources=self.sources,
        )

    def read_again(self) -> Inventory:
        """What the sources say now; hosts and groups that were noted since are not in it.

        Raises:
            InventoryError: a source can't be read any more, or there was none.
        """
        if self._draft.again is None:
            raise InventoryError("this inventory was not read from sources")
        fresh: Inventory = self._draft.again()
        return fresh.opened_with(self.vault).beside(self._bases[1])

    def extended(
        self,
        hosts: Iterable[tuple[str, Sequence[str], Mapping[str, object]]],
        memberships: Iterable[tuple[str, str, Sequence[str]]],
        origin: Origin,
    ) -> Inventory:
        """This inventory with more in it; this one stays as it is. See `note` and `renewed`."""
        self.note(hosts, memberships, origin)
        return self.renewed()

    def note(
        self,
        hosts: Iterable[tuple[str, Sequence[str], Mapping[str, object]]],
        memberships: Iterable[tuple[str, str, Sequence[str]]],
        origin: Origin,
    ) -> None:
        """Have the next `renewed` know of more; this one stays as it is.

        Args:
            hosts: name, groups and variables each; groups that there aren't are made.
            memberships: a host, a group that it is to be in, and the groups above that one.
            origin: where that is said to come from.

        Raises:
            PatternError: a name can't be a host's or a group's, or a group would be in a circle.
        """
        # The draft is written to, and what was frozen out of it before is not.
        try:
            for name, groups, values in hosts:
                self._add_host(name, groups, values, origin)
            for host, group, parents in memberships:
                self._add_member(host, group, parents, origin)
        except DraftError as error:
            raise PatternError(str(error)) from error

    def renewed(self, origin: Origin | None = None) -> Inventory:
        """The inventory with all that was noted; takes time for every host there is.

        Args:
            origin: of groups whose hosts came as they were done with a task: they stand in the
                order of the inventory, whoever was first.
        """
        before = len(self._draft.warnings)
        if origin is not None:
            rank = {name: place for place, name in enumerate(self._draft.hosts)}
            for group in self._draft.groups.values():
                if group.origin is origin:
                    group.hosts = dict.fromkeys(sorted(group.hosts, key=rank.__getitem__))
        self._draft.finish()
        del self._draft.warnings[before:]
        return Inventory(
            self._draft,
            bases=self._bases[0],
            playbook_bases=self._bases[1],
            place=self._place,
            sources=self.sources,
        )

    def _add_host(
        self, name: str, groups: Sequence[str], values: Mapping[str, object], origin: Origin
    ) -> None:
        assigned = {key: Value(data, origin) for key, data in values.items()}
        for group in groups or (UNGROUPED,):
            self._draft.add_group(group, origin)
            self._draft.add_hosts([name], group, {}, origin)
        if assigned:
            self._draft.hosts[name].own.append(assigned)

    def _add_member(self, host: str, group: str, parents: Sequence[str], origin: Origin) -> None:
        self._draft.add_group(group, origin)
        for parent in parents:
            self._draft.add_group(parent, origin)
            if parent != group and group not in self._draft.groups[parent].children:
                self._draft.add_child(parent, group)
        self._draft.add_hosts([host], group, {}, origin)

    def stand_in(self, name: str) -> Host:
        """A host that no source names: it has the variables of ``all`` alone."""
        return Host(name, (), (), IMPLICIT, self._resolver, implicit=True)

    def _implicit(self, name: str) -> Host:
        return Host(name, (), _LOCAL, IMPLICIT, self._resolver, implicit=True)
