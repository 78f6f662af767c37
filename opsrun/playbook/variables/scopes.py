"""The variables that a task sees on a host.

Strongest first: magic; ``-e``; include params; role params; ``set_fact`` and ``register``;
``include_vars``; of the task and its blocks; of its role; of the play's roles; ``vars_files``;
``vars_prompt``; of the play; facts; of the inventory; defaults of its role; defaults of the play's
roles. That is the table of Ansible's documentation ("Understanding variable precedence"), whose
first row, options of the command line, is no variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsrun.errors import UndefinedVariable
from opsrun.inventory import Host
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Task, play_of
from opsrun.playbook.runner.search import Search
from opsrun.playbook.state import HostState, RunState
from opsrun.playbook.variables import magic
from opsrun.playbook.variables.hostvars import HostVars, HostView
from opsrun.playbook.variables.layers import Computed, InventoryLayer, Layers, Trusted
from opsrun.playbook.variables.live import LiveInventory
from opsrun.playbook.variables.playscope import FindVars, HostFile, PlayScope
from opsrun.playbook.variables.roles import RoleLayers, files_of
from opsrun.playbook.variables.settings import RunSettings

MakeTemplar = Callable[[Mapping[str, Any], Task | None], Templar]
"""A Templar over raw variables; the task says where lookups and includes search for files."""

Layer = Mapping[str, Any]


class Scopes:
    """See `opsrun.playbook.interfaces.Scopes`.

    Args:
        settings: of the run.
        inventory: as it is now.
        state: what is known of hosts.
        make_templar: see `MakeTemplar`.
        find_vars: see `FindVars`.
        task_of: a task by its id.
    """

    def __init__(
        self,
        settings: RunSettings,
        inventory: LiveInventory,
        state: RunState,
        make_templar: MakeTemplar,
        find_vars: FindVars,
        task_of: Callable[[str], Task],
    ) -> None:
        self._task_of = task_of
        self._cwd = settings.cwd
        self._inventory = inventory
        self._state = state
        self._extra: Layer = settings.extra_vars
        self._make_templar = make_templar
        self._find_vars = find_vars
        self._trusted = Trusted()
        self._roles = RoleLayers()
        self._inventory_layers: dict[str, tuple[Host, InventoryLayer]] = {}
        self._same = magic.of_run(settings, inventory.groups)
        self._plays: dict[int, PlayScope] = {}

    def begin(self, play: PlayScope) -> None:
        """A play begins; others may be under way."""
        self._plays[play.play.index] = play

    def templar(self, host: str, task: Task, order: RunTask) -> Templar:
        """What ``task`` sees on ``host``."""
        return self._make_templar(self.layers(host, task, order), task)

    def templar_over(self, layers: Layer, task: Task | None) -> Templar:
        """A Templar over raw variables."""
        return self._make_templar(layers, task)

    def of_host(self, host: str) -> HostView:
        """What ``hostvars`` shows of a host: nothing of any play."""
        known, state = self._inventory.host(host), self._state.host(host)
        makers = self._magic(known, state)
        layers = Layers([Computed(makers), self._extra, *self._known(known, state)])
        return HostView(layers, self._make_templar(layers, None))

    def of_delegate(self, host: str, inventory_hostname: str) -> HostView:
        """What ``ansible_delegated_vars`` shows of a host: as `of_host`, but for whom a task is
        done, and how it is reached if nobody says so."""
        known, state = self._inventory.host(host), self._state.host(host)
        own = {"inventory_hostname": inventory_hostname}
        makers = self._magic(known, state)
        layers = [own, Computed(makers), self._extra, *self._known(known, state)]
        whole = Layers(layers).before({"ansible_host": host})
        return HostView(whole, self._make_templar(whole, None))

    def before_play(self, play: PlayScope) -> Templar:
        """What a play's own keywords (``hosts``, ``serial``, ``vars_files`` …) see: no host."""
        known = Computed({**self._same, "hostvars": self._hostvars})
        layers = [known, self._extra, *play.roles_vars, *play.files_and_vars()]
        return self._make_templar(Layers(layers), None)

    def layers(self, host: str, task: Task, order: RunTask) -> Layers:
        """All layers, strongest first."""
        play = self._plays[play_of(task.id)]
        known, state = self._inventory.host(host), self._state.host(host)
        makers = {
            **self._magic(known, state),
            **magic.of_play(play, order),
            **magic.of_task(task, list(task.keywords.environment)),
            "ansible_search_path": lambda: list(Search(task, play.play.path, self._cwd).bases),
            **self._failed(host, order),
        }
        below = self._below(play, task, known, state)
        if play.has_host_files:
            below = self._with_files(play, task, known, state, makers)
        return Layers([Computed(makers), self._extra, *below], lambda: self._files(play, task))

    def _files(self, play: PlayScope, task: Task) -> list[Layer]:
        """Those that hold nothing but what files, or the command line, say."""
        found = [self._extra, *(layer.values for layer in task.vars), *play.written]
        if task.role is not None:
            found += files_of(task.role)
        return found

    def _below(self, play: PlayScope, task: Task, host: Host, state: HostState) -> list[Layer]:
        above, below = self._around_play(play, task, host, state)
        return [*above, *play.roles_vars, *play.files_and_vars(), *below]

    def _around_play(
        self, play: PlayScope, task: Task, host: Host, state: HostState
    ) -> tuple[list[Layer], list[Layer]]:
        role = task.role
        above: list[Layer] = [layer.values for layer in reversed(task.include_vars)]
        if role is not None:
            above += self._roles.params(role)
        above += [state.variables, state.included]
        above += [layer.values for layer in reversed(task.vars)]
        if role is not None:
            above += self._roles.vars(role)
        below: list[Layer] = [state.facts, self._of_inventory(host)]
        if role is not None:
            below += self._roles.defaults(role)
        below += play.defaults
        return above, below

    def _with_files(
        self, play: PlayScope, task: Task, host: Host, state: HostState, makers: magic.Makers
    ) -> list[Layer]:
        above, below = self._around_play(play, task, host, state)
        layers = [Computed(makers), self._extra, *self._below(play, task, host, state)]
        templar = self._make_templar(Layers(layers), task)
        mine = play.files_and_vars(lambda entry: self._file(entry, templar, play))
        return [*above, *play.roles_vars, *mine, *below]

    def _file(self, entry: HostFile, templar: Templar, play: PlayScope) -> Layer | None:
        try:
            rendered = templar.render(entry.paths)
        except UndefinedVariable:
            # As in Ansible: facts may not have been gathered yet.
            return None
        paths: Sequence[Any] = rendered if isinstance(rendered, list) else [rendered]
        return self._find_vars(paths, play.play.path)

    def _known(self, host: Host, state: HostState) -> list[Layer]:
        return [state.variables, state.included, state.facts, self._of_inventory(host)]

    def _of_inventory(self, host: Host) -> InventoryLayer:
        kept = self._inventory_layers.get(host.name)
        # Another Host of this name is another state of the inventory.
        if kept is None or kept[0] is not host:
            layer = InventoryLayer(host, self._trusted)
            kept = self._inventory_layers[host.name] = host, layer
        return kept[1]

    def _magic(self, host: Host, state: HostState) -> dict[str, Callable[[], Any]]:
        mine = magic.of_host(host, lambda: self._inventory.now, state.facts)
        return {**self._same, **mine, "hostvars": self._hostvars}

    def _hostvars(self) -> HostVars:
        return HostVars(lambda: self._inventory.now.hosts, self.of_host)

    def _failed(self, host: str, order: RunTask) -> dict[str, Callable[[], Any]]:
        if order.rescuing is None:
            return {}
        task, result = self._task_of(order.rescuing[0]), self._state.host(host).failure
        return {
            "ansible_failed_result": lambda: result,
            "ansible_failed_task": lambda: magic.described(task),
        }
