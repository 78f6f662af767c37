"""Modules by name, as one run knows them: those that lie in folders, and opsrun's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from opsrun.dialect.tags import holds_template
from opsrun.errors import did_you_mean
from opsrun.modules import registry
from opsrun.modules.base import Module
from opsrun.modules.own.foreign import AnsiblePython, foreign_class
from opsrun.modules.own.loading import load, module_files
from opsrun.modules.registry import short_name
from opsrun.playbook.actions.registry import INCLUDES, find_action, known_actions
from opsrun.playbook.plugins.importing import Folders
from opsrun.playbook.plugins.routing import Routing

FOLDER = "library"
"""Of modules, beside a playbook or in a role."""
USUAL = ("~/.ansible/plugins/modules", "/usr/share/ansible/plugins/modules")
_BUILTIN = "ansible.builtin."
_LEGACY = "ansible.legacy."
_KINDS = ("modules", "action")
"""Under which a collection's ``meta/runtime.yml`` sends names of modules elsewhere."""
_MOST_TURNS = 10


def _nowhere() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class ModulePlaces:
    """Where modules may be."""

    homes: Callable[[], Sequence[str]] = _nowhere
    """Directories of playbooks, then of roles, which may have a folder ``library``; there may be
    more of them later on."""
    folders: Sequence[str] = ()
    """Further folders of modules, searched after those."""
    collections: Folders = lambda name: ()
    real: Callable[[str], str] = os.path.expanduser
    """A path as it can be opened."""
    tell: Callable[[str], None] = lambda words: None
    """Takes warnings."""
    explain: Callable[[str], str] = lambda name: ""
    """What else is to be said of a name that nobody knows; begins with ``; ``."""
    elsewhere: Callable[[str], bool] = lambda name: False
    """Whether a module that is nowhere here is one of ansible-core's, which may be asked for it."""


class Modules:
    """Finds modules. Ours give way to those of the same name beside playbooks and roles, which is
    what playbooks that have any expect; ``ansible.builtin.NAME`` is always ours.

    Args:
        places: see `ModulePlaces`.
    """

    def __init__(self, places: ModulePlaces | None = None) -> None:
        self._places = places or ModulePlaces()
        self._seen: dict[str, None] = {}
        self._files: dict[str, str] = {}
        self._classes: dict[str, type[Module]] = {}

    def find(self, name: str, collections: Sequence[str] = ()) -> type[Module] | None:
        """The module of a name as it is written; None where nobody knows it.

        Args:
            name: short or full.
            collections: where short names are looked for, too.

        Raises:
            InputError: there is a file of it that can't be used.
            PluginError: its collection says that it was removed.
        """
        path = self._beside(name)
        if path is not None:
            return self._class(short_name(name), path)
        found = registry.find(name)
        if found is not None:
            return found
        full = (name,) if "." in name else [f"{each}.{name}" for each in collections]
        here = next((each for each in map(self._in_collection, full) if each is not None), None)
        return here if here is not None else self._elsewhere(name, full)

    def _elsewhere(self, name: str, full: Sequence[str]) -> type[Module] | None:
        if find_action(name) is not None or short_name(name) in INCLUDES:
            return None
        asked = dict.fromkeys((*full, name))
        known = next((each for each in asked if self._places.elsewhere(each)), None)
        return None if known is None else self._class(known, "")

    def is_known(self, name: str, collections: Sequence[str] = ()) -> bool:
        """Whether a module, or an action, has this name, or may have: it may be a template.

        Raises:
            InputError, PluginError: see `find`.
        """
        if holds_template(name) or find_action(name) is not None or short_name(name) in INCLUDES:
            return True
        if self._beside(name) is None and short_name(name) in registry.known_names():
            return True
        return self.find(name, collections) is not None

    def unknown(self, written: str) -> str:
        """What to say of a module that nobody knows."""
        self._look()
        names = (*registry.known_names(), *known_actions(), *self._files)
        guess = did_you_mean(short_name(written), names)
        told = self._places.explain(written)
        return f"this version of opsrun has no module {written!r}{guess}{told}"

    def _beside(self, name: str) -> str | None:
        short = name.removeprefix(_LEGACY)
        if name.startswith(_BUILTIN) or "." in short:
            return None
        self._look()
        return self._files.get(short)

    def _look(self) -> None:
        """Read the folders that were not there before; earlier ones win."""
        own = [os.path.join(home, FOLDER) for home in self._places.homes()]
        for folder in (*own, *self._places.folders):
            if folder in self._seen:
                continue
            self._seen[folder] = None
            for name, path in module_files(self._places.real(folder)).items():
                self._files.setdefault(name, path)

    def _class(self, name: str, path: str) -> type[Module]:
        key = path or name
        if key not in self._classes:
            self._classes[key] = (
                load(name, path) if path else foreign_class(name, "", AnsiblePython)
            )
        return self._classes[key]

    def _in_collection(self, name: str) -> type[Module] | None:
        for _ in range(_MOST_TURNS):
            parts = name.split(".")
            if len(parts) < 3 or parts[0] == "ansible":
                return None
            folder = self._folder(".".join(parts[:2]))
            if folder is None:
                return None
            routed = self._routed(folder, name, ".".join(parts[2:]))
            if routed is None:
                *inner, last = parts[2:]
                files = module_files(os.path.join(folder, "plugins", "modules", *inner))
                return self._class(name, files[last]) if last in files else None
            ours = registry.find(routed)
            if ours is not None:
                return ours
            name = routed
        return None

    def _folder(self, collection: str) -> str | None:
        found = (self._places.real(each) for each in self._places.collections(collection))
        return next((each for each in found if os.path.isdir(each)), None)

    def _routed(self, folder: str, name: str, short: str) -> str | None:
        routing = Routing.of(folder)
        turns = (routing.target(kind, name, short, self._places.tell) for kind in _KINDS)
        return next((each for each in turns if each is not None), None)

    def names(self) -> Iterator[str]:
        """Names of modules beside playbooks and roles."""
        self._look()
        yield from sorted(self._files)


def modules_beside(
    folder: str,
    folders: Sequence[str] = (),
    elsewhere: Callable[[str], bool] = lambda name: False,
) -> Modules:
    """opsrun's modules, and those of a directory's ``library``.

    Args:
        folder: the directory.
        folders: further folders of modules; empty for the usual ones.
        elsewhere: see `ModulePlaces`.
    """
    places = ModulePlaces(lambda: (folder,), folders or USUAL, elsewhere=elsewhere)
    return Modules(places)
