"""Blocks, and what a loop on one makes of them.

A block with a loop is read twice: once where it stands, to be looked at (listings, tags, lint), and
once for each item while the run goes on, when `of_item` makes the item's own tasks. In between
stands one task of opsrun's, which finds the items on each host at its turn. Where the block has
conditions, a second one decides about each item before its first task.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError
from opsrun.playbook.messages import Include
from opsrun.playbook.model.keywords import Loop
from opsrun.playbook.model.nodes import LOOPED, Block, Node, RawAction, Task, VarsLayer
from opsrun.playbook.parse.above import Above, Body, Kit
from opsrun.playbook.parse.checks import Unfit, shown, text
from opsrun.playbook.parse.inherit import handed_down, listed_any, own_keywords
from opsrun.playbook.parse.loops import loop
from opsrun.playbook.parse.names import BLOCK
from opsrun.playbook.parse.spot import Spot, spot_at

_PARTS = ("block", "rescue", "always")


def read_block(kit: Kit, spot: Spot, above: Above, name: str) -> Block:
    """A block where it stands. PlaybookError."""
    spot.known(BLOCK, also="with_")
    found = spot.attempt(lambda: _loop(spot, above), None)
    if found is None:
        return _whole(kit, spot, _below(spot, above), name)
    # Roles that the tasks use here are not those that they will use for an item.
    before = replace(above, play=replace(above.play, roles=set(above.play.roles)))
    inner = _below(spot, replace(above, loops=(*above.loops, str(found.control.loop_var))))
    task = _finder(spot, above, inner, name, found)
    kit.above[task.id] = inner
    kit.bodies[task.id] = Body(spot, before, found)
    return replace(_whole(kit, spot, inner, name), loop=task)


def of_item(kit: Kit, task: Task, include: Include) -> Block:
    """What one item of a block's loop is to do. PlaybookError.

    Args:
        task: the one that found the item, or decided about it.
        include: what it said.
    """
    body = kit.bodies.get(task.id)
    if body is None:
        raise PlaybookError(f"there is no module {LOOPED!r}", path=task.origin.path)
    index = include.args.get("index")
    if index is None:
        above = _below(body.spot, body.above, decided=True)
        return _whole(kit, body.spot, above, _numbered(above, task.id.removesuffix("/when"), "/"))
    name = _numbered(body.above, f"{task.id.removesuffix('/loop')}+{index + 1}", ".")
    given = VarsLayer(dict(include.vars), task.origin)
    above = replace(
        body.above,
        play=replace(body.above.play, roles=set(body.above.play.roles)),
        include_vars=(*body.above.include_vars, given),
        loops=(*body.above.loops, str(include.vars.get("ansible_loop_var", ""))),
        chain=(),
        depth=body.above.depth + 1,
    )
    if not _conditions(body.spot):
        return _whole(kit, body.spot, _below(body.spot, above), name)
    return _guarded(kit, body, task, above, name, include.args.get("label"))


def _guarded(kit: Kit, body: Body, task: Task, above: Above, name: str, label: str | None) -> Block:
    inner = _below(body.spot, above)
    plain = label is not None and not isinstance(task.name, Template)
    guard = replace(
        task,
        id=f"{name}/when",
        name=f"{task.name or 'block'} (item={label})" if plain else task.name,
        keywords=replace(task.keywords, when=inner.keywords.when),
        include_vars=above.include_vars,
        action=replace(task.action, args={}),
        loop=None,
    )
    kit.above[guard.id] = inner
    kit.bodies[guard.id] = Body(body.spot, above, body.loop)
    return Block(id=f"{name}/if", tasks=(guard,), keywords=above.keywords, role=above.role)


def _numbered(above: Above, name: str, mark: str) -> str:
    """Hosts that differ in an item, or get to it each at its own time, have tasks of their own."""
    number = above.play.number(name + mark)
    return name if number == 1 else f"{name}{mark}{number}"


def _finder(spot: Spot, above: Above, inner: Above, name: str, found: Loop) -> Task:
    """The task that finds the items. The block's own conditions are none of it, but they excuse a
    list that can't be worked out."""
    own = own_keywords(spot)
    conditions = own.pop("when", ())
    return Task(
        id=f"{name}/loop",
        action=RawAction("block", LOOPED, args={"when": conditions}, origin=spot.origin),
        name=block_name(spot),
        keywords=handed_down(above.keywords, own),
        vars=inner.vars,
        include_vars=above.include_vars,
        loop=found,
        role=above.role,
        origin=spot.origin,
        written=frozenset(key for key in spot.data if isinstance(key, str)),
        places=spot.places(),
        implicit=True,
    )


