"""add_host, group_by: the inventory grows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.modules.base import ModuleResult
from opsrun.modules.options import module, option
from opsrun.playbook.actions.base import Acted, Action, Call, rendered
from opsrun.playbook.messages import GroupBy, NewHost
from opsrun.playbook.model.nodes import RawAction

_NAMES = ("name", "hostname", "host")
_VALUE = trusted("{{ (hostvars[_add_host] | default({})).get(_add_name) }}", Origin("<add_host>"))
_GROUPS = ("groups", "group", "groupname")


@module("add_host")
class AddHost(Action):
    """Make a host known, with groups and variables, until the run ends."""

    passes = True

    args: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def prepare(cls, action: RawAction, call: Call) -> Action:
        """Every argument that is no name and no group is a variable."""
        args, _ = rendered(action, call.templar)
        return cls(args=args)

    def act(self, call: Call) -> Acted:
        """Export it."""
        args = dict(self.args)
        names = [args.pop(name) for name in _NAMES if name in args]
        groups = [args.pop(name) for name in _GROUPS if name in args]
        if not names or names[0] in (None, ""):
            raise call.fail("add_host needs the name of the host")
        name, port = _with_port(str(names[0]))
        if port is not None:
            args["ansible_ssh_port"] = port
        chosen = _list(groups[0]) if groups else []
        new = NewHost(name, tuple(dict.fromkeys(chosen)), args)
        said = {"host_name": name, "groups": list(new.groups), "host_vars": args}
        changed = self._changes(new, call)
        return Acted(ModuleResult(changed, data={"add_host": said}), new_hosts=(new,))

    def _changes(self, new: NewHost, call: Call) -> bool:
        groups = ("all", *new.groups)
        if not all(call.is_member(new.name, group) for group in groups):
            return True
        return any(_known(new.name, key, call) != value for key, value in new.vars.items())


def _known(host: str, name: str, call: Call) -> Any:
    """What a variable of another host's is; None where it has none."""
    seen = {"_add_host": host, "_add_name": name}
    return call.templar.with_variables(seen).render(_VALUE)


def _with_port(name: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"([^:\[\]]+|\[[^\]]+\]):(\d+)", name)
    return (name, None) if found is None else (found[1].strip("[]"), int(found[2]))


def _list(value: Any) -> list[str]:
    words: Sequence[Any] = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [str(word).strip() for word in words if str(word).strip()]


@module("group_by")
class MakeGroup(Action):
    """Put each host into a group that is named after something of it."""

    passes = True

    key: str = option(required=True, doc="Name of the group.")
    parents: Any = option(("all",), kind="list", elements="str", doc="Groups above it.")

    def act(self, call: Call) -> Acted:
        """Export the membership."""
        group = self.key.replace(" ", "-")
        parents = tuple(each.replace(" ", "-") for each in self.parents)
        data = {"add_group": group, "parent_groups": list(parents)}
        result = ModuleResult(not call.is_member(call.host, group), data=data)
        return Acted(result, groups=(GroupBy(group, parents),))
