"""Loops within loops that use one variable."""

from __future__ import annotations

from opsrun.lint.project import Project
from opsrun.lint.view import FileView
from opsrun.playbook.parse.includes import target
from opsrun.playbook.parse.names import INCLUDES


def check(view: FileView, project: Project) -> None:
    """An include in a loop whose file has loops of its own with the same variable."""
    import os

    for _, task, above in view.tasks:
        if task.loop is None or task.action.name not in INCLUDES - {"include_role"}:
            continue
        name = target(task.action)
        if not isinstance(name, str) or "{{" in name:
            continue
        path = os.path.realpath(os.path.join(project.cwd, above.folder, name))
        inner = project.views.get(path)
        mine = str(task.loop.control.loop_var)
        for _, each, _ in inner.tasks if inner is not None else ():
            if each.loop is not None and str(each.loop.control.loop_var) == mine:
                words = (
                    f"the loops in {name} use {mine!r}, too, and hide this one's; set "
                    "loop_control: {loop_var: …}"
                )
                key = next((k for k in task.places if k == "loop" or k.startswith("with_")), "")
                view.tell("loop-variable", task.places.get(key, task.origin), words, key)
                break
