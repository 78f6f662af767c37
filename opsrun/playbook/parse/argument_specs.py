"""``argument_specs`` of a role's meta data, and the task that holds its arguments against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.dialect.origin import NOWHERE, Origin
from opsrun.dialect.tags import Template
from opsrun.dialect.warning import FileWarning
from opsrun.errors import did_you_mean
from opsrun.playbook.model.nodes import RawAction, Role, Task
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.inherit import merged
from opsrun.playbook.parse.spot import Spot

RULES = (
    *("mutually_exclusive", "required_together", "required_one_of", "required_if"),
    "required_by",
)
OPTION = frozenset(
    {
        *("type", "required", "default", "choices", "elements", "options", "aliases", "no_log"),
        *("description", "version_added", "apply_defaults", "fallback", "deprecated_aliases"),
        *("removed_in_version", "removed_at_date", "removed_from_collection", *RULES),
    }
)


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """What is said of the arguments of one file of tasks."""

    options: Mapping[str, Any] = field(default_factory=dict)
    description: Any = ""
    origin: Origin = NOWHERE


def entry_points(kit: Kit, meta: Spot | None) -> dict[str, EntryPoint]:
    """By name (``main``, or what ``tasks_from`` says). PlaybookError.

    Args:
        meta: the dictionary that ``argument_specs`` is in.
    """
    if meta is None or meta.data.get("argument_specs") is None:
        return {}
    specs = meta.inner("argument_specs", "set of argument specifications")
    specs.texts()
    found = {}
    for name in specs.data:
        if specs.data[name] is not None:
            found[name] = _entry_point(kit, specs.inner(name, "argument specification"), name)
    return found


def _entry_point(kit: Kit, spot: Spot, name: str) -> EntryPoint:
    for rule in RULES:
        if rule in spot:
            words = f"{rule!r} has no effect here, as in Ansible: it holds within `options` alone"
            kit.files.warnings.append(FileWarning(words, spot.place(rule)))
    if spot.data.get("options") is not None:
        _look(kit, spot.inner("options", "set of options"))
    return EntryPoint(
        spot.data.get("options") or {}, spot.data.get("short_description") or "", spot.origin
    )


def _look(kit: Kit, options: Spot) -> None:
    """Raises PlaybookError for what can't be a specification; warns of what is overlooked."""
    options.texts()
    for name, value in options.data.items():
        if isinstance(value, Template):
            continue
        if not isinstance(value, dict):
            words = f"the specification of {name!r} is a dictionary, found {shown(value)}"
            raise options.value_error(words, name)
        option = options.inner(name, "option's specification")
        option.texts()
        for key in sorted(set(option.data) - OPTION):
            hint = did_you_mean(key, OPTION)
            if hint:
                words = f"{key!r} says nothing of the argument {name!r}{hint}"
                kit.files.warnings.append(FileWarning(words, option.place(key)))
        if isinstance(option.data.get("options"), dict):
            _look(kit, option.inner("options", "set of options"))


def validation(
    kit: Kit, role: Role, entry: str, point: EntryPoint, above: Above, name: str
) -> Task:
    """The task that stands at the head of a role; tagged ``always``.

    Args:
        kit: knows where the role is.
        role: with the parameters that it is given.
        entry: the entry point's name.
        point: see `EntryPoint`.
        above: what is handed down to the role's tasks.
        name: the task's id.
    """
    title = f"Validating arguments against arg spec '{entry}'"
    said = f"{title} - {point.description}" if point.description else title
    path = kit.files.real(role.path)
    short = role.name.removeprefix(f"{role.collection}.")
    context = {"type": "role", "name": short, "argument_spec_name": entry, "path": path}
    args = {
        "argument_spec": point.options,
        "provided_arguments": dict(role.params.values),
        "validate_args_context": context,
    }
    action = "ansible.builtin.validate_argument_spec"
    return Task(
        id=name,
        action=RawAction(action, "validate_argument_spec", args, origin=point.origin),
        name=Template(said, point.origin) if isinstance(point.description, Template) else said,
        keywords=replace(above.keywords, tags=merged(above.keywords.tags, ("always",))),
        vars=above.vars,
        include_vars=above.include_vars,
        notify=above.notify,
        role=role,
        origin=point.origin,
    )
