"""What the parser has refused and can be written anew mechanically."""

from __future__ import annotations

import re

from opsrun.lint.problem import Edit
from opsrun.lint.project import Project
from opsrun.lint.view import FileView, Raw
from opsrun.playbook.parse.spot import Spot

_RENAMED = {"sudo": "become", "sudo_user": "become_user"}
_INCLUDE = re.compile(r"(ansible\.builtin\.)?include(?=\s*:)")


def check(view: FileView, project: Project) -> None:
    """Adds edits to what the parser has told."""
    view.raw[:] = [_with_edit(view, each) for each in view.raw]


def _with_edit(view: FileView, raw: Raw) -> Raw:
    if raw.rule == "removed-keyword":
        return _keyword(view, raw)
    return _include(view, raw) if raw.rule == "removed-include" else raw


def _keyword(view: FileView, raw: Raw) -> Raw:
    rest = view.rest(raw.line, raw.column)
    old = rest.split(":", 1)[0].rstrip()
    new = _RENAMED.get(old)
    spot = _spot(view, raw, old)
    if new is None or (spot is not None and new in spot):
        return raw
    return raw._replace(edits=(Edit(raw.line, raw.column, old, new),))


def _include(view: FileView, raw: Raw) -> Raw:
    found = _INCLUDE.match(view.rest(raw.line, raw.column))
    if found is None:
        return raw
    start = raw.column + len(found[1] or "")
    if "of playbooks" in raw.message:
        rest = view.rest(raw.line, start + len("include"))
        if "=" in rest:
            return raw
        return raw._replace(edits=(Edit(raw.line, start, "include", "import_playbook"),))
    spot = _spot(view, raw, found[0])
    value = spot.data.get(found[0]) if spot is not None else None
    if spot is None or not isinstance(value, str) or "=" in value:
        return raw
    looped = any(key == "loop" or str(key).startswith("with_") for key in spot.data)
    new = "include_tasks" if looped or "{{" in value else "import_tasks"
    return raw._replace(edits=(Edit(raw.line, start, "include", new),))


def _spot(view: FileView, raw: Raw, key: str) -> Spot | None:
    for spot, _, _ in view.seen:
        if key in spot and (place := spot.place(key)) and place.line == raw.line:
            return spot
    return None
