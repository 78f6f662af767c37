"""Notifications that nobody hears, and handlers that nobody notifies."""

from __future__ import annotations

from opsrun.dialect.tags import Template
from opsrun.errors import nearest
from opsrun.lint.project import Project
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.names import IMPORTS
from opsrun.playbook.parse.spot import Spot


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for spot, node, _ in view.seen:
        if "notify" in spot.data and hasattr(node, "keywords"):
            _notified(view, project, spot)
    for spot, task, _ in view.tasks:
        if task.handler:
            _used(view, project, spot, task)


def _notified(view: FileView, project: Project, spot: Spot) -> None:
    value = spot.data["notify"]
    items = value if isinstance(value, list) else [value]
    for number, name in enumerate(items):
        if not isinstance(name, str) or isinstance(name, Template):
            continue
        if project.index.handles(name) or project.missing_roles:
            continue
        place = (value, number) if isinstance(value, list) else (spot.data, "notify")
        guess = nearest(name, project.index.handlers)
        hint = f"; did you mean {guess!r}?" if guess else ""
        words = f"no handler has the name {name!r}, or listens to it{hint}"
        origin = view.word_at(spot.document.value_origin(*place), name)
        view.tell("undefined-handler", origin, words, name)


def _used(view: FileView, project: Project, spot: Spot, task: Task) -> None:
    names = [name for name in (task.name, *task.listen) if name]
    if not names or any(isinstance(name, Template) for name in names):
        return
    if any(project.index.notifies(str(name)) for name in names) or task.action.name == "meta":
        return
    if task.action.name in IMPORTS:
        # What is imported takes its place, with names of its own.
        return
    words = f"nobody notifies the handler {task.name or names[0]!r}"
    key = "name" if task.name else "listen"
    origin = spot.document.value_origin(spot.data, key)
    view.tell("unused-handler", view.word_at(origin, str(names[0])), words, str(names[0]))
