"""A playbook of one task, for a module that is called by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.composition.playbooks.prepared import Prepared
from opsrun.dialect.yaml_data import parse
from opsrun.errors import InputError, UsageError, did_you_mean
from opsrun.modules.options import OptionError, problems, spec
from opsrun.modules.registry import known_names, short_name
from opsrun.playbook.actions.registry import find_action, known_actions
from opsrun.playbook.model.nodes import RawAction
from opsrun.playbook.plugins.modules import Modules

PATH = "<exec -m>"
"""Stands for the playbook's file in messages."""

_MAPPING = re.compile(r"\s*(\{(?![{%#])|---\s*\n|[A-Za-z_][A-Za-z0-9_]*:(\s|\Z))")
_LATER = ("add_host", "group_by", "set_fact", "set_stats")
_ONLY_IN_PLAYS = ("include_role", "include_tasks", "meta", "validate_argument_spec")


@dataclass(frozen=True, slots=True)
class OneTask:
    """A module, its arguments, and where it is to run."""

    module: str
    arguments: str = ""
    """``k=v`` words, a mapping in YAML or JSON, or free-form text."""
    hosts: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    """Seconds that the task may take on a host."""

    def text(self, modules: Modules) -> str:
        """The playbook.

        Args:
            modules: that can be called.

        Raises:
            UsageError: no module of this name can be called so, or its arguments are no mapping.
        """
        task: dict[str, Any] = {"name": self.module, self.module: self._arguments(modules)}
        if self.environment:
            task["environment"] = dict(self.environment)
        if self.timeout is not None:
            task["timeout"] = max(1, round(self.timeout))
        play = {
            "name": f"exec -m {self.module}",
            "hosts": list(self.hosts),
            "gather_facts": False,
            "tasks": [task],
        }
        return json.dumps([play], default=str)

    def _arguments(self, modules: Modules) -> Any:
        name = short_name(self.module)
        module, action = modules.find(self.module), find_action(name)
        if name in _ONLY_IN_PLAYS:
            raise UsageError(f"-m {self.module}: this is for playbooks; alone it does nothing")
        if name in _LATER:
            words = "what it sets is for later tasks, and there are none"
            raise UsageError(f"-m {self.module}: {words}; write a playbook")
        if module is None and action is None:
            every = {*known_names(), *known_actions(), *modules.names()}
            known = sorted(every - {*_LATER, *_ONLY_IN_PLAYS})
            guess = did_you_mean(name, known)
            raise UsageError(f"-m: there is no module {self.module!r}{guess}")
        free = module is not None and spec(module).free_form is not None
        if not free and _MAPPING.match(self.arguments):
            return self._mapping()
        return self.arguments if self.arguments.strip() else None

    def _mapping(self) -> Any:
        try:
            found = parse(self.arguments, "-a", error=UsageErrorInFile).data
        except UsageErrorInFile as error:
            raise UsageError(str(error)) from error
        if not isinstance(found, Mapping):
            raise UsageError(f"-a: expected a mapping, found {type(found).__name__}")
        return {str(name): value for name, value in found.items()}


class UsageErrorInFile(InputError):
    """Arguments that are no YAML."""


def look_at(prepared: Prepared) -> None:
    """Everything that can be known to be wrong with the task's arguments, before the first login.

    Raises:
        UsageError: the first of it, with the nearest right name.
    """
    action = _only(prepared)
    module = prepared.modules.find(action.written)
    if module is None:
        return
    complete = action.args_template is None
    found = problems(module, action.args, action.free_form, complete=complete)
    for error in found:
        assert isinstance(error, OptionError)
        raise UsageError(f"-a: {error.message}")


def _only(prepared: Prepared) -> RawAction:
    [play] = prepared.plays
    # A play ends with tasks of its own that run handlers.
    tasks = (task for block in play.blocks for task in block.every_task())
    [task] = [each for each in tasks if each.action.name != "meta"]
    return task.action
