"""``import_tasks`` and ``import_role``: what they name takes their place."""

from __future__ import annotations

import os
from dataclasses import replace

from opsrun.errors import InputError
from opsrun.playbook.model.nodes import Node, Task
from opsrun.playbook.parse import roles
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.includes import check_arguments, rendered, target, task_file, truth
from opsrun.playbook.parse.names import ROLE_FROM, ROLE_IMPORTS
from opsrun.playbook.parse.spot import Spot

MAX_CHAIN = 60
"""Imports within imports."""


def expand(kit: Kit, spot: Spot, task: Task, above: Above) -> tuple[Node, ...]:
    """The nodes that stand for an import. PlaybookError."""
    if task.loop is not None:
        key = next(key for key in spot.data if key == "loop" or key.startswith("with_"))
        instead = task.action.name.replace("import", "include")
        spot.tell(spot.error(f"{task.action.name} can't be in a loop; use {instead}", key))
    check_arguments(spot, task.action)
    if not kit.watch.follow:
        return (task,)
    inner = _inner(task, above)
    if task.action.name in ROLE_IMPORTS:
        return _role(kit, spot, task, above, inner)
    name = rendered(kit, target(task.action), inner.static(), spot, task.action.origin)
    try:
        path = task_file(kit, above, name, task.action.origin)
    except InputError as error:
        raise spot.document.error_at(error.message, task.action.origin) from error
    inner = follow(kit, spot, path, inner, task)
    document = kit.files.document(path)
    here = replace(inner, folder=os.path.dirname(path))
    start = document.root
    return kit.read_nodes(kit, document, document.data, here, task.id, start)


def _inner(task: Task, above: Above) -> Above:
    return replace(above, keywords=task.keywords, notify=task.notify, vars=task.vars)


def follow(kit: Kit, spot: Spot, path: str, inner: Above, task: Task) -> Above:
    """``inner`` with ``path`` as one more link. PlaybookError if it is one already."""
    real = kit.files.real(path)
    if real in inner.chain or len(inner.chain) >= MAX_CHAIN:
        circle = (
            " -> ".join((*inner.chain[inner.chain.index(real) :], real))
            if (real in inner.chain)
            else f"more than {MAX_CHAIN} imports within each other"
        )
        raise spot.document.error_at(f"imports go in a circle: {circle}", task.action.origin)
    return replace(inner, chain=(*inner.chain, real))


def _role(kit: Kit, spot: Spot, task: Task, above: Above, inner: Above) -> tuple[Node, ...]:
    static = inner.static()
    origin = task.action.origin
    name = rendered(kit, target(task.action), static, spot, origin)

    def yes(key: str) -> bool:
        value = rendered(kit, task.action.args.get(key), static, spot, origin)
        return truth(task.action, key, value)

    froms = {
        key: rendered(kit, value, static, spot, origin)
        for key in ROLE_FROM
        if (value := task.action.args.get(key)) is not None
    }
    use = roles.Use(
        name=name,
        spot=spot,
        origin=origin,
        froms=froms,
        public=yes("public"),
        allow_duplicates=yes("allow_duplicates"),
        validate=yes("rolespec_validate"),
        given=tuple(layer.values for layer in task.vars[len(above.vars) :]),
    )
    found = roles.load(kit, use, inner, task.id)
    inner.play.imported_roles.append(found.role)
    if not inner.handler:
        inner.play.imported_handlers += found.handlers
        return found.blocks
    return found.handlers
