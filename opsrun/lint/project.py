"""The project around the files that are looked at: what it defines, and where its parts are."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from opsrun.lint import discovery, reading
from opsrun.lint.discovery import Found
from opsrun.lint.names import Index
from opsrun.lint.references import included, role_names
from opsrun.lint.view import FileView
from opsrun.modules.own.loading import module_files

_PLUGINS = {
    "library": "module",
    "modules": "module",
    "action_plugins": "module",
    "action": "module",
    "filter_plugins": "filter",
    "filter": "filter",
    "test_plugins": "test",
    "test": "test",
    "lookup_plugins": "lookup",
    "lookup": "lookup",
    "vars_plugins": "vars",
    "inventory": "vars",
    "inventories": "vars",
    "inventory_plugins": "vars",
    "facts.d": "vars",
}
_MOST = 1024 * 1024
_REQUIREMENTS = re.compile(r"(role_)?requirements[\w.-]*\.ya?ml")
_WORD = re.compile(r"[\w.-]+")


@dataclass
class Project:
    """See the module's docstring."""

    root: str
    is_project: bool
    cwd: str
    views: dict[str, FileView] = field(default_factory=dict)
    """By real path, those to be looked at and those around them."""
    roles_path: tuple[str, ...] = ()
    sealed: list[str] = field(default_factory=list)
    """Files that are encrypted as a whole."""

    def view(self, found: Found) -> FileView:
        """The file, read once."""
        key = os.path.realpath(os.path.join(self.cwd, found.path))
        if key not in self.views:
            self.views[key] = reading.read(found, self.cwd)
        return self.views[key]

    @cached_property
    def everything(self) -> list[FileView]:
        """All files of the project that can be read."""
        for found in discovery.around(self.root, self.is_project):
            if reading.is_sealed(found.path):
                self.sealed.append(found.path)
            else:
                self.view(found)
        for view in list(self.views.values()):
            for path, kind in included(view, self):
                if kind == "vars" and os.path.isfile(os.path.join(self.cwd, path)):
                    self.view(Found(path, kind))
        return list(self.views.values())

    @cached_property
    def is_whole(self) -> bool:
        """Whether all is here that could define a variable: no role is missing, nothing sealed."""
        return bool(self.everything) and not self.sealed and not self.missing_roles

    @cached_property
    def python(self) -> str:
        """All Python of the project: plugins may import what they give from anywhere."""
        texts = []
        for folder, folders, names in os.walk(self.root if self.is_project else ""):
            folders[:] = [each for each in folders if not each.startswith(".")]
            texts += [_read(os.path.join(folder, name)) for name in names if name.endswith(".py")]
        return "\n".join(texts)

    @cached_property
    def index(self) -> Index:
        """What all of them define."""
        index = Index()
        for view in self.everything:
            index.add(view)
        for _, _, text in self.programs:
            index.script(text)
        return index

    @cached_property
    def programs(self) -> list[tuple[str, str, str]]:
        """Plugins and modules on disk: kind, name and text."""
        return list(_programs(self.root)) if self.is_project else []

    @cached_property
    def plugin_text(self) -> dict[str, str]:
        """All texts of plugins of a kind: a name that is quoted there is known."""
        found: dict[str, str] = {}
        for kind, _, text in self.programs:
            found[kind] = found.get(kind, "") + text
        return found

    @cached_property
    def modules(self) -> frozenset[str]:
        """Names of modules on disk."""
        return frozenset(name for kind, name, _ in self.programs if kind == "module")

    @cached_property
    def module_files(self) -> dict[str, str]:
        """By name, the file of a module that lies where playbooks and roles have theirs."""
        found: dict[str, str] = {}
        for folder, folders, _ in os.walk(self.root if self.is_project else ""):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            if os.path.basename(folder) == "library":
                found = module_files(folder) | found
        return found

    @cached_property
    def roles(self) -> dict[str, list[str]]:
        """Directories of roles by their last name."""
        found: dict[str, list[str]] = {}
        folders = {view.found.role for view in self.everything if view.found.role}
        for folder in sorted(folders):
            found.setdefault(os.path.basename(folder), []).append(folder)
        return found

    @cached_property
    def role_folders(self) -> tuple[str, ...]:
        """Folders in which roles lie."""
        below = {os.path.dirname(folder) for each in self.roles.values() for folder in each}
        usual = [os.path.expanduser("~/.ansible/roles"), "/usr/share/ansible/roles"]
        given = [*self.roles_path, *_configured(self.root), *usual, "/etc/ansible/roles"]
        return tuple(sorted({*given, *below}))

    @cached_property
    def missing_roles(self) -> set[str]:
        """Names of roles that are used and aren't here: they may define anything."""
        return {
            name
            for view in self.everything
            if not discovery.is_aside(view.path, self.root)
            for name, _, _ in role_names(view)
            if not self.has_role(name)
        }

    @cached_property
    def required(self) -> frozenset[str]:
        """Roles that a ``requirements.yml`` of the project says will be installed."""
        texts = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [each for each in folders if not each.startswith(".")]
            wanted = [each for each in names if _REQUIREMENTS.fullmatch(each)]
            texts += [_read(os.path.join(folder, each)) for each in wanted]
        return frozenset(word for text in texts for word in _WORD.findall(text))

    def has_role(self, name: str) -> bool:
        """Whether there is a role of that name anywhere."""
        last = name.rstrip("/").rpartition("/")[2]
        if last in self.roles or (last.rpartition(".")[2] in self.roles and last.count(".") == 2):
            return True
        return any(os.path.isdir(os.path.join(each, name)) for each in self.role_folders)

    @cached_property
    def playbook_folders(self) -> Sequence[str]:
        """Folders in which playbooks lie."""
        folders = {
            os.path.dirname(os.path.abspath(view.path))
            for view in self.everything
            if view.found.kind == "playbook"
        }
        return sorted(folders)


def _configured(root: str) -> list[str]:
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read(os.path.join(root, "ansible.cfg"), encoding="utf-8")
        given = config.get("defaults", "roles_path", fallback="")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return []
    found = [os.path.expandvars(os.path.expanduser(each)) for each in given.split(":") if each]
    return [os.path.join(root, each) for each in found if "$" not in each]


def _programs(root: str) -> Iterator[tuple[str, str, str]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith(".")]
        kind = next((_PLUGINS[part] for part in _above(folder, root) if part in _PLUGINS), None)
        if kind is None:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".py", ".ps1", ".sh")) or kind == "module":
                yield kind, os.path.splitext(name)[0], _read(path)


def _above(folder: str, root: str) -> Iterable[str]:
    return reversed(os.path.relpath(folder, root).split(os.sep)[-3:])


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
