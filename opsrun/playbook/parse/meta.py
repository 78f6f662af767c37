"""``meta/main.yml`` of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.dialect.yaml_data import Document
from opsrun.playbook.parse.above import Kit
from opsrun.playbook.parse.checks import shown
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


def read_meta(kit: Kit, role: str) -> Meta:
    """The meta data of the role in the directory ``role``. PlaybookError."""
    documents = part(kit, role, "meta", None)
    spot = _spot(documents[0]) if documents else None
    if spot is None:
        return Meta(argument_specs=_specs(kit, role, None))
    dependencies = spot.data.get("dependencies")
    if dependencies is not None and not isinstance(dependencies, list):
        raise spot.value_error(
            f"dependencies: expected a list of roles, found {shown(dependencies)}", "dependencies"
        )
    return Meta(
        document=spot.document,
        dependencies=dependencies or [],
        allow_duplicates=bool(spot.get("allow_duplicates", "bool")),
        collections=spot.convert("collections", names),
        argument_specs=_specs(kit, role, spot),
    )


def _spot(document: Document) -> Spot | None:
    if document.data is None:
        return None
    origin = document.root
    if not isinstance(document.data, dict):
        raise document.error_at(
            f"a role's meta data is a dictionary, found {shown(document.data)}", origin
        )
    return Spot(document, document.data, origin, "role's meta data")


def _specs(kit: Kit, role: str, main: Spot | None) -> Mapping[str, Any]:
    from opsrun.playbook.parse.files import EXTENSIONS

    tried = [f"{role}/meta/argument_specs{extension}" for extension in EXTENSIONS]
    path = kit.files.first(tried)
    spot = _spot(kit.files.document(path)) if path else main
    specs = spot.data.get("argument_specs") if spot else None
    return specs if isinstance(specs, dict) else {}
