"""What is worth saying of playbooks before they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import holds_template
from opsrun.errors import InputError, OpsrunError, PlaybookError
from opsrun.inventory import Host
from opsrun.modules.own.foreign import AnsiblePython
from opsrun.modules.registry import find
from opsrun.playbook.actions.registry import find_action
from opsrun.playbook.model.nodes import Node, Play, Task, VarsLayer
from opsrun.playbook.plugins.modules import Modules
from opsrun.playbook.templating.library import PluginError
from opsrun.playbook.variables.magic import MAGIC

if TYPE_CHECKING:
    from opsrun.composition.bridging.program import AnsibleCore


def unknown_modules(plays: Sequence[Play], modules: Modules) -> list[PlaybookError]:
    """One error for each name that no module and no action has, at its first use; or whose file
    can't be used."""
    found: dict[str, PlaybookError] = {}
    for play in plays:
        nodes = (*play.blocks, *play.handlers)
        for task in (task for node in nodes for task in _tasks(node)):
            name = task.action.name
            if name in found:
                continue
            words = _why_not(task, modules)
            if words:
                origin = task.action.origin
                found[name] = PlaybookError(words, path=origin.path, line=origin.line)
    return list(found.values())


def _why_not(task: Task, modules: Modules) -> str:
    written, collections = task.action.written, task.keywords.collections
    try:
        return "" if modules.is_known(written, collections) else modules.unknown(written)
    except (InputError, PluginError) as error:
        return str(error)


def look_for_core(core: AnsibleCore, plays: Sequence[Play], modules: Modules) -> None:
    """Find out whether ansible-core can be called, if any task needs it, and what it knows of the
    names that nobody here does.

    Args:
        core: the program.
        plays: their tasks.
        modules: those of opsrun and of the playbooks' files alone.

    Raises:
        UsageError: it is needed, and can't be used.
    """
    asked: dict[str, None] = {}
    for task in (t for play in plays for n in (*play.blocks, *play.handlers) for t in _tasks(n)):
        written, collections = task.action.written, task.keywords.collections
        try:
            kind = modules.find(written, collections)
            known = modules.is_known(written, collections)
        except (InputError, PluginError):
            # Told with the unknown ones.
            continue
        if kind is not None and issubclass(kind, AnsiblePython):
            core.path()
        if not known:
            full = () if "." in written else [f"{each}.{written}" for each in collections]
            asked |= dict.fromkeys((*full, written))
    core.ask(asked)


def connection_kinds(plays: Sequence[Play], hosts: Iterable[Host]) -> set[str]:
    """Names of the kinds of connection that are to be seen beforehand, in plays and inventory."""
    found: set[str] = set()
    for play in plays:
        found.add(str(play.keywords.connection))
        for task in (task for node in (*play.blocks, *play.handlers) for task in _tasks(node)):
            found.add(str(task.keywords.connection))
            if task.keywords.delegate_to is not None or "localhost" in str(play.hosts):
                found.add("local")
    for host in hosts:
        try:
            if "ansible_connection" in host.variables:
                found.add(str(host.variables.value("ansible_connection").data))
        except OpsrunError:
            # Told by the play that comes to this host, if one does.
            continue
    return {kind for kind in found if kind != "None" and kind.replace(".", "").isidentifier()}


def without_debugger(plays: Sequence[Play]) -> str:
    """What to say of the first task that asks for a debugger; empty where none does."""
    for play in plays:
        for task in (task for node in (*play.blocks, *play.handlers) for task in _tasks(node)):
            if task.keywords.debugger not in (None, "", "never"):
                place = task.places.get("debugger", task.origin)
                return f"{place}: there is no debugger for tasks: 'debugger' has no effect"
    return ""


def never_left(plays: Sequence[Play]) -> list[str]:
    """What to say of tasks with ``async`` that can't be what is asked for, where that is plain."""
    found = []
    for play in plays:
        for task in (task for node in (*play.blocks, *play.handlers) for task in _tasks(node)):
            words = _why_not_left(task)
            if words:
                found.append(f"{task.places.get('async', task.origin)}: {words}")
    return found


def _why_not_left(task: Task) -> str:
    if task.async_seconds in (None, 0, "0", ""):
        return ""
    name = task.action.name
    if find_action(name) is not None:
        return (
            f"async can't be had with {name}, which is done on the controller: the task will fail"
        )
    kind = None if holds_template(name) else find(name)
    if kind is not None and kind.stays and task.poll in (0, "0"):
        return (
            f"{name} can't be left to the host, as async with poll: 0 asks for: the task will fail"
        )
    return ""


def groups_of_modules(plays: Sequence[Play]) -> list[str]:
    """What to say of ``module_defaults`` that name groups of modules: there are none here."""
    found: dict[str, Origin] = {}
    for play in plays:
        for task in (task for node in (*play.blocks, *play.handlers) for task in _tasks(node)):
            for layer in task.keywords.module_defaults:
                for name in layer:
                    if str(name).startswith("group/"):
                        place = task.places.get("module_defaults", play.origin)
                        found.setdefault(str(name), place)
    words = "has no effect: groups of modules are not known here"
    return [f"{origin}: module_defaults: {name} {words}" for name, origin in found.items()]


def shadowed(plays: Sequence[Play]) -> list[str]:
    """What to say of variables that are set and never seen: magic ones win over them."""
    found: dict[str, Origin] = {}
    for play in plays:
        _note(found, play.vars)
        for task in (task for node in (*play.blocks, *play.handlers) for task in _tasks(node)):
            for layer in task.vars:
                _note(found, layer)
            if task.register in MAGIC:
                found.setdefault(task.register, task.places.get("register", task.origin))
            if task.action.name == "set_fact":
                for name in MAGIC & task.action.args.keys():
                    found.setdefault(name, task.action.places.get(name, task.action.origin))
    words = "is set here and never seen: the name is one of opsrun's own variables"
    return [f"{origin}: {name!r} {words}" for name, origin in found.items()]


def _note(found: dict[str, Origin], layer: VarsLayer) -> None:
    for name in MAGIC & layer.values.keys():
        found.setdefault(name, layer.places.get(name, layer.origin))


def _tasks(node: Node) -> Iterator[Task]:
    if isinstance(node, Task):
        yield node
    else:
        yield from node.every_task()
