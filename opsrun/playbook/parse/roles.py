"""Roles: their files, their dependencies, and their tasks and handlers as one place uses them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from opsrun.dialect.origin import NOWHERE, Origin
from opsrun.dialect.tags import Template
from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError, PlaybookError, did_you_mean
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Node, Role, VarsLayer
from opsrun.playbook.parse import find_role
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.argument_specs import validation
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.includes import rendered
from opsrun.playbook.parse.inherit import inherit
from opsrun.playbook.parse.meta import Meta, read_meta
from opsrun.playbook.parse.names import ROLE_ENTRY
from opsrun.playbook.parse.requirements import requirements_of
from opsrun.playbook.parse.spot import Spot, spot_at

NOTHING = VarsLayer({})


@dataclass(frozen=True, slots=True)
class Use:
    """How one place uses a role."""

    name: Any
    spot: Spot | None = None
    """Where it is used, for messages."""
    origin: Origin = NOWHERE
    entry: Spot | None = None
    """The dictionary of a role entry, whose keywords are handed down."""
    params: VarsLayer = NOTHING
    vars: VarsLayer = NOTHING
    froms: Mapping[str, str] = field(default_factory=dict)
    public: bool = True
    allow_duplicates: bool | None = None
    """None for what the role's meta says."""
    unique: bool = False
    """It stands under ``roles:``, or is a dependency: once a play is enough."""
    given: tuple[Mapping[str, Any], ...] = ()
    """Variables that an import or include itself gives: uses that differ in them are several."""
    validate: bool = True
    """Whether arguments are held against the role's specification (``rolespec_validate``)."""

    def error(self, message: str) -> InputError:
        """An error where the role is named."""
        if self.spot is not None:
            return self.spot.document.error_at(message, self.origin)
        return PlaybookError(
            message, path=self.origin.path, line=self.origin.line, column=self.origin.column
        )


class Loaded(NamedTuple):
    """What a role comes to: blocks of its dependencies first, then its own."""

    role: Role
    blocks: tuple[Block, ...]
    handlers: tuple[Node, ...]


def entry(document: Document, items: Any, number: int) -> Use:
    """A role entry, or a dependency: a name, or a dictionary. PlaybookError."""
    item = items[number]
    origin = document.value_origin(items, number)
    if isinstance(item, str):
        spot = Spot(document, {}, origin, "role entry")
        return Use(_trimmed(item), spot, origin, unique=True)
    spot = spot_at(document, items, number, "role entry")
    spot.texts()
    name = _entry_name(spot)
    params = {key: value for key, value in item.items() if key not in ROLE_ENTRY | _REQUIRED}
    return Use(
        name=name,
        spot=spot,
        origin=origin,
        entry=spot,
        params=VarsLayer(params, origin, spot.places()) if params else NOTHING,
        vars=spot.vars() or NOTHING,
        unique=True,
    )


_REQUIRED = frozenset({"src", "version", "scm"})


def _trimmed(name: Any) -> Any:
    """A template stays what it is: it is read by `load`."""
    return name if isinstance(name, Template) else str(name).strip()


def _entry_name(spot: Spot) -> Any:
    for key in ("role", "name"):
        if spot.data.get(key) is not None:
            return _trimmed(spot.get(key, "text"))
    source = spot.data.get("src")
    if isinstance(source, str):
        return source.rstrip("/").rsplit("/", 1)[-1].split(",")[0].removesuffix(".git")
    raise spot.error("a role entry needs the role's name: `role: NAME`")


def load(kit: Kit, use: Use, above: Above, prefix: str) -> Loaded:
    """A role, its dependencies before it.

    Whether a host has had it already is known while it runs, see `Role.key`; but handlers that
    are known need not be told again.

    Raises:
        PlaybookError: there is no such role, roles depend on each other in a circle, or a file
            of it can't be used.
    """
    use = _named(kit, use, above)
    found = _find(kit, use, above)
    chain = _link(kit, use, found)
    if chain in above.chain:
        names = [part for part in (*above.chain, chain) if part.startswith("role ")]
        raise use.error(f"roles lead to each other in a circle: {' -> '.join(names)}")
    meta = read_meta(kit, found.path)
    shell = _shell(kit, use, above, found, meta)
    known = use.unique and not shell.allow_duplicates and shell.key in above.play.roles
    above.play.roles.add(shell.key)
    keywords = inherit(above.keywords, use.entry) if use.entry else above.keywords
    inner = replace(
        above,
        role=shell,
        keywords=_with_collections(keywords, found, meta),
        folder=os.path.join(found.path, "tasks"),
        chain=(*above.chain, chain),
    )
    parts = _dependencies(kit, meta, replace(inner, keywords=keywords), prefix)
    role = replace(shell, dependencies=tuple(part.role for part in parts))
    found_all = _loaded(kit, use, role, parts, replace(inner, role=role), prefix, meta)
    return found_all._replace(handlers=()) if known else found_all


def _named(kit: Kit, use: Use, above: Above) -> Use:
    """With the name that an entry's template comes to. PlaybookError."""
    if use.spot is None or not isinstance(use.name, Template):
        return use
    return replace(use, name=rendered(kit, use.name, above.static(), use.spot, use.origin))


def _link(kit: Kit, use: Use, found: find_role.Found) -> str:
    """A role in a chain of imports; one that imports another file of its own is no circle."""
    start = use.froms.get("tasks_from", "main")
    return f"role {kit.files.real(found.path)}" + ("" if start == "main" else f" ({start})")


