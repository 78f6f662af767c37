"""What all tasks of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from opsrun.events import Event
from opsrun.playbook.actions.base import Pausing, ReadVars
from opsrun.playbook.book import TaskBook
from opsrun.playbook.interfaces import Bridge, Reach, Templar
from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.plugins.modules import Modules
from opsrun.playbook.prefetch.answers import Prefetch
from opsrun.playbook.prefetch.changes import Changes
from opsrun.playbook.state import RunState
from opsrun.playbook.variables.layers import Layers
from opsrun.playbook.variables.settings import RunSettings
from opsrun.vault.vault import NO_VAULT, Vault


class Variables(Protocol):
    """`opsrun.playbook.variables.scopes.Scopes`, as runners use it."""

    def layers(self, host: str, task: Task, order: RunTask) -> Layers:
        """The raw variables of a host at a task."""

    def templar_over(self, layers: Mapping[str, Any], task: Task | None) -> Templar:
        """A Templar over them."""

    def of_delegate(self, host: str, inventory_hostname: str) -> Mapping[str, Any]:
        """What ``ansible_delegated_vars`` shows of a host."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What all tasks of a run share."""

    settings: RunSettings
    book: TaskBook
    variables: Variables
    state: RunState
    reach: Reach
    emit: Callable[[Event], None]
    now: Callable[[], float]
    """Monotonic seconds."""
    pausing: Pausing
    read_vars: ReadVars
    is_member: Callable[[str, str], bool]
    """Whether a host (by name) is known, and in a group."""
    playbook: Callable[[Task], str]
    """The file of the play that a task is of."""
    intent: Callable[[str, str], None]
    """Called with host and task before anything goes out that may change the host."""
    modules: Modules = field(default_factory=Modules)
    """By name."""
    vault: Vault = NO_VAULT
    """Opens what is encrypted."""
    delegated: Callable[[str], None] = lambda host: None
    """Called with a host before a task that is delegated to it reaches it; OpsrunError if that is
    not to be."""
    checked: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What jobs would come to that check mode did not start, by their ids."""
    changes: Changes = field(default_factory=lambda: Changes(nullcontext()))
    """What may have changed anything, on whichever host."""
    prefetch: Prefetch | None = None
    """What hosts were asked ahead of their tasks; None: nothing is."""
    bridge: Bridge | None = None
    """Does what is written for Ansible's own Python; None: such a task fails."""
