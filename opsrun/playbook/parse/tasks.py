"""Lists of tasks, blocks and handlers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.warning import FileWarning
from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError
from opsrun.playbook.model.nodes import Node, Task
from opsrun.playbook.parse import imports
from opsrun.playbook.parse.above import Above, Kit, OwnTask
from opsrun.playbook.parse.action import NO_STATEMENT, statement
from opsrun.playbook.parse.blocks import block_name, notified, read_block
from opsrun.playbook.parse.checks import is_name, shown
from opsrun.playbook.parse.gates import awaited, opened
from opsrun.playbook.parse.includes import check_include
from opsrun.playbook.parse.inherit import conditions, handed_down, own_keywords
from opsrun.playbook.parse.loops import loop
from opsrun.playbook.parse.names import HANDLER, IMPORTS, INCLUDES, TASK
from opsrun.playbook.parse.spot import Spot, spot_at


def read_nodes(
    kit: Kit, document: Document, items: Any, above: Above, prefix: str, origin: Origin
) -> tuple[Node, ...]:
    """The nodes of a list, see `opsrun.playbook.parse.above.ReadNodes`. PlaybookError."""
    if items is None:
        return ()
    if not isinstance(items, list):
        what = "handlers" if above.handler else "tasks"
        raise document.error_at(f"expected a list of {what}, found {shown(items)}", origin)
    found: list[Node] = []
    for number, item in enumerate(items):
        if item is None:
            continue
        try:
            spot = spot_at(document, items, number, "handler" if above.handler else "task")
            found += _nodes(kit, spot, above, f"{prefix}/{number}")
        except InputError as error:
            document.recover(error)
    return tuple(found)


def _nodes(kit: Kit, spot: Spot, above: Above, name: str) -> tuple[Node, ...]:
    if "block" in spot:
        block = read_block(kit, replace(spot, what="block"), above, name)
        kit.watch.node(spot, block, above)
        return (block,)
    task = _task(_own(kit, spot, above.handler), above, name)
    if task.loop is not None and task.loop.control.loop_var in above.loops:
        variable = repr(str(task.loop.control.loop_var))
        words = f"this loop hides the item of a block around it: both call theirs {variable}"
        kit.files.warnings.append(FileWarning(words, spot.origin))
    kit.watch.node(spot, task, above)
    if above.handler and task.action.name in ("include_role", "import_role"):
        words = f"Using {task.action.name!r} as a handler is not supported."
        raise spot.error(f"{words} Expected a task, or include_tasks.", task.action.written)
    if task.action.name == "meta":
        _look_at_meta(spot, task, above)
    if task.action.name in IMPORTS:
        return imports.expand(kit, spot, task, above)
    if task.action.name in INCLUDES:
        check_include(spot, task)
        kit.above[task.id] = above
    return (task,)


def _look_at_meta(spot: Spot, task: Task, above: Above) -> None:
    """Raises PlaybookError for the end of a role where there is none to be ended."""
    if str(task.action.free_form or "").strip() != "end_role":
        return
    if above.handler:
        raise spot.error("meta: a handler can't end a role: 'end_role' is for a role's tasks")
    if above.role is None:
        raise spot.error("meta: 'end_role' is for tasks of a role, and this one is of none")


def _register(spot: Spot) -> str | None:
    name = spot.data.get("register")
    if name is None:
        return None
    if not is_name(name):
        words = "letters, digits and underscores, not beginning with a digit"
        message = f"register: {shown(name)} can't name a variable: {words}"
        spot.tell(spot.value_error(message, "register"), "variable-name")
        return None
    return str(name)


def _own(kit: Kit, spot: Spot, handler: bool) -> OwnTask:
    """What a task says by itself; worked out once, however often its file is used."""
    key = id(spot.data), handler
    found = kit.own.get(key)
    if found is None:
        found = kit.own[key] = _read_own(spot, handler)
    return found


def _read_own(spot: Spot, handler: bool) -> OwnTask:
    spot.texts()
    done = spot.attempt(lambda: statement(spot, handler), NO_STATEMENT)
    keywords = own_keywords(spot)
    if done.local:
        keywords["delegate_to"] = "localhost"
    task = Task(
        id="",
        action=done.action,
        name=block_name(spot),
        loop=spot.attempt(lambda: loop(spot), None),
        register=_register(spot),
        until=spot.convert("until", conditions),
        retries=spot.get("retries", "int"),
        delay=spot.get("delay", "number"),
        changed_when=spot.convert("changed_when", conditions),
        failed_when=spot.convert("failed_when", conditions),
        notify=spot.convert("notify", notified),
        listen=spot.convert("listen", notified),
        async_seconds=spot.get("async", "int"),
        poll=spot.get("poll", "number"),
        opens=spot.convert("opens", opened),
        awaits=awaited(spot, "awaits"),
        origin=spot.origin,
        written=frozenset(spot.data) & (HANDLER if handler else TASK),
        places=spot.places(),
        handler=handler,
    )
    return OwnTask(task, keywords, spot.attempt(spot.vars, None))


def _task(own: OwnTask, above: Above, name: str) -> Task:
    return replace(
        own.task,
        id=name,
        keywords=handed_down(above.keywords, own.keywords),
        vars=above.vars if own.layer is None else (*above.vars, own.layer),
        include_vars=above.include_vars,
        notify=above.notify + own.task.notify,
        role=above.role,
    )
