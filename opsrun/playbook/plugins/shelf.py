"""Where plugins in Python are, by name: looked for when a template first names one."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.playbook.plugins.importing import Folders, Importer
from opsrun.playbook.plugins.loading import Unusable, functions
from opsrun.playbook.plugins.routing import Routing
from opsrun.playbook.templating.ahead import not_ahead
from opsrun.playbook.templating.library import Function

KINDS = ("filter", "test", "lookup")
_LEGACY = "ansible.legacy."


@dataclass(frozen=True, slots=True)
class Places:
    """Where plugins may be."""

    homes: Callable[[], Sequence[str]]
    """Directories of playbooks, then of roles, which may have a folder ``filter_plugins`` and so
    on; there may be more of them later on."""
    collections: Folders
    more: Mapping[str, Sequence[str]]
    """By kind, further folders of plugins."""
    real: Callable[[str], str]
    """A path as it can be opened."""
    tell: Callable[[str], None]
    """Takes warnings."""
    ran: Callable[[], None] = lambda: None
    """Called before code of a plugin runs, which may do anything."""


class Shelf:
    """Plugins of one kind: `opsrun.playbook.templating.library.Source`.

    Args:
        kind: ``filter``, ``test`` or ``lookup``.
        places: see `Places`.
        importer: executes files.
        explain: what else is to be said of a name that nobody knows.
    """

    def __init__(
        self,
        kind: str,
        places: Places,
        importer: Importer,
        explain: Callable[[str, str], str] = lambda kind, name: "",
    ) -> None:
        self.kind = kind
        self._places = places
        self._importer = importer
        self._explain = explain
        self._seen: dict[str, None] = {}
        self._beside: dict[str, Function] = {}
        self._files: dict[tuple[str, str], dict[str, Any]] = {}
        self._broken: dict[str, str] = {}

    def beside(self, name: str) -> Function | None:
        """One of a playbook or a role, which wins over the library's of that name."""
        name = name.removeprefix(_LEGACY)
        if "." in name:
            return None
        self._look()
        return self._beside.get(name)

    def of_collection(self, name: str) -> Function | None:
        """One of a collection on disk, by its full name. PluginError: it was removed."""
        parts = name.split(".")
        if len(parts) < 3 or parts[0] == "ansible":
            return None
        folders = self._folders(".".join(parts[:2]))
        return self._in_collection(parts, folders) if folders else None

    def names(self) -> list[str]:
        """Names of plugins beside playbooks and roles, for messages."""
        self._look()
        return list(self._beside)

    def unknown(self, name: str) -> str:
        """What to say besides of a name that nobody knows."""
        broken = [f"{path}: {words}" for path, words in self._broken.items()]
        told = f"; these files could not be used: {'; '.join(broken)}" if broken else ""
        return told + self._explain(self.kind, name)

    def redirected(self, name: str) -> str | None:
        """Another name, which a collection's ``meta/runtime.yml`` sends one on to. PluginError."""
        parts = name.split(".")
        for folder in self._folders(".".join(parts[:2])) if len(parts) > 2 else ():
            routing = Routing.of(folder)
            return routing.target(self.kind, name, ".".join(parts[2:]), self._places.tell)
        return None

    def _folders(self, collection: str) -> list[str]:
        found = (self._places.real(each) for each in self._places.collections(collection))
        return [each for each in found if os.path.isdir(each)][:1]

    def _look(self) -> None:
        """Read the folders that were not there before; earlier ones win."""
        own = [os.path.join(home, f"{self.kind}_plugins") for home in self._places.homes()]
        for folder in (*own, *self._places.more.get(self.kind, ())):
            if folder in self._seen:
                continue
            files = _python_files(self._places.real(folder))
            if files:
                # What a file does when it is loaded is its own business.
                not_ahead(f"{self.kind}s of {folder}")
            self._seen[folder] = None
            for path in files:
                for name, function in self._file(path, "").items():
                    self._beside.setdefault(name, function)

    def _file(self, path: str, package: str) -> dict[str, Any]:
        key = path, package
        if key not in self._files:
            self._files[key] = {}
            ran, tell = self._places.ran, self._places.tell
            try:
                ran()
                found = functions(self._importer, self.kind, path, package, tell)
                self._files[key] = {name: _told(each, ran) for name, each in found.items()}
            except Unusable as error:
                self._broken[path] = str(error)
                self._places.tell(f"{path}: no {self.kind} of this file can be used: {error}")
        return self._files[key]

    def _in_collection(self, parts: Sequence[str], folders: Sequence[str]) -> Function | None:
        package = f"ansible_collections.{parts[0]}.{parts[1]}.plugins.{self.kind}"
        inner, last = parts[2:-1], parts[-1]
        for folder in folders:
            base = os.path.join(folder, "plugins", self.kind, *inner)
            files = _python_files(base)
            first = [each for each in files if os.path.basename(each) == f"{last}.py"]
            if self.kind == "lookup":
                files = first
            for path in (*first, *(each for each in files if each not in first)):
                found: Any = self._file(path, ".".join((package, *inner))).get(last)
                if found is not None:
                    return found  # type: ignore[no-any-return]
        return None


def _told(function: Function, ran: Callable[[], None]) -> Function:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        ran()
        return function(*args, **kwargs)

    return call


def _python_files(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    files = [name for name in names if name.endswith(".py") and name != "__init__.py"]
    return [os.path.join(folder, name) for name in files if not name.startswith(".")]
