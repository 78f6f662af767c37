"""Permissions that are not what they look like."""

from __future__ import annotations

import re

from opsrun.lint.problem import Edit
from opsrun.lint.project import Project
from opsrun.lint.view import FileView

_DIGITS = re.compile(r"[1-7][0-7]{2,3}(?=\s|$|[,}\]])")
_MODES = frozenset({"mode", "directory_mode"})
_MAKES = frozenset({"copy", "template"})


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    if view.found.kind not in ("playbook", "tasks", "handlers"):
        return
    for leaf in view.leaves:
        if leaf.key in _MODES and isinstance(leaf.value, int) and not isinstance(leaf.value, bool):
            found = _DIGITS.match(view.at(leaf.origin))
            if found is not None and found[0] == str(leaf.value) and leaf.origin.line:
                new = f'"0{found[0].lstrip("0")}"'
                edit = Edit(leaf.origin.line, leaf.origin.column or 1, found[0], new)
                words = f"{found[0]} is a decimal number here, that is {leaf.value:#o}: write {new}"
                view.tell("mode-decimal", leaf.origin, words, found[0], (edit,))
    for _, task, _ in view.tasks:
        args = task.action.args
        makes = task.action.name in _MAKES or (
            task.action.name == "file" and args.get("state") in ("directory", "touch")
        )
        if makes and "mode" not in args and task.action.args_template is None:
            words = f"{task.action.name} without `mode`: the host's umask decides"
            view.tell("mode-missing", task.action.origin, words, task.action.written)