def _loaded(
    kit: Kit, use: Use, role: Role, parts: list[Loaded], inner: Above, prefix: str, meta: Meta
) -> Loaded:
    start = use.froms.get("tasks_from", "main")
    point = meta.entry_points.get(start) if use.validate else None
    first = (
        ()
        if point is None
        else (validation(kit, role, start, point, inner, f"{prefix}/arguments"),)
    )
    tasks = _part(kit, role, "tasks", use, replace(inner, handler=False), f"{prefix}/tasks")
    own_handlers = replace(inner, handler=True, folder=os.path.join(role.path, "handlers"))
    handlers = _part(kit, role, "handlers", use, own_handlers, f"{prefix}/handlers")
    block = Block(
        id=prefix,
        tasks=(*first, *tasks),
        keywords=inner.keywords,
        role=role,
        role_end=True,
        origin=use.origin,
    )
    return Loaded(
        role,
        (*(block for part in parts for block in part.blocks), block),
        (*(node for part in parts for node in part.handlers), *handlers),
    )


def _find(kit: Kit, use: Use, above: Above) -> find_role.Found:
    if not isinstance(use.name, str) or not use.name.strip():
        raise use.error(f"expected a role's name, found {shown(use.name)}")
    found, tried = find_role.find(kit, use.name.strip(), above)
    if found is None:
        hint = did_you_mean(use.name, _beside(kit, tried))
        listed = requirements_of(kit).of_role(use.name.strip())
        told = f"; {listed}" if listed else ""
        raise use.error(f"no role {use.name!r}{hint}; looked for {', '.join(tried)}{told}")
    if found.collection is None:
        kit.roles[found.path] = None
    return found


def _beside(kit: Kit, tried: list[str]) -> list[str]:
    names: list[str] = []
    for path in tried[:-1]:
        folder = kit.files.real(os.path.dirname(path))
        if os.path.isdir(folder):
            names += sorted(os.listdir(folder))[:1000]
    return names


def _shell(kit: Kit, use: Use, above: Above, found: find_role.Found, meta: Meta) -> Role:
    """The role without its dependencies."""
    parents = (*above.role.parents, above.role) if above.role else ()
    allow = meta.allow_duplicates if use.allow_duplicates is None else use.allow_duplicates
    name = use.name.strip()
    if found.collection is not None:
        name = f"{found.collection}.{name.rpartition('.')[2]}"
    defaults = find_role.part(
        kit, found.path, "defaults", use.froms.get("defaults_from"), directory=True
    )
    own = find_role.part(kit, found.path, "vars", use.froms.get("vars_from"), directory=True)
    return Role(
        name=name,
        path=found.path,
        defaults=layer(defaults),
        vars=layer(own),
        params=use.params,
        entry_vars=use.vars,
        parents=parents,
        includers=_includers(use, above.role),
        public=use.public,
        allow_duplicates=allow,
        collection=found.collection,
        origin=use.origin,
        key=_key(use, name, found.path),
        argument_specs=meta.argument_specs,
    )


def _includers(use: Use, above: Role | None) -> tuple[Role, ...]:
    """A dependency was led to by whatever led to the role that depends on it."""
    if above is None:
        return ()
    return above.includers if use.unique else (*above.includers, above)


def _key(use: Use, name: str, path: str) -> str:
    """Equal for uses of a role that count as one: entries and dependencies that say the same, or
    imports and includes that give the same variables, whatever their conditions and tags."""
    entry = use.entry.data if use.entry else {}
    own = [entry.get(key) for key in ("when", "tags", "vars")]
    given = [sorted(each.items(), key=str) for each in use.given if each]
    params = sorted(use.params.values.items(), key=str)
    return repr((use.unique, name, path, own, params, sorted(use.froms.items()), given))


def layer(documents: list[Document]) -> VarsLayer:
    """Variables of one or several files, later ones winning. PlaybookError if one holds none."""
    values: dict[str, Any] = {}
    places: dict[str, Origin] = {}
    for document in documents:
        if document.data is None:
            continue
        if not isinstance(document.data, dict):
            raise document.error_at(
                f"expected a dictionary of variables, found {shown(document.data)}",
                document.root,
            )
        for key, value in document.data.items():
            values[str(key)] = value
            places[str(key)] = document.origin(document.data, key)
    origin = Origin(documents[0].path, 1, 1, "yaml") if documents else NOWHERE
    return VarsLayer(values, origin, places)


def _with_collections(keywords: Keywords, found: find_role.Found, meta: Meta) -> Keywords:
    own = (found.collection,) if found.collection else ()
    names = tuple(dict.fromkeys((*own, *meta.collections, *keywords.collections)))
    return replace(keywords, collections=names) if names else keywords


def _dependencies(kit: Kit, meta: Meta, above: Above, prefix: str) -> list[Loaded]:
    found = []
    for number in range(len(meta.dependencies)):
        assert meta.document is not None
        use = entry(meta.document, meta.dependencies, number)
        found.append(load(kit, use, above, f"{prefix}/dependencies/{number}"))
    return found


def _part(
    kit: Kit, role: Role, folder: str, use: Use, above: Above, prefix: str
) -> tuple[Node, ...]:
    found: list[Node] = []
    name = use.froms.get(f"{folder}_from")
    for document in find_role.part(kit, role.path, folder, name):
        here = replace(above, folder=os.path.dirname(document.path))
        start = document.root
        found += kit.read_nodes(kit, document, document.data, here, prefix, start)
    return tuple(found)
