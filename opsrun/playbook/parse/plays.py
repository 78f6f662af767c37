"""Plays: everything that one does, in its order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import InputError
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Node, Play, Task, VarsLayer
from opsrun.playbook.parse import implicit, roles
from opsrun.playbook.parse.above import Above, Kit, PlayScope
from opsrun.playbook.parse.checks import Unfit, checked, shown
from opsrun.playbook.parse.gates import after, awaited, canary
from opsrun.playbook.parse.inherit import inherit
from opsrun.playbook.parse.names import ORDERS, PLAY, Kind, bare
from opsrun.playbook.parse.prompts import prompts
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.vars_files import static_vars, vars_files


@dataclass(frozen=True, slots=True)
class Imported:
    """What ``import_playbook`` adds to the plays that it leads to."""

    when: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    vars: VarsLayer | None = None
    collection: str | None = None


def read_play(kit: Kit, spot: Spot, index: int, path: str, imported: Imported) -> Play:
    """One play. PlaybookError."""
    _known(spot)
    scope = PlayScope(index, os.path.dirname(path), vars=_vars(spot, imported))
    entries = spot.attempt(lambda: vars_files(spot), ())
    scope.file_vars = static_vars(kit, scope, entries)
    kit.statics[index] = {**scope.vars.values, **scope.file_vars}
    keywords = _keywords(spot, imported)
    above = Above(scope, scope.folder, keywords, chain=(kit.files.real(path),))
    tasks_above = replace(above, keywords=replace(keywords, when=imported.when))
    loaded = _roles(kit, spot, tasks_above, index)
    handlers = _own_handlers(kit, spot, above, index)
    blocks = _blocks(kit, spot, tasks_above, keywords, loaded)
    imported_handlers, imported_roles = scope.taken()
    play = Play(
        index=index,
        hosts=spot.convert("hosts", hosts) if "hosts" in spot else "",
        name=spot.get("name", "text") or "",
        keywords=keywords,
        blocks=blocks,
        handlers=(*_role_handlers(loaded), *handlers, *imported_handlers),
        vars=scope.vars,
        vars_files=entries,
        vars_prompt=spot.attempt(lambda: prompts(spot), ()),
        roles=(*(each.role for each in loaded), *imported_roles),
        strategy=bare(spot.get("strategy", "text") or "linear"),
        serial=spot.convert("serial", serial),
        max_hosts=spot.get("max_hosts", "int"),
        order=spot.convert("order", order),
        max_fail_percentage=spot.get("max_fail_percentage", "percent"),
        force_handlers=spot.get("force_handlers", "bool"),
        gather_facts=spot.get("gather_facts", "bool"),
        gather_subset=spot.get("gather_subset", "list"),
        gather_timeout=spot.get("gather_timeout", "int"),
        fact_path=spot.get("fact_path", "text"),
        gates=spot.attempt(lambda: awaited(spot, "gates"), ()),
        after=spot.convert("after", after),
        canary=_canary(spot),
        health=spot.attempt(lambda: awaited(spot, "health", checks_only=True), ()),
        path=path,
        origin=spot.origin,
    )
    kit.watch.node(spot, play, above)
    return play


def _canary(spot: Spot) -> tuple[Any, ...]:
    found = spot.convert("canary", canary) or ()
    if found and spot.data.get("serial") is not None:
        words = "canary and serial both say how large the batches are: give one"
        spot.tell(spot.error(words, "canary"), "keyword-value")
    if spot.data.get("health") is not None and not found:
        words = "health is looked at between the batches of a canary: give 'canary', too"
        spot.tell(spot.error(words, "health"), "keyword-value")
    return found


def _known(spot: Spot) -> None:
    for key in spot.data:
        if key in ("include", "ansible.builtin.include"):
            error = spot.error("'include' of playbooks is gone; use 'import_playbook'", key)
            error.rule = "removed-include"
            raise error
    spot.known(PLAY)
    if "user" in spot and "remote_user" in spot:
        words = "'user' is the old name of 'remote_user', and both are set"
        spot.tell(spot.error(words, "user"))
    if "hosts" not in spot:
        spot.tell(spot.error("a play needs 'hosts'"), "keyword-value")


def _vars(spot: Spot, imported: Imported) -> VarsLayer:
    own = spot.attempt(spot.vars, None) or VarsLayer({}, spot.origin)
    if imported.vars is None:
        return own
    more = imported.vars
    return VarsLayer({**own.values, **more.values}, own.origin, {**own.places, **more.places})


def _keywords(spot: Spot, imported: Imported) -> Keywords:
    start = Keywords(tags=imported.tags)
    if imported.collection:
        start = replace(start, collections=(imported.collection,))
    found = inherit(start, spot)
    user = spot.get("user", "text")
    return found if user is None else replace(found, remote_user=user)


def hosts(value: Any) -> Any:
    """The value of ``hosts``: a pattern, or a list of them. Raises Unfit."""
    if isinstance(value, str) and value.strip():
        return value
    if value in (None, "", []) or isinstance(value, str):
        raise Unfit("expected a pattern of hosts, found nothing")
    if not isinstance(value, list):
        raise Unfit(f"expected a pattern of hosts, or a list of them, found {shown(value)}")
    for each in value:
        if not isinstance(each, str) or not each.strip():
            raise Unfit(f"expected a pattern of hosts in the list, found {shown(each)}")
    return value


def order(value: Any) -> Any:
    """In which order hosts come; may be a template. Raises Unfit."""
    if value is None or isinstance(value, Template) or value in ORDERS:
        return value or "inventory"
    raise Unfit(f"expected one of {', '.join(ORDERS)}, found {shown(value)}")


def serial(value: Any) -> Any:
    """A number, a percentage, a template, or a list of them. Raises Unfit."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_batch(each) for each in value]
    return _batch(value)


