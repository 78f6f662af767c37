"""What files name: roles, and files that they include."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.lint.discovery import Kind
from opsrun.lint.view import FileView
from opsrun.playbook.parse.above import Above
from opsrun.playbook.parse.includes import candidates, target
from opsrun.playbook.parse.names import TASK_IMPORTS, TASK_INCLUDES
from opsrun.playbook.runner.search import Search

if TYPE_CHECKING:
    from opsrun.lint.project import Project


def constant(value: Any) -> str | None:
    """A text that is no template, and not empty."""
    is_text = isinstance(value, str) and not isinstance(value, Template)
    return str(value).strip() if is_text and value.strip() else None


def included(view: FileView, project: Project) -> Iterator[tuple[str, Kind]]:
    """Files that a file includes by name, and what they are."""
    for _, task, above in view.tasks:
        if task.action.name in TASK_IMPORTS | TASK_INCLUDES:
            name = constant(target(task.action))
            kind: Kind = "handlers" if above.handler else "tasks"
            for path in candidates(above, name, dynamic=True) if name else ():
                yield path, kind
        elif task.action.name == "include_vars":
            name = constant(task.action.free_form or task.action.args.get("file"))
            for path in Search(task, view.path, project.cwd).searched(name, "vars") if name else ():
                yield path, "vars"
    for spot, play, _ in view.plays:
        for name, _ in constants(spot, spot.data.get("vars_files")):
            yield os.path.join(os.path.dirname(play.path), name), "vars"


def role_names(view: FileView) -> Iterator[tuple[str, Origin, Above]]:
    """The roles that a file names, as far as they are no templates."""
    for _, use, above in view.uses:
        name = constant(use.name)
        if name:
            yield name, use.origin, above
    for _, task, above in view.tasks:
        if task.action.name in ("include_role", "import_role"):
            name = constant(target(task.action))
            if name:
                yield name, task.action.places.get("name", task.action.origin), above


def constants(spot: Any, value: Any) -> Iterator[tuple[str, Origin]]:
    """Those of ``vars_files``, with their places."""
    items = value if isinstance(value, list) else [value]
    for number, each in enumerate(items):
        name = constant(each)
        if name:
            place = (value, number) if isinstance(value, list) else (spot.data, "vars_files")
            yield name, spot.document.value_origin(*place)
