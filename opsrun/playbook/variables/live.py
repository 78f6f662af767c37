"""The inventory of a run, which ``add_host`` and ``group_by`` make grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opsrun.dialect.origin import Origin
from opsrun.errors import InputError, PatternError
from opsrun.inventory import Host, Inventory
from opsrun.playbook.messages import TaskEnded

REFRESH = "refresh_inventory"
_NewHost = tuple[str, Sequence[str], Mapping[str, object]]
_Member = tuple[str, str, Sequence[str]]
_ADDED = Origin("<add_host>", kind="implicit", trusted=False)


class LiveInventory:
    """The inventory as it is now. What was added is data: its origin is not trusted.

    To make it anew takes time for every host, so it is not done for every host that a task adds or
    groups, but once behind that task, see `settle`.
    """

    def __init__(self, inventory: Inventory, reread: Callable[[], Inventory] | None = None) -> None:
        self._now = inventory
        self._reread = reread
        self._added: list[tuple[list[_NewHost], list[_Member]]] = []
        self._refreshed: tuple[str, set[str]] = ("", set())
        """The task that had the sources read again, and the hosts that have come by it since."""
        self._gone: dict[str, Host] = {}
        """Hosts that the sources no longer name; plays that are under way still have them."""
        self._groups: dict[str, list[str]] | None = None
        self._stand_ins: dict[str, Host] = {}
        self._noted: set[str] = set()
        """Ids of tasks whose additions `now` doesn't show yet."""

    @property
    def now(self) -> Inventory:
        """As it is after all that was settled."""
        return self._now

    def fold(self, ended: TaskEnded) -> None:
        """Take in the hosts and memberships of a message, for the next `settle`.

        Raises:
            PatternError: a name can't be a host's or a group's, or a group would be in a circle.
        """
        if ended.meta == REFRESH:
            self._refresh(ended)
        if not ended.new_hosts and not ended.groups:
            return
        hosts: list[_NewHost] = [(each.name, each.groups, each.vars) for each in ended.new_hosts]
        groups: list[_Member] = [(ended.host, each.group, each.parents) for each in ended.groups]
        self._noted.add(ended.task)
        self._now.note(hosts, groups, _ADDED)
        self._added.append((hosts, groups))

    def _refresh(self, ended: TaskEnded) -> None:
        """Read the sources again, once for all hosts of a task; what was added stays."""
        task, hosts = self._refreshed
        if task == ended.task and ended.host not in hosts:
            hosts.add(ended.host)
            return
        if self._reread is None:
            raise PatternError("the inventory can't be read again")
        try:
            fresh = self._reread()
        except InputError as error:
            raise PatternError(str(error)) from error
        for added, groups in self._added:
            fresh.note(added, [], _ADDED)
            fresh.note([], [each for each in groups if each[0] in fresh.hosts], _ADDED)
        fresh = fresh.renewed(_ADDED)
        self._gone |= dict(self._now.hosts)
        self._now = fresh
        self._noted.clear()
        self._stand_ins.clear()
        self._groups = None
        self._refreshed = ended.task, {ended.host}

    def settle(self, task: str = "") -> None:
        """Show what was folded in to all that begins from here on.

        Args:
            task: id of the one that is about to begin; other hosts' parts of it are no reason.
        """
        if self._noted - {task}:
            self._now = self._now.renewed(_ADDED)
            self._noted.clear()
            self._stand_ins.clear()
            self._groups = None

    def is_member(self, host: str, group: str) -> bool:
        """Whether there is a host of this name, and it is in this group."""
        known = self._now.hosts.get(host)
        return known is not None and (group == "all" or group in known.groups)

    def groups(self) -> dict[str, list[str]]:
        """``groups``: the names of all hosts in each group, in inventory order."""
        if self._groups is None:
            inventory = self._now
            self._groups = {name: list(inventory.members(name)) for name in inventory.groups}
            self._groups["all"] = list(inventory.hosts)
        return self._groups

    def host(self, name: str) -> Host:
        """The host of this name; one without variables, for a name that only a task knows."""
        known = self._now.hosts.get(name)
        if known is not None:
            return known
        if name in self._gone:
            return self._gone[name]
        found = self._stand_ins.get(name)
        if found is None:
            found = self._stand_ins[name] = self._stand_in(name)
        return found

    def _stand_in(self, name: str) -> Host:
        try:
            return self._now.host(name)
        except PatternError:
            return self._now.stand_in(name)
