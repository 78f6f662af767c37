"""What works, and would better be written otherwise."""

from __future__ import annotations

import re

from opsrun.lint import known
from opsrun.lint.problem import Edit
from opsrun.lint.project import Project
from opsrun.lint.view import FileView, Leaf
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.names import FREE_FORM
from opsrun.playbook.parse.spot import Spot

_TRUTHY = re.compile(r"(yes|no|on|off)(?=\s|$|[,}\]])", re.I)
_TRUE = frozenset({"yes", "on"})


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for leaf in view.leaves:
        if isinstance(leaf.value, bool):
            _truthy(view, leaf)
    for spot, task, _ in view.tasks:
        _ignored(view, spot)
        _names(view, spot, task)
        _forms(view, spot, task)


def _truthy(view: FileView, leaf: Leaf) -> None:
    found = _TRUTHY.match(view.at(leaf.origin))
    if found is None or leaf.origin.line is None:
        return
    new = "true" if found[0].lower() in _TRUE else "false"
    edit = Edit(leaf.origin.line, leaf.origin.column or 1, found[0], new)
    view.tell("truthy", leaf.origin, f"{found[0]} is {new}: write that", found[0], (edit,))


def _ignored(view: FileView, spot: Spot) -> None:
    if spot.data.get("ignore_errors") is True:
        words = "hides every failure: say with `failed_when` what counts, or rescue it"
        view.tell("ignore-errors", spot.place("ignore_errors"), words, "ignore_errors")


def _names(view: FileView, spot: Spot, task: Task) -> None:
    written = task.action.written
    where = known.collection_of(written)
    if not written or "." in written or where is None or written not in spot.data:
        return
    origin, full = task.action.origin, f"{where}.{written}"
    if origin.line is not None:
        edit = Edit(origin.line, origin.column or 1, written, full)
        view.tell("full-names", origin, f"its whole name is {full}", written, (edit,))


def _forms(view: FileView, spot: Spot, task: Task) -> None:
    if "local_action" in spot:
        words = "write the module itself, and `delegate_to: localhost`"
        view.tell("local-action", spot.place("local_action"), words, "local_action")
    if task.loop is not None and task.loop.lookup is not None:
        key = f"with_{task.loop.lookup}"
        view.tell("with-items", task.places.get(key), f"`loop` does the same as {key}", key)
    action = task.action
    if action.form == "k=v" or (action.form == "free-form" and action.args):
        if action.name in FREE_FORM and action.form == "free-form":
            return
        words = "a dictionary of arguments needs no quoting, and can be read line by line"
        view.tell("key-value", action.origin, words, action.written)
