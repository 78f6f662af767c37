"""``vars_files``: what a play names, and what of it is known before any host is."""

from __future__ import annotations

import os
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import OpsrunError
from opsrun.playbook.parse.above import Kit, PlayScope
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.files import joined
from opsrun.playbook.parse.spot import Spot


def vars_files(spot: Spot) -> tuple[Any, ...]:
    """The entries: each a path, or a list of which the first that exists counts. PlaybookError."""
    value = spot.data.get("vars_files")
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    for number, each in enumerate(entries):
        choices = each if isinstance(each, list) else [each]
        if not choices or not all(isinstance(choice, str) for choice in choices):
            message = f"vars_files: expected paths, or lists of paths, found {shown(each)}"
            if isinstance(value, list):
                origin = spot.document.value_origin(value, number)
                raise spot.document.error_at(message, origin)
            raise spot.value_error(message, "vars_files")
    return tuple(tuple(each) if isinstance(each, list) else each for each in entries)


def static_vars(kit: Kit, scope: PlayScope, entries: tuple[Any, ...]) -> dict[str, Any]:
    """The variables of those files that can be named and read already. What can't is no error
    here: it is read again for each host, and told then."""
    found: dict[str, Any] = {}
    for each in entries:
        choices = each if isinstance(each, tuple) else (each,)
        for choice in choices:
            values = _read(kit, scope, choice, {**scope.vars.values, **found})
            if values is not None:
                found |= values
                break
    return found


def _read(kit: Kit, scope: PlayScope, choice: Any, known: dict[str, Any]) -> dict[str, Any] | None:
    try:
        name = choice
        if isinstance(choice, Template):
            name = kit.render(choice, known) if kit.render else None
        if not isinstance(name, str):
            return None
        tried = [joined(scope.folder, name), joined(scope.folder, os.path.join("vars", name))]
        path = kit.files.first(tried)
        data = kit.files.document(path).data if path else None
    except OpsrunError:
        return None
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else None
