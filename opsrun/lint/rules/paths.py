"""Roles and files that are named and are not there."""

from __future__ import annotations

import difflib
import os
import re
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.errors import nearest
from opsrun.lint.discovery import is_aside
from opsrun.lint.project import Project
from opsrun.lint.references import constant, constants, role_names
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.above import Above
from opsrun.playbook.parse.includes import candidates, target
from opsrun.playbook.parse.names import TASK_IMPORTS, TASK_INCLUDES, bare
from opsrun.playbook.runner.search import Search

_SOURCES = {"copy": "files", "template": "templates", "script": "files"}


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for name, origin, _ in role_names(view):
        _role(view, project, name, origin)
    for _, task, above in view.tasks:
        if task.action.name in TASK_IMPORTS | TASK_INCLUDES:
            _task_file(view, project, task, above)
        elif task.action.name == "include_vars":
            named = task.action.free_form or task.action.args.get("file")
            _searched(view, project, task, named, "vars", "missing-file")
        elif task.action.name in _SOURCES:
            _source(view, project, task)
    for spot, play, _ in view.plays:
        for name, origin in constants(spot, spot.data.get("vars_files")):
            _vars_file(view, name, origin, play.path)
    for spot, node, _ in view.seen:
        if node is None:
            _playbook(view, spot)


def _role(view: FileView, project: Project, name: str, origin: Origin) -> None:
    last = name.rstrip("/").rpartition("/")[2]
    if project.has_role(name) or not project.is_project or {name, last} & project.required:
        return
    if is_aside(view.path, project.root):
        return
    if os.path.isabs(name) or ("." in name and "/" not in name):
        # One of a collection, or of Galaxy's: it may be installed anywhere.
        return
    guess = nearest(name, project.roles)
    hint = f"; did you mean {guess!r}?" if guess else ""
    words = f"no role {name!r} in this project, nor in its roles_path{hint}"
    view.tell_word("missing-role", origin, name, words)


def _task_file(view: FileView, project: Project, task: Task, above: Above) -> None:
    name = constant(target(task.action))
    if name is None:
        return
    tried = list(candidates(above, name, dynamic=task.action.name in TASK_INCLUDES))
    tried += [os.path.join(folder, name) for folder in project.playbook_folders]
    if any(os.path.exists(os.path.join(project.cwd, path)) for path in tried):
        return
    beside = _names(os.path.join(project.cwd, above.folder))
    _missing(view, "missing-file", f"no task file {name!r}", name, task.action.origin, beside)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _missing(
    view: FileView, rule: str, words: str, name: str, origin: Origin, beside: list[str]
) -> None:
    guess = difflib.get_close_matches(name, beside, n=1, cutoff=0.75)
    hint = f"; did you mean {guess[0]!r}?" if guess else ""
    view.tell_word(rule, origin, name, f"{words}{hint}")


def _searched(
    view: FileView, project: Project, task: Task, value: Any, folder: str, rule: str
) -> None:
    name = constant(value)
    if name is None or os.path.isabs(os.path.expanduser(name)):
        return
    searches = [Search(task, view.path, project.cwd)]
    searches += [Search(None, os.path.join(each, "x"), "") for each in project.playbook_folders]
    if any(search.find(name, folder) is not None for search in searches):
        return
    # Where the wrong name may be near to a right one.
    beside = [each for base in searches[0].bases for each in _names(os.path.join(base, folder))]
    what = "template" if folder == "templates" else "file"
    words = f"no {what} {name!r} in {folder}, beside the task or the playbook"
    place = task.action.places.get("src", task.action.origin)
    _missing(view, rule, words, name, place, beside)


def _source(view: FileView, project: Project, task: Task) -> None:
    action = task.action
    if action.name == "script":
        text = action.free_form or action.args.get("cmd")
        value: Any = text.split()[0] if isinstance(text, str) and text.split() else None
        if value is None or "{{" in value or "{{" in str(text).split("}}")[0]:
            return
    else:
        value = action.args.get("src")
        if action.name == "copy" and action.args.get("remote_src") not in (None, False, "no"):
            return
    _searched(view, project, task, value, _SOURCES[action.name], "missing-source")


def _vars_file(view: FileView, name: str, origin: Origin, playbook: str) -> None:
    folder = os.path.dirname(os.path.abspath(playbook))
    tried = (os.path.join(folder, name), os.path.join(folder, "vars", name))
    if not any(os.path.exists(os.path.expanduser(path)) for path in tried):
        beside = [*_names(folder), *_names(os.path.join(folder, "vars"))]
        words = f"no variable file {name!r} beside the playbook"
        _missing(view, "missing-file", words, name, origin, beside)


_COLLECTION = re.compile(r"[a-z_]\w*\.[a-z_]\w*\.\w+(\.\w+)*\Z")


def _playbook(view: FileView, spot: Any) -> None:
    key = next(key for key in spot.data if bare(str(key)) == "import_playbook")
    name = constant(spot.data[key])
    name = name.split()[0] if name else None
    folder = os.path.dirname(os.path.abspath(view.path))
    if name is None or _COLLECTION.match(name) or os.path.exists(os.path.join(folder, name)):
        return
    origin = spot.document.value_origin(spot.data, key)
    _missing(view, "missing-file", f"no playbook {name!r}", name, origin, _names(folder))
