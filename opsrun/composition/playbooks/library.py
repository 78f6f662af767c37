"""What a run's templates can call: opsrun's own functions, and plugins of its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.playbook.parse.loader import Loader
from opsrun.playbook.plugins.importing import Importer
from opsrun.playbook.plugins.modules import USUAL, ModulePlaces, Modules, modules_beside
from opsrun.playbook.plugins.shelf import KINDS, Places, Shelf
from opsrun.playbook.templating.library import Library

if TYPE_CHECKING:
    from opsrun.composition.bridging.program import AnsibleCore


def _nothing() -> None:
    return None


class Told:
    """What there is to be told of plugins. Their warnings are kept until somebody listens."""

    def __init__(self) -> None:
        self._ran: Callable[[], None] = _nothing
        self._kept: dict[str, None] = {}
        self._listener: Callable[[str], None] | None = None

    def __call__(self, words: str) -> None:
        """Take a warning."""
        if self._listener is None:
            self._kept[words] = None
        else:
            self._listener(words)

    def ran(self) -> None:
        """Code of a plugin is about to run."""
        self._ran()

    def listen(self, listener: Callable[[str], None], ran: Callable[[], None]) -> None:
        """Hand on what was kept, and all that follows; and each time that a plugin runs."""
        self._listener, self._ran = listener, ran
        for words in self._kept:
            listener(words)
        self._kept.clear()


def library_of(loader: Loader, options: PlaybookOptions, told: Told) -> Library:
    """The standard library, and plugins of the playbooks, roles and collections of ``loader``.

    Nothing is read before a template names a filter, test or lookup.
    """
    places = Places(
        homes=loader.plugin_homes,
        collections=loader.collection_folders,
        more={kind: options.plugin_folders.get(kind) or _usual(kind) for kind in KINDS},
        real=loader.files.real,
        tell=told,
        ran=told.ran,
    )
    importer = Importer(
        lambda name: [loader.files.real(each) for each in loader.collection_folders(name)]
    )
    explain = _Explained(loader)
    return Library.standard().over({kind: Shelf(kind, places, importer, explain) for kind in KINDS})


def core_of(loader: Loader, options: PlaybookOptions) -> AnsibleCore | None:
    """ansible-core on this machine, where the bridge to it is open."""
    if options.bridge is None:
        return None
    from opsrun.composition.bridging.program import AnsibleCore

    def bases(name: str) -> list[str]:
        namespace, _, rest = name.partition(".")
        collection = rest.partition(".")[0]
        if not collection or namespace == "ansible":
            return []
        folders = map(loader.files.real, loader.collection_folders(f"{namespace}.{collection}"))
        found = (os.path.abspath(each).rsplit("/ansible_collections/", 1) for each in folders)
        return list(dict.fromkeys(each[0] for each in found if os.path.isdir(each[0])))

    return AnsibleCore(options.bridge, bases, options.settings.cwd)


def modules_of(
    loader: Loader,
    options: PlaybookOptions,
    tell: Callable[[str], None],
    core: AnsibleCore | None = None,
) -> Modules:
    """opsrun's modules, those of the playbooks, roles and collections of ``loader``, and those that
    ``core`` knows."""
    places = ModulePlaces(
        homes=loader.plugin_homes,
        folders=options.module_folders or USUAL,
        collections=loader.collection_folders,
        real=loader.files.real,
        tell=tell,
        explain=lambda name: missing_collection(loader, name) + _or_bridge(name, core),
        elsewhere=core.knows if core is not None else lambda name: False,
    )
    return Modules(places)


def modules_here(folders: Sequence[str], bridge: str | None) -> Modules:
    """opsrun's modules, those of ``library`` here, and what ansible-core knows.

    Args:
        folders: see `PlaybookOptions.module_folders`.
        bridge: see `PlaybookOptions.bridge`.
    """
    if bridge is None:
        return modules_beside(".", folders)
    from opsrun.composition.bridging.program import AnsibleCore

    return modules_beside(".", folders, AnsibleCore(bridge).knows)


def _or_bridge(name: str, core: AnsibleCore | None) -> str:
    """What is to be said of the bridge where nobody knows a name."""
    if core is not None:
        return "; nor has ansible-core here, which --bridge asks"
    return "; where ansible-core has it, --bridge has that do it" if name.count(".") >= 2 else ""


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
