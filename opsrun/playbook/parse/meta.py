"""``meta/main.yml`` of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.dialect.yaml_data import Document
from opsrun.playbook.parse.above import Kit
from opsrun.playbook.parse.argument_specs import EntryPoint, entry_points
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.files import EXTENSIONS
from opsrun.playbook.parse.find_role import part
from opsrun.playbook.parse.inherit import names
from opsrun.playbook.parse.spot import Spot


@dataclass(frozen=True, slots=True)
class Meta:
    """What a role says of itself."""

    document: Document | None = None
    dependencies: list[Any] = field(default_factory=list)
    allow_duplicates: bool = False
    collections: tuple[str, ...] = ()
    argument_specs: Mapping[str, Any] = field(default_factory=dict)
    """As written."""
    entry_points: Mapping[str, EntryPoint] = field(default_factory=dict)
    """The same, looked at."""


def read_meta(kit: Kit, role: str) -> Meta:
    """The meta data of the role in the directory ``role``. PlaybookError."""
    documents = part(kit, role, "meta", None)
    spot = _spot(documents[0]) if documents else None
    if spot is None:
        return _with_specs(kit, role, Meta(), None)
    dependencies = spot.data.get("dependencies")
    if dependencies is not None and not isinstance(dependencies, list):
        raise spot.value_error(
            f"dependencies: expected a list of roles, found {shown(dependencies)}", "dependencies"
        )
    made = Meta(
        document=spot.document,
        dependencies=dependencies or [],
        allow_duplicates=bool(spot.get("allow_duplicates", "bool")),
        collections=spot.convert("collections", names),
    )
    return _with_specs(kit, role, made, spot)


def _spot(document: Document) -> Spot | None:
    if document.data is None:
        return None
    origin = document.root
    if not isinstance(document.data, dict):
        raise document.error_at(
            f"a role's meta data is a dictionary, found {shown(document.data)}", origin
        )
    return Spot(document, document.data, origin, "role's meta data")


def _with_specs(kit: Kit, role: str, meta: Meta, main: Spot | None) -> Meta:
    """``argument_specs`` have a file of their own, or are in ``main``."""
    tried = [f"{role}/meta/argument_specs{extension}" for extension in EXTENSIONS]
    path = kit.files.first(tried)
    spot = _spot(kit.files.document(path)) if path else main
    points = entry_points(kit, spot)
    written = spot.data["argument_specs"] if points and spot else {}
    return replace(meta, argument_specs=written, entry_points=points)
