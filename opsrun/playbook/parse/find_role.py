"""Where a role is, and which files of it count."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from opsrun.dialect.yaml_data import Document
from opsrun.errors import PlaybookError
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.files import EXTENSIONS, joined, unique
from opsrun.playbook.plugins.routing import Routing

_MOST_TURNS = 10


class Found(NamedTuple):
    """A role's directory."""

    path: str
    collection: str | None = None
    """That of its name, which may have sent it elsewhere."""


def collection_folders(kit: Kit, folders: Iterable[str], collection: str) -> list[str]:
    """Where a collection may be on disk; ``folders`` are those of playbooks."""
    namespace, _, name = collection.partition(".")
    beside = [os.path.join(folder, "collections") for folder in folders]
    bases = [*beside, *kit.collections_path]
    inner = os.path.join("ansible_collections", namespace, name)
    found = [os.path.join(base, inner) for base in bases]
    found += [
        os.path.join(base, namespace, name)
        for base in bases
        if os.path.basename(os.path.normpath(base)) == "ansible_collections"
    ]
    return unique(found)


def find(kit: Kit, name: str, above: Above) -> tuple[Found | None, list[str]]:
    """The role ``name``, seen from ``above``; and where it was looked for."""
    tried: list[str] = []
    for collection, short in _in_collections(name, above):
        home, inner = _moved(kit, above, collection, short)
        for folder in _homes(kit, above, home):
            path = os.path.join(folder, "roles", *inner.split("."))
            tried.append(path)
            if kit.files.is_directory(path):
                return Found(path, collection), tried
    for path in _in_folders(kit, name, above):
        tried.append(path)
        if kit.files.is_directory(path):
            return Found(path), tried
    return None, unique(tried)


def _homes(kit: Kit, above: Above, collection: str) -> list[str]:
    return collection_folders(kit, (*kit.mains, above.play.folder), collection)


def _moved(kit: Kit, above: Above, collection: str, short: str) -> tuple[str, str]:
    """Where collections send a role, also one that they still have: the collection it is in, and
    its name there. Circles end somewhere in them."""
    for _ in range(_MOST_TURNS):
        homes = (each for each in _homes(kit, above, collection) if kit.files.is_directory(each))
        home = next(homes, None)
        target = None if home is None else Routing.of(kit.files.real(home)).role(collection, short)
        if target is None:
            break
        collection, short = target
    return collection, short


def _in_collections(name: str, above: Above) -> list[tuple[str, str]]:
    parts = name.split(".")
    if len(parts) >= 3 and all(part.isidentifier() for part in parts):
        return [(".".join(parts[:2]), ".".join(parts[2:]))]
    if "/" in name or len(parts) > 1:
        return []
    own = [above.role.collection] if above.role and above.role.collection else []
    hidden = ("ansible.builtin", "ansible.legacy")
    names = unique([*own, *above.keywords.collections])
    return [(each, name) for each in names if each not in hidden and "{{" not in each]


def _in_folders(kit: Kit, name: str, above: Above) -> list[str]:
    expanded = os.path.expanduser(name)
    if os.path.isabs(expanded):
        return [expanded]
    bases = [os.path.join(above.play.folder, "roles"), *kit.roles_path]
    if above.role is not None:
        bases.append(os.path.dirname(above.role.path))
    bases.append(above.play.folder)
    return unique(joined(base, name) for base in bases)


def part(
    kit: Kit, role: str, folder: str, name: str | None, *, directory: bool = False
) -> list[Document]:
    """The documents of one part of a role: ``tasks``, ``vars`` …; empty where there are none.

    Args:
        name: what ``tasks_from`` and its like say; None for ``main``.
        directory: whether it may be a directory of files, which are all read.

    Raises:
        PlaybookError: ``name`` was asked for and is not there, or a file can't be read.
    """
    inside = os.path.normpath(os.path.join(role, folder))
    base = os.path.normpath(os.path.join(inside, name or "main"))
    if not base.startswith(inside + os.sep):
        raise PlaybookError(f"{folder}_from: {name!r} leads out of the role's {folder}/", path=role)
    tried = [*(base + extension for extension in EXTENSIONS), base]
    if os.path.splitext(base)[1] in EXTENSIONS:
        tried = [base, *tried[:-1]]
    for path in tried:
        if directory and kit.files.is_directory(path):
            return [kit.files.document(each) for each in kit.files.below(path)]
        if kit.files.is_file(path):
            return [kit.files.document(path)]
    if name is not None:
        raise PlaybookError(
            f"the role has no {folder}/{name}; looked for {', '.join(tried)}", path=role
        )
    return []