def _batch(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Template) and value.strip().endswith("%"):
        checked(value, "percent")
        return value.strip()
    try:
        return checked(value, "int")
    except Unfit as error:
        raise Unfit(f"expected a number of hosts or a percentage, found {shown(value)}") from error


def _section(kit: Kit, spot: Spot, key: str, above: Above, prefix: str) -> tuple[Node, ...]:
    value = spot.data.get(key)
    origin = spot.document.value_origin(spot.data, key)
    return spot.attempt(
        lambda: kit.read_nodes(kit, spot.document, value, above, prefix, origin), ()
    )


def _roles(kit: Kit, spot: Spot, above: Above, index: int) -> list[roles.Loaded]:
    items = spot.data.get("roles")
    if items is None:
        return []
    if not isinstance(items, list):
        message = f"roles: expected a list of roles, found {shown(items)}"
        spot.tell(spot.value_error(message, "roles"), "keyword-value")
        return []
    found: list[roles.Loaded] = []
    for number in range(len(items)):
        try:
            use = roles.entry(spot.document, items, number)
            kit.watch.node(use.spot or spot, use, above)
            if kit.watch.follow:
                found.append(roles.load(kit, use, above, f"{index}/roles/{number}"))
        except InputError as error:
            spot.document.recover(error)
    return found


def _own_handlers(kit: Kit, spot: Spot, above: Above, index: int) -> tuple[Node, ...]:
    inner = replace(above, handler=True)
    return _section(kit, spot, "handlers", inner, f"{index}/handlers")


def _role_handlers(loaded: list[roles.Loaded]) -> tuple[Node, ...]:
    return tuple(node for each in loaded for node in each.handlers)


def _blocks(
    kit: Kit, spot: Spot, above: Above, keywords: Keywords, loaded: list[roles.Loaded]
) -> tuple[Block, ...]:
    name = str(above.play.index)
    found = [*_waiting(spot, name), *_gathering(spot, keywords, name)]
    for key in ("pre_tasks", "tasks", "post_tasks"):
        if key == "tasks":
            found += [block for each in loaded for block in each.blocks]
        nodes = _section(kit, spot, key, above, f"{name}/{key}")
        found += _as_blocks(nodes, above)
        found.append(implicit.flushing(f"{name}/{key}/flush", keywords, spot.origin))
    return tuple(found)


def _waiting(spot: Spot, name: str) -> list[Block]:
    awaits = awaited(spot, "gates")
    return [implicit.waiting(f"{name}/gates", awaits, spot.origin)] if awaits else []


_GATHERING: Mapping[str, Kind] = {
    "gather_subset": "list",
    "gather_timeout": "int",
    "fact_path": "text",
}


def _gathering(spot: Spot, keywords: Keywords, name: str) -> list[Block]:
    gather = spot.get("gather_facts", "bool")
    if gather is False:
        return []
    options = {
        key: spot.get(key, kind)
        for key, kind in _GATHERING.items()
        if spot.data.get(key) is not None
    }
    return [implicit.gathering(f"{name}/gather", keywords, options, gather)]


def _as_blocks(nodes: tuple[Node, ...], above: Above) -> list[Block]:
    """Blocks as they are; tasks that follow each other in a block of their own."""
    found: list[Block] = []
    tasks: list[Task] = []

    def close() -> None:
        if tasks:
            made = Block(
                id=f"{tasks[0].id}/plain",
                tasks=tuple(tasks),
                keywords=above.keywords,
                origin=tasks[0].origin,
            )
            found.append(made)
            tasks.clear()

    for node in nodes:
        if isinstance(node, Task):
            tasks.append(node)
            continue
        close()
        found.append(node)
    close()
    return found
