"""Which value of a variable a host gets, by Ansible's order of precedence.

Lowest first: ``all`` in the sources; other groups in the sources (by depth, priority, name); the
``group_vars/all`` files; the ``group_vars`` files of other groups; the host in the sources; its
``host_vars`` files. Of files, those beside the sources come before those beside the playbook. The
first four are the same for all hosts of the same groups, and are put together once for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from opsrun.inventory.draft import PRIORITY
from opsrun.inventory.model import ALL, Explained, Group, Host, Value, Variables
from opsrun.inventory.vars_files import Folder, Layer, VarsFiles
from opsrun.vault.vault import NO_VAULT, Vault


class LayeredResolver:
    """Puts variables together, each combination of groups and each host once.

    Args:
        groups: every group by name.
        beside_sources: the variable files of the inventory.
        beside_playbook: those of a playbook.
        vault: opens values that are encrypted.
    """

    def __init__(
        self,
        groups: Mapping[str, Group],
        beside_sources: VarsFiles,
        beside_playbook: VarsFiles,
        vault: Vault = NO_VAULT,
    ) -> None:
        self._vault = vault
        self._groups = groups
        self._files = (beside_sources, beside_playbook)
        self._shared: dict[tuple[str, ...], Mapping[str, Value]] = {}
        self._cache: dict[Host, Variables] = {}

    def variables(self, host: Host) -> Variables:
        """The effective variables of ``host``, put together on the first call."""
        found = self._cache.get(host)
        if found is None:
            shared = self._shared.get(host.groups)
            if shared is None:
                shared = self._shared[host.groups] = _merge(self._group_layers(host.groups))
            own = _merge(self._host_layers(host))
            found = self._cache[host] = Variables(own, shared, self._vault)
        return found

    def explain(self, host: Host, name: str) -> list[Explained]:
        """Every assignment of ``name`` that reaches ``host``, the winner first."""
        layers = [*self._group_layers(host.groups), *self._host_layers(host)]
        return [
            Explained(layer.values[name].origin, layer.values[name].data, layer.where)
            for layer in reversed(layers)
            if name in layer.values
        ]

    def group_variables(self, name: str) -> Variables:
        """What is said about the group itself, in sources and files, its parents left out."""
        priority = self._groups[name].priority_value
        own = Layer(f"group {name}", {PRIORITY: priority} if priority else {})
        files = self._of_files("group_vars", name)
        return Variables({}, _merge([own, *self._of_group(name), *files]), self._vault)

    def _of_group(self, name: str) -> list[Layer]:
        return [Layer(f"group {name}", values) for values in self._groups[name].own]

    def _of_files(self, folder: Folder, name: str) -> list[Layer]:
        return [layer for files in self._files for layer in files.layers(folder, name)]

    def _group_layers(self, names: tuple[str, ...]) -> list[Layer]:
        layers = self._of_group(ALL)
        for name in names:
            layers += self._of_group(name)
        layers += self._of_files("group_vars", ALL)
        for files in self._files:
            for name in names:
                layers += files.layers("group_vars", name)
        return layers

    def _host_layers(self, host: Host) -> list[Layer]:
        own = [Layer(f"host {host.name}", values) for values in host.own]
        return [*own, *self._of_files("host_vars", host.name)]


_NOTHING: Mapping[str, Value] = MappingProxyType({})


def _merge(layers: Iterable[Layer]) -> Mapping[str, Value]:
    filled = [layer.values for layer in layers if layer.values]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        return _NOTHING
    merged: dict[str, Value] = {}
    for values in filled:
        merged.update(values)
    return merged
