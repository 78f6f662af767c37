"""What is worth saying of playbooks before they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opsrun.dialect.origin import Origin
from opsrun.errors import OpsrunError, PlaybookError
from opsrun.inventory import Host
from opsrun.playbook.model.nodes import Node, Play, Task, VarsLayer
from opsrun.playbook.runner.attempts import is_known, unknown_module
from opsrun.playbook.variables.magic import MAGIC


def unknown_modules(plays: Sequence[Play]) -> list[PlaybookError]:
    """One error for each name that no module and no action has, at its first use."""
    found: dict[str, PlaybookError] = {}
    for play in plays:
        nodes = (*play.blocks, *play.handlers)
        for task in (task for node in nodes for task in _tasks(node)):
            name = task.action.name
            if name in found or is_known(name):
                continue
            origin = task.action.origin
            found[name] = PlaybookError(
                unknown_module(task.action.written), path=origin.path, line=origin.line
            )
    return list(found.values())


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
