"""Playbook files: plays, and other playbooks in their places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.dialect.warning import FileWarning
from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError, PlaybookError
from opsrun.playbook.model.nodes import Play, VarsLayer
from opsrun.playbook.parse.above import Above, Kit, PlayScope
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.files import EXTENSIONS, joined
from opsrun.playbook.parse.find_role import collection_folders
from opsrun.playbook.parse.includes import rendered
from opsrun.playbook.parse.inherit import conditions, merged, tags
from opsrun.playbook.parse.names import GATHERED, IMPORT_PLAYBOOK, bare
from opsrun.playbook.parse.plays import Imported, read_play
from opsrun.playbook.parse.spot import Spot, spot_at
from opsrun.playbook.parse.words import Unbalanced, split

_READ = GATHERED | {"name", "when", "import_playbook"}


class PlaybookReader:
    """Reads one playbook and those that it imports; plays are numbered through from ``first``.

    ``folder`` stands for the folder of the playbook's file.
    """

    def __init__(self, kit: Kit, first: int = 0, folder: str | None = None) -> None:
        self.kit = kit
        self.index = first
        self.folder = folder

    def read(
        self, path: str, imported: Imported | None = None, chain: tuple[str, ...] = ()
    ) -> Iterator[Play]:
        """The plays of the file at ``path``. PlaybookError."""
        document = self.kit.files.document(path)
        folder = self.folder or os.path.dirname(path)
        self.kit.playbooks[folder] = None
        if not chain:
            self.kit.mains[folder] = None
        start = document.root
        items = document.data
        if items is None:
            raise PlaybookError("an empty playbook: nothing to do", path=path)
        if not isinstance(items, list):
            raise document.error_at(
                f"a playbook is a list of plays (`- hosts: …`), found {shown(items)}", start
            )
        if not items:
            raise document.error_at("a playbook without plays", start)
        links = (*chain, self.kit.files.real(path))
        for number in range(len(items)):
            try:
                spot = spot_at(document, items, number, "play")
                yield from self._entry(spot, document, path, imported or Imported(), links)
            except InputError as error:
                document.recover(error)

    def _entry(
        self, spot: Spot, document: Document, path: str, imported: Imported, chain: tuple[str, ...]
    ) -> Iterator[Play]:
        spot.texts()
        key = next((key for key in spot.data if bare(key) == "import_playbook"), None)
        if key is not None:
            yield from self._import(spot, key, path, imported, chain)
            return
        if self.folder is not None:
            path = os.path.join(self.folder, os.path.basename(path))
        play = read_play(self.kit, spot, self.index, path, imported)
        self.index += 1
        yield play

    def _import(
        self, spot: Spot, key: str, path: str, imported: Imported, chain: tuple[str, ...]
    ) -> Iterator[Play]:
        spot = Spot(spot.document, spot.data, spot.origin, "import_playbook")
        spot.known(IMPORT_PLAYBOOK | {key})
        for name in sorted(set(spot.data) - _READ - {key}):
            self.kit.files.warnings.append(
                FileWarning(f"{name!r} on an import_playbook has no effect", spot.place(name))
            )
        value = spot.data[key]
        if not isinstance(value, str) or not value.strip():
            raise spot.value_error(f"expected a playbook's path, found {shown(value)}", key)
        if not self.kit.watch.follow:
            scope = PlayScope(self.index, os.path.dirname(path))
            self.kit.watch.node(spot, None, Above(scope, scope.folder))
            return
        name, given = self._name(spot, key, value, imported)
        inner = self._inner(spot, imported, given)
        target, collection = self._target(spot, key, name, path)
        if self.kit.files.real(target) in chain:
            links = " -> ".join((*chain, self.kit.files.real(target)))
            raise spot.error(f"playbooks import each other in a circle: {links}", key)
        if collection:
            inner = Imported(inner.when, inner.tags, inner.vars, collection)
        yield from self.read(target, inner, chain)

    def _name(
        self, spot: Spot, key: str, value: str, imported: Imported
    ) -> tuple[str, dict[str, Any]]:
        try:
            found = split(value)
        except Unbalanced as error:
            raise spot.value_error(str(error), key) from error
        given: dict[str, Any] = {pair.key: pair.value for pair in found.pairs}
        own = spot.vars()
        known = {
            **(imported.vars.values if imported.vars else {}),
            **(own.values if own else {}),
            **given,
        }
        origin = spot.document.value_origin(spot.data, key)
        text = Template(found.rest, origin) if isinstance(value, Template) else found.rest
        name = rendered(self.kit, text, known, spot, origin)
        if not isinstance(name, str) or not name.strip():
            raise spot.value_error(f"expected a playbook's path, found {shown(name)}", key)
        return name.strip(), given

    def _inner(self, spot: Spot, imported: Imported, given: dict[str, Any]) -> Imported:
        own_tags = spot.convert("tags", lambda value: tags(value) if value is not None else ())
        own_vars = spot.vars()
        values = {
            **given,
            **(own_vars.values if own_vars else {}),
            **(imported.vars.values if imported.vars else {}),
        }
        places = own_vars.places if own_vars else {}
        return Imported(
            when=imported.when + spot.convert("when", conditions),
            tags=merged(imported.tags, own_tags),
            vars=VarsLayer(values, spot.origin, places) if values else None,
            collection=imported.collection,
        )

    def _target(self, spot: Spot, key: str, name: str, path: str) -> tuple[str, str | None]:
        beside = joined(os.path.dirname(path), name)
        if self.kit.files.is_file(beside):
            return beside, None
        tried = [beside]
        parts = name.split(".")
        if len(parts) >= 3 and "/" not in name:
            tried += self._in_collection(parts)
        found = self.kit.files.first(tried)
        if found is None:
            raise spot.value_error(f"no playbook {name!r}; looked for {', '.join(tried)}", key)
        return found, ".".join(parts[:2])

    def _in_collection(self, parts: list[str]) -> list[str]:
        name, ending = parts[2:], ""
        if len(name) > 1 and f".{name[-1]}" in EXTENSIONS:
            ending = f".{name.pop()}"
        folders = collection_folders(self.kit, self.kit.mains, ".".join(parts[:2]))
        bases = [os.path.join(folder, "playbooks", *name) for folder in folders]
        endings = (ending,) if ending else EXTENSIONS
        return [base + each for base in bases for each in endings]