def _conditions(spot: Spot) -> tuple[Any, ...]:
    return tuple(own_keywords(spot).get("when", ()))


def _loop(spot: Spot, above: Above) -> Loop | None:
    found = loop(spot)
    if found is None:
        if spot.data.get("loop_control") is not None and "loop" not in spot:
            raise spot.error("loop_control: this block has no loop", "loop_control")
        return None
    key = "loop" if found.lookup is None else f"with_{found.lookup}"
    if above.handler:
        raise spot.error("a block of handlers can't be looped over: loop over its tasks", key)
    control = found.control
    for name, unfit in (("pause", control.pause), ("break_when", control.break_when)):
        if unfit:
            inner = spot.inner("loop_control", "loop_control")
            raise inner.error(f"{name}: the loop of a block has none", name)
    if control.loop_var in above.loops:
        words = f"the loop variable {control.loop_var!r} is that of a block around this one"
        raise spot.error(f"{words}: give this one another loop_var in its loop_control", key)
    return found


def _whole(kit: Kit, spot: Spot, inner: Above, name: str) -> Block:
    parts = {key: _part(kit, spot, inner, key, f"{name}/{key}") for key in _PARTS}
    return Block(
        id=name,
        tasks=parts["block"],
        rescue=parts["rescue"],
        always=parts["always"],
        name=block_name(spot),
        keywords=inner.keywords,
        role=inner.role,
        rescue_unreachable=_rescues_unreachable(spot),
        origin=spot.origin,
    )


def _rescues_unreachable(spot: Spot) -> bool:
    found = spot.get("rescue_unreachable", "bool")
    if isinstance(found, Template):
        words = "expected true or false, and no template: it holds for all hosts alike"
        error = spot.value_error(f"rescue_unreachable: {words}", "rescue_unreachable")
        spot.tell(error, "keyword-value")
        return False
    if found and not spot.data.get("rescue"):
        words = "there is no 'rescue' that hosts could go into"
        spot.tell(spot.error(f"rescue_unreachable: {words}", "rescue_unreachable"), "keyword-value")
    return bool(found)


def _part(kit: Kit, spot: Spot, inner: Above, key: str, prefix: str) -> tuple[Node, ...]:
    if key not in spot:
        return ()
    value = spot.data[key]
    if not isinstance(value, list):
        message = f"{key}: expected a list of tasks, found {shown(value)}"
        spot.tell(spot.value_error(message, key), "keyword-value")
        return ()
    if inner.handler:
        _no_blocks(spot, value)
    origin = spot.document.value_origin(spot.data, key)
    return kit.read_nodes(kit, spot.document, value, inner, prefix, origin)


def _no_blocks(spot: Spot, items: list[Any]) -> None:
    """Tells of blocks in a block of handlers: that one is no more than a list of them."""
    for number, item in enumerate(items):
        if isinstance(item, dict) and "block" in item:
            found = spot_at(spot.document, items, number, "block")
            words = "Using a block as a handler is not supported."
            spot.tell(found.error(words, "block"), "keyword-value")


def _below(spot: Spot, above: Above, *, decided: bool = False) -> Above:
    """What a block hands on; ``decided`` where its own conditions have been looked at."""
    layer = spot.attempt(spot.vars, None)
    own = own_keywords(spot)
    if decided:
        own.pop("when", None)
    return replace(
        above,
        keywords=handed_down(above.keywords, own),
        notify=above.notify + spot.convert("notify", notified),
        vars=above.vars if layer is None else (*above.vars, layer),
    )


def notified(value: Any) -> tuple[Any, ...]:
    """Names of handlers. Raises Unfit."""
    if value is None:
        return ()
    found = tuple(each for each in listed_any(value) if each is not None)
    for each in found:
        if isinstance(each, (dict, list)):
            raise Unfit(f"expected the names of handlers, found {shown(each)}")
    return tuple(each if isinstance(each, Template) else text(each) for each in found)


def block_name(spot: Spot) -> str:
    """What stands as ``name``; empty where nothing does."""
    name = spot.get("name", "text")
    return "" if name is None else name


__all__ = ["block_name", "notified", "of_item", "read_block"]
