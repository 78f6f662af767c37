"""Modules that nobody knows, and options that modules don't take."""

from __future__ import annotations

import difflib
import os
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Vaulted, holds_template
from opsrun.lint import known
from opsrun.lint.project import Project
from opsrun.lint.view import FileView
from opsrun.modules.base import Module
from opsrun.modules.options import problems, spec
from opsrun.modules.own.header import HeaderError
from opsrun.modules.own.kinds import kind_of
from opsrun.modules.own.shell import shell_class
from opsrun.modules.registry import find, short_name
from opsrun.modules.resolving import OptionError
from opsrun.playbook.actions.registry import find_action
from opsrun.playbook.model.nodes import RawAction, Task
from opsrun.playbook.parse.names import GONE, HANDLER, IMPORTS, INCLUDES, bare
from opsrun.playbook.parse.spot import Spot

_OURS = "ansible.builtin."
_OLD = frozenset({"include", "rescue", "always", "block", "listen"})
_ANYTHING = frozenset({"set_fact", "add_host", *IMPORTS, *INCLUDES})
"""Those whose arguments have any names, or were looked at by the parser."""


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for spot, task, _ in view.tasks:
        name = task.action.name
        if not name:
            _unreadable(view, project, spot)
            continue
        if holds_template(task.action.written):
            continue
        if last_part(name) in project.module_files and not task.action.written.startswith(_OURS):
            _of_project(view, project, task)
        elif known.is_own(name):
            _options(view, task)
        elif find(name) is None:
            _unknown(view, project, task.action.written, task.action.origin)


def last_part(name: str) -> str:
    """A name without what stands for Ansible's oldest place of modules; others stay as they are."""
    return name.removeprefix("ansible.legacy.")


def _of_project(view: FileView, project: Project, task: Task) -> None:
    """A module that lies in the project. Python is not executed to look at it."""
    name, action = last_part(task.action.name), task.action
    path = project.module_files[name]
    try:
        with open(path, "rb") as file:
            content = file.read()
        kind = kind_of(os.path.basename(path), content)
        if kind == "shell":
            _options_of(view, task, shell_class(name, os.path.relpath(path, project.cwd), content))
        elif kind in ("foreign", "windows"):
            needs = "Ansible's own Python" if kind == "foreign" else "Windows"
            words = f"{action.written!r} is a module of this project's own, and needs {needs}"
            view.tell("module-not-built", action.origin, words, action.written)
    except (OSError, HeaderError) as error:
        # The line itself follows, in an error; here it would be one of another file.
        first = str(error).partition("\n")[0]
        view.tell("module-header", action.origin, first, action.written)


def _unreadable(view: FileView, project: Project, spot: Spot) -> None:
    """A task whose action the parser refused: perhaps because nobody knows the module."""
    keys = [key for key in spot.data if isinstance(key, str) and key not in HANDLER | {*GONE}]
    keys = [key for key in keys if not key.startswith("with_")]
    own = [key for key in ("action", "local_action") if key in spot]
    key = (own or keys or [""])[0]
    value = spot.data.get(key)
    words = value.split() if own and isinstance(value, str) else [key]
    if len(own or keys) != 1 or not words or bare(words[0]) in _OLD:
        return
    name, line = words[0], spot.place(key).line
    if known.is_own(bare(name)) or find(bare(name)) is not None or holds_template(name):
        return
    view.raw[:] = [r for r in view.raw if r.line != line or r.rule != "playbook-syntax"]
    origin = spot.document.value_origin(spot.data, key) if own else spot.place(key)
    _unknown(view, project, name, origin)


def _unknown(view: FileView, project: Project, written: str, origin: Origin) -> None:
    name = short_name(bare(written))
    last = name.rpartition(".")[2]
    if last in project.modules:
        words = f"{written!r} is a module of this project's own, where no playbook looks for it"
        view.tell("module-not-built", origin, words, written)
        return
    where = _where(name)
    if where:
        words = f"opsrun has no module {written!r} yet (it is one of {where})"
        view.tell("module-not-built", origin, words, written)
        return
    if "." in name:
        guesses = difflib.get_close_matches(name, known.full_modules(), n=1, cutoff=0.93)
        hint = f"; did you mean {guesses[0]!r}?" if guesses else ""
        words = f"{written!r} isn't known here{hint}; of its collection opsrun has nothing yet"
        view.tell("module-not-built", origin, words, written)
        return
    guess = _guess(name, project)
    hint = f"; did you mean {guess!r}?" if guess else "; is it one of a collection's? Name it whole"
    view.tell("unknown-module", origin, f"nobody knows a module {written!r}{hint}", written)


def _where(name: str) -> str:
    if "." in name:
        collection, _, last = name.rpartition(".")
        same = last in known.modules() or name in known.full_modules()
        return collection if same and name.count(".") == 2 else ""
    return known.modules().get(name, "")


def _guess(name: str, project: Project) -> str | None:
    names = known.own_modules() | project.modules
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    found += difflib.get_close_matches(name, known.modules(), n=1, cutoff=0.75)
    return found[0] if found else None


def _options(view: FileView, task: Task) -> None:
    action = task.action
    if action.name in _ANYTHING:
        return
    module_class = find_action(action.name) or find(action.name)
    if module_class is not None:
        _options_of(view, task, module_class)


def _options_of(view: FileView, task: Task, module_class: type[Module]) -> None:
    action = task.action
    free_form = action.free_form
    if isinstance(free_form, Template) and not _takes_text(module_class):
        return
    args = {name: _readable(value) for name, value in action.args.items()}
    complete = action.args_template is None and not task.keywords.module_defaults
    complete = (complete and view.found.kind == "playbook") or complete
    found = problems(module_class, args, free_form, action.origin, action.places, complete=complete)
    for error in found:
        _tell(view, module_class, action, error)


def _takes_text(module_class: type[Module]) -> bool:
    return spec(module_class).free_form is not None


def _readable(value: Any) -> Any:
    """Encrypted values are like templates: what they are is not known."""
    if isinstance(value, Vaulted):
        return Template("{{ vaulted }}")
    if isinstance(value, dict):
        return {key: _readable(each) for key, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list) else value


def _tell(
    view: FileView, module_class: type[Module], action: RawAction, error: OptionError
) -> None:
    rule = "option-value"
    if not error.option:
        rule = "missing-option"
    elif spec(module_class).find(error.option) is None:
        rule = "unknown-option"
    origin = error.origin or action.origin
    text = error.option if error.option else action.written
    if origin.line is not None and not view.at(origin).startswith(text):
        view.tell_word(rule, origin, text, error.message)
        return
    view.tell(rule, origin, error.message, text)
