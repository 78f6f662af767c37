"""What a run's templates can call: opsrun's own functions, and plugins of its files."""

from __future__ import annotations

import os
from collections.abc import Callable

from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.playbook.parse.loader import Loader
from opsrun.playbook.plugins.importing import Importer
from opsrun.playbook.plugins.modules import USUAL, ModulePlaces, Modules
from opsrun.playbook.plugins.shelf import KINDS, Places, Shelf
from opsrun.playbook.templating.library import Library


class Told:
    """Warnings of plugins: kept until somebody listens."""

    def __init__(self) -> None:
        self._kept: dict[str, None] = {}
        self._listener: Callable[[str], None] | None = None

    def __call__(self, words: str) -> None:
        """Take a warning."""
        if self._listener is None:
            self._kept[words] = None
        else:
            self._listener(words)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Hand on what was kept, and all that follows."""
        self._listener = listener
        for words in self._kept:
            listener(words)
        self._kept.clear()


def library_of(loader: Loader, options: PlaybookOptions, tell: Callable[[str], None]) -> Library:
    """The standard library, and plugins of the playbooks, roles and collections of ``loader``.

    Nothing is read before a template names a filter, test or lookup.
    """
    places = Places(
        homes=loader.plugin_homes,
        collections=loader.collection_folders,
        more={kind: options.plugin_folders.get(kind) or _usual(kind) for kind in KINDS},
        real=loader.files.real,
        tell=tell,
    )
    importer = Importer(
        lambda name: [loader.files.real(each) for each in loader.collection_folders(name)]
    )
    explain = _Explained(loader)
    return Library.standard().over({kind: Shelf(kind, places, importer, explain) for kind in KINDS})


def modules_of(loader: Loader, options: PlaybookOptions, tell: Callable[[str], None]) -> Modules:
    """opsrun's modules, and those of the playbooks, roles and collections of ``loader``."""
    places = ModulePlaces(
        homes=loader.plugin_homes,
        folders=options.module_folders or USUAL,
        collections=loader.collection_folders,
        real=loader.files.real,
        tell=tell,
        explain=lambda name: missing_collection(loader, name),
    )
    return Modules(places)


def _usual(kind: str) -> tuple[str, ...]:
    return (f"~/.ansible/plugins/{kind}", f"/usr/share/ansible/plugins/{kind}")


class _Explained:
    """What is said of a name with a collection that isn't there."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __call__(self, kind: str, name: str) -> str:
        """See `Shelf`."""
        return missing_collection(self._loader, name)


def missing_collection(loader: Loader, name: str) -> str:
    """What is to be said of ``ns.coll.name`` besides that nobody knows it; begins with ``; ``."""
    parts = name.split(".")
    if len(parts) < 3 or (parts[0] == "ansible" and parts[1] in ("builtin", "legacy")):
        return ""
    collection = ".".join(parts[:2])
    folders = loader.collection_folders(collection)
    there = next((each for each in folders if os.path.isdir(loader.files.real(each))), None)
    if there is not None:
        return f"; the collection {collection} is at {there} and has none of that name"
    bases = dict.fromkeys(each.partition("ansible_collections")[0] or "." for each in folders)
    told = f"; there is no collection {collection} in {', '.join(bases)}"
    listed = loader.requirements.of_collection(collection)
    return f"{told}; {listed}" if listed else told
