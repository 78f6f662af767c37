"""What roles contribute: to themselves, to those that depend on them, and to the play."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opsrun.playbook.model.nodes import Role

Layer = Mapping[str, Any]


def exported_vars(roles: Iterable[Role]) -> list[Layer]:
    """``vars/`` of the play's public roles, which all its tasks see; strongest (last) first.

    What an entry of ``roles`` says itself is for that entry's tasks alone.
    """
    found = [layer for role in roles if role.public for layer in _files_vars(role)]
    return [layer for layer in reversed(found) if layer]


def exported_defaults(roles: Iterable[Role]) -> list[Layer]:
    """``defaults`` of the play's public roles; strongest (last) first."""
    found = [layer for role in roles if role.public for layer in _defaults(role)]
    return [layer for layer in reversed(found) if layer]


def dependencies(roles: Iterable[Role]) -> Iterator[Role]:
    """All that ``roles`` depend on, however far below; a role perhaps several times."""
    for role in roles:
        yield from dependencies(role.dependencies)
        yield from role.dependencies


def own_vars(role: Role) -> list[Layer]:
    """What a task of ``role`` sees of vars: its own, its dependencies', its parents'."""
    weakest_first: list[Layer] = []
    for parent in role.parents:
        weakest_first += [parent.vars.values, parent.entry_vars.values]
    weakest_first += _vars(role)
    return [layer for layer in reversed(weakest_first) if layer]


def own_defaults(role: Role) -> list[Layer]:
    """What a task of ``role`` sees of defaults: its own, its parents', its dependencies'."""
    weakest_first = [layer for each in role.dependencies for layer in _defaults(each)]
    weakest_first += [parent.defaults.values for parent in role.parents]
    weakest_first.append(role.defaults.values)
    return [layer for layer in reversed(weakest_first) if layer]


def files_of(role: Role) -> list[Layer]:
    """Vars and defaults that a task of ``role`` sees, of files alone; in no order."""
    found = [layer for each in (*role.parents, role) for layer in (each.vars, each.defaults)]
    below = [
        layer for each in role.dependencies for layer in (*_files_vars(each), *_defaults(each))
    ]
    return [*(each.values for each in found), *below]


def own_params(role: Role) -> list[Layer]:
    """Inline parameters: the role's own before those of its parents."""
    weakest_first = [parent.params.values for parent in role.parents]
    weakest_first.append(role.params.values)
    return [layer for layer in reversed(weakest_first) if layer]


def _vars(role: Role) -> list[Layer]:
    """Of a role by itself, weakest first; what a dependency's entry says is for that one alone."""
    below = [layer for each in role.dependencies for layer in _files_vars(each)]
    return [*below, role.vars.values, role.entry_vars.values]


def _files_vars(role: Role) -> list[Layer]:
    """Of a role's files, without what its entry says; weakest first."""
    below = [layer for each in role.dependencies for layer in _files_vars(each)]
    return [*below, role.vars.values]


def _defaults(role: Role) -> list[Layer]:
    below = [layer for each in role.dependencies for layer in _defaults(each)]
    return [*below, role.defaults.values]


class RoleLayers:
    """The layers of roles, put together once for each."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[Role, list[Layer]]] = {}

    def vars(self, role: Role) -> list[Layer]:
        """See `own_vars`."""
        return self._kept(role, "vars")

    def defaults(self, role: Role) -> list[Layer]:
        """See `own_defaults`."""
        return self._kept(role, "defaults")

    def params(self, role: Role) -> list[Layer]:
        """See `own_params`."""
        return self._kept(role, "params")

    def _kept(self, role: Role, what: str) -> list[Layer]:
        key = id(role), what
        if key not in self._known:
            make = {"vars": own_vars, "defaults": own_defaults, "params": own_params}[what]
            self._known[key] = role, make(role)
        return self._known[key][1]
