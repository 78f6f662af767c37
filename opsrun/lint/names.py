"""Everything that a project could define: variables, handlers; and what it asks for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.lint.texts import Text, texts
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.words import Unbalanced, split
from opsrun.playbook.variables.magic import MAGIC

ALWAYS = MAGIC | {
    *("item", "ansible_loop", "ansible_managed", "role_name", "role_path", "role_names"),
    *("environment", "omit", "inventory_hostname", "template_host", "template_path"),
    *("template_fullpath", "template_destpath", "template_mtime", "template_uid"),
    *("template_run_date", "ansible_facts", "playbook_dir", "True", "False", "None"),
    *("role_uuid", "inventory_dir", "inventory_file", "hostvars", "vars"),
    # Facts that modules give without a prefix; and what is undefined on purpose.
    *("services", "packages", "module_setup", "undefined"),
}
"""Names that are there without anybody's doing."""
_PREFIXES = ("ansible_", "facter_", "ohai_", "getent_", "molecule_")
_INI = re.compile(r"(?:^|[\s,;])([A-Za-z_]\w*)\s*=", re.M)
_MENTIONED = re.compile(r"^\s*#+\s*([A-Za-z_]\w*)\s*:(?:\s|$)", re.M)
"""In a comment of a variable file: what may be set."""
_KEY = re.compile(r"^[\s-]*([A-Za-z_]\w*)\s*:", re.M)
_QUOTED = re.compile(r"""["']([A-Za-z_]\w*)["']""")
_VALUE = re.compile(r"\{[{%].*?[}%]\}", re.S)


@dataclass
class Index:
    """What files define, and use, by name."""

    defined: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    """Of names that are made by templates: regular expressions."""
    optional: set[str] = field(default_factory=set)
    """Variables that somebody asks about, or has a default for: the user may set them."""
    handlers: set[str] = field(default_factory=set)
    handler_patterns: set[str] = field(default_factory=set)
    templates: set[str] = field(default_factory=set)
    """Names of template files that are named somewhere."""
    notified: set[str] = field(default_factory=set)
    notified_patterns: set[str] = field(default_factory=set)
    """Of notifications that are templates."""
    _near: dict[str, str | None] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether something could define the variable."""
        if name in self.defined or name in ALWAYS or name.startswith(_PREFIXES):
            return True
        if name in self.optional:
            return True
        return any(re.fullmatch(each, name) for each in self.patterns if each != ".*")

    def near(self, name: str) -> str | None:
        """The name of a variable that was probably meant; looked for once a name."""
        if name not in self._near:
            part = max(2, len(name) // 3)
            tried = [
                each
                for each in self.defined
                if abs(len(each) - len(name)) <= 2
                and (each[:part] == name[:part] or each[-part:] == name[-part:])
            ]
            found = difflib.get_close_matches(name, tried, n=1, cutoff=0.85)
            self._near[name] = found[0] if found else None
        return self._near[name]

    def handles(self, name: str) -> bool:
        """Whether there is a handler, or a topic, of that name."""
        return _named(name, self.handlers, self.handler_patterns)

    def notifies(self, name: str) -> bool:
        """Whether somebody notifies that name."""
        return _named(name, self.notified, self.notified_patterns)

    def add(self, view: FileView) -> None:
        """Take in what a file says."""
        for leaf in view.leaves:
            if isinstance(leaf.value, str) and leaf.value.strip("'\" }").endswith(".j2"):
                self.templates.add(os.path.basename(str(leaf.value).strip("'\" }")))
        kind = view.found.kind
        data = view.document.data if view.document is not None else None
        if kind == "other":
            # Who knows who reads it: `-e @file`, samples of inventories.
            self.optional.update(_KEY.findall(view.text))
            self.optional.update(_MENTIONED.findall(view.text))
        elif kind in ("vars", "inventory"):
            self._keys(data, deep=kind == "inventory")
            self.optional.update(_MENTIONED.findall(view.text))
            if view.document is None:
                self.defined.update(_INI.findall(view.text))
        elif kind == "meta":
            self._specs(data)
        self._nested(data)
        for _, play, _ in view.plays:
            self.defined.update(each.name for each in play.vars_prompt)
        for _, use, _ in view.uses:
            self.defined.update(map(str, use.params.values))
        for _, task, _ in view.tasks:
            self._task(task)
        for spot, node, _ in view.seen:
            if node is None:
                self._import_playbook(spot.data)
        for _, block, _ in view.blocks:
            self.handlers.add(str(block.name))
            if block.loop is not None:
                self._loop(block.loop)
        self._asked(texts(view))

    def script(self, text: str) -> None:
        """Take in a program that may give variables: modules, plugins, inventory scripts."""
        self.defined.update(_QUOTED.findall(text))

    def _keys(self, data: Any, *, deep: bool) -> None:
        if isinstance(data, dict):
            for key, value in data.items():
                self.defined.add(str(key))
                if deep:
                    self._keys(value, deep=True)
        elif deep and isinstance(data, list):
            for each in data:
                self._keys(each, deep=True)

    def _specs(self, data: Any) -> None:
        if isinstance(data, dict):
            for key, value in data.items():
                if key == "options":
                    self._keys(value, deep=False)
                self._specs(value)

    def _nested(self, data: Any) -> None:
        """What stands under ``vars`` anywhere."""
        waiting, seen = [data], set()
        while waiting:
            each = waiting.pop()
            if id(each) in seen or not isinstance(each, (dict, list)):
                continue
            seen.add(id(each))
            if isinstance(each, list):
                waiting += each
                continue
            for key, value in each.items():
                if key in ("vars", "environment", "template_vars"):
                    for layer in value if isinstance(value, list) else [value]:
                        self._keys(layer, deep=False)
                waiting.append(value)

    def _loop(self, task: Task) -> None:
        if task.loop is not None:
            control = task.loop.control
            self._variable(control.loop_var)
            self._variable(control.index_var)

    def _task(self, task: Task) -> None:
        if task.register:
            self.defined.add(task.register)
        self._loop(task)
        if task.action.name in ("set_fact", "add_host"):
            for name in task.action.args:
                self._variable(name)
        elif task.action.name == "include_vars":
            self._variable(task.action.args.get("name"))
        elif task.action.name in ("include_role", "import_role", "include_tasks", "import_tasks"):
            self.defined.update(map(str, task.action.args))
        if task.handler:
            for name in (task.name, *task.listen):
                self._either(name, self.handlers, self.handler_patterns)
        for name in task.notify:
            self._either(name, self.notified, self.notified_patterns)

    def _variable(self, name: Any) -> None:
        if name is not None:
            self._either(name, self.defined, self.patterns)

    def _either(self, name: Any, names: set[str], patterns: set[str]) -> None:
        if isinstance(name, Template):
            patterns.add(pattern(name))
        else:
            names.add(str(name))

    def _import_playbook(self, data: Any) -> None:
        for key, value in data.items():
            if str(key).endswith("import_playbook") and isinstance(value, str):
                try:
                    self.defined.update(pair.key for pair in split(value).pairs)
                except Unbalanced:
                    continue

    def _asked(self, found: Iterable[Text]) -> None:
        for each in found:
            self.optional |= each.inspection.optional
            self.defined |= each.sets


def _named(name: str, names: set[str], patterns: set[str]) -> bool:
    last = name.rpartition(" : ")[2]
    if name in names or last in names:
        return True
    return any(re.fullmatch(each, name) or re.fullmatch(each, last) for each in patterns)


def pattern(template: str) -> str:
    """A regular expression for what a template may come to."""
    pieces = _VALUE.split(template)
    return ".*".join(re.escape(piece) for piece in pieces)
