"""A task's module, with its arguments rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opsrun.dialect.tags import holds_template, trusted
from opsrun.modules.base import Module, ModuleError
from opsrun.modules.options import resolve
from opsrun.modules.registry import short_name
from opsrun.playbook.actions.base import rendered
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.model.nodes import RawAction, Task
from opsrun.playbook.runner.kit import Kit


def with_module(task: Task, templar: Templar) -> Task:
    """The task with the name of its module rendered, where that is a template."""
    action = task.action
    if not holds_template(action.written):
        return task
    written = str(templar.render(trusted(action.written, action.origin), action.origin))
    return replace(task, action=replace(action, written=written, name=short_name(written)))


def action_of(kit: Kit, task: Task) -> RawAction:
    """The task's, with what ``module_defaults`` says."""
    action, name = task.action, short_name(task.action.name)
    # What a play says of its facts stands in the task itself.
    defaults = dict(kit.settings.gather) if task.implicit else {}
    for layer in task.keywords.module_defaults:
        for said, values in layer.items():
            if short_name(str(said)) == name and isinstance(values, Mapping):
                defaults |= values
    return replace(action, args={**defaults, **action.args}) if defaults else action


def resolved(kit: Kit, task: Task, templar: Templar) -> Module:
    """The module with its parameters.

    Raises:
        ModuleError: nobody knows it. TemplateError, OptionError: its arguments can't be used.
    """
    kind = kit.modules.find(task.action.written, task.keywords.collections)
    if kind is None:
        raise ModuleError(kit.modules.unknown(task.action.written))
    args, free_form = rendered(action_of(kit, task), templar)
    return resolve(kind, args, free_form, task.action.origin, task.action.places)
