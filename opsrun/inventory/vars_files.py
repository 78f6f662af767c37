"""``group_vars/`` and ``host_vars/``: which files speak of a name, and what they say.

A name's file is the first there is of ``NAME``, ``NAME.yml``, ``NAME.yaml`` and ``NAME.json``; if
that is a directory, all files below it count, in sorted order, hidden ones, those that end in ``~``
and those with another ending left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from opsrun.errors import InventoryError
from opsrun.inventory.model import InventoryWarning, Origin, Value
from opsrun.inventory.text import Place

Folder = Literal["group_vars", "host_vars"]
_EXTENSIONS = (".yml", ".yaml", ".json")


class Layer(NamedTuple):
    """Variables from one place."""

    where: str
    """``group web``, ``group_vars web``, ``host web01``, ``host_vars web01``."""
    values: Mapping[str, Value]


class VarsFiles:
    """The variable files below some base directories, read when they are first asked for.

    Args:
        bases: the directories beside the sources, as the operator would name them, in the order of
            the sources; later ones win.
        warnings: gets the warnings that reading gives rise to.
    """

    def __init__(
        self, bases: Sequence[str], place: Place, warnings: list[InventoryWarning]
    ) -> None:
        self._bases = bases
        self._place = place
        self._warnings = warnings
        self._listings: dict[tuple[str, Folder], frozenset[str]] = {}
        self._layers: dict[tuple[Folder, str], tuple[Layer, ...]] = {}

    def layers(self, folder: Folder, name: str) -> tuple[Layer, ...]:
        """What the files say about the group or host ``name``, lowest precedence first.

        Raises:
            InventoryError: a file can't be used, or opened.
        """
        key = folder, name
        if key not in self._layers:
            paths = [path for base in self._bases for path in self._paths(base, folder, name)]
            found = [Layer(f"{folder} {name}", self._read(path)) for path in paths]
            self._layers[key] = tuple(layer for layer in found if layer.values)
        return self._layers[key]

    def _listing(self, base: str, folder: Folder) -> frozenset[str]:
        key = base, folder
        if key not in self._listings:
            try:
                names = os.listdir(self._place.real(os.path.join(base, folder)))
            except (FileNotFoundError, NotADirectoryError):
                names = []
            except OSError as error:
                path = os.path.join(base, folder)
                raise InventoryError(error.strerror or str(error), path=path) from error
            self._listings[key] = frozenset(names)
        return self._listings[key]

    def _paths(self, base: str, folder: Folder, name: str) -> list[str]:
        listing = self._listing(base, folder)
        if not listing:
            return []
        found = [name + ext for ext in ("", *_EXTENSIONS) if name + ext in listing]
        if not found:
            return []
        path = os.path.join(base, folder, found[0])
        if len(found) > 1:
            self._warnings.append(
                InventoryWarning(
                    f"{', '.join(found[1:])} beside it not read: the first of NAME, NAME.yml, "
                    "NAME.yaml, NAME.json wins",
                    Origin(path, kind="yaml"),
                )
            )
        return self._below(path) if os.path.isdir(self._place.real(path)) else [path]

    def _below(self, path: str) -> list[str]:
        found = []
        for name in sorted(os.listdir(self._place.real(path))):
            if name.startswith(".") or name.endswith("~"):
                continue
            extension = os.path.splitext(name)[1]
            inner = os.path.join(path, name)
            if os.path.isdir(self._place.real(inner)):
                found += [] if extension else self._below(inner)
            elif not extension or extension in _EXTENSIONS:
                found.append(inner)
        return found

    def _read(self, path: str) -> dict[str, Value]:
        from opsrun.dialect.yaml_data import parse
        from opsrun.inventory.values import values_of

        document = parse(self._place.read(path), path)
        self._warnings.extend(document.warnings)
        if document.data is None:
            return {}
        if not isinstance(document.data, dict):
            raise InventoryError(
                "expected `name: value` lines (a dictionary of variables), not "
                f"{'a list' if isinstance(document.data, list) else repr(document.data)}",
                path=path,
            )
        return values_of(document, document.data)
