"""``requirements.yml``: where roles and collections come from. Read to say so; nothing is fetched.

Looked at when something is missing, and never before. Both forms are known: a list of roles, and a
dictionary with ``roles`` and ``collections``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opsrun.errors import InputError, PlaybookError
from opsrun.playbook.parse.above import Kit
from opsrun.playbook.parse.files import Files, unique

Kind = Literal["role", "collection"]
_NAMES = ("requirements.yml", "requirements.yaml")
_FOLDERS: Mapping[Kind, Sequence[str]] = {"role": ("roles", ""), "collection": ("collections", "")}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One entry."""

    kind: Kind
    name: str
    source: str
    version: str
    path: str
    """The file that lists it."""

    def told(self) -> str:
        """What it says, and which command would fetch it."""
        said = ", ".join(filter(None, (self.source, self.version and f"version {self.version}")))
        where = os.path.dirname(self.path)
        own = os.path.basename(where) == f"{self.kind}s"
        target = where if own else os.path.join(where, f"{self.kind}s")
        command = f"ansible-galaxy {self.kind} install -r {self.path} -p {target or '.'}"
        return f"{self.path} lists it{f' ({said})' if said else ''}; `{command}` would fetch it"


class Requirements:
    """What the files say that lie beside playbooks.

    Args:
        files: reads them.
        folders: directories of playbooks, and any other that may have a file of them.
    """

    def __init__(self, files: Files, folders: Iterable[str]) -> None:
        self._files = files
        self._folders = unique(folders)

    def of_role(self, name: str) -> str:
        """What is to be said of a role that is missing; empty where there is nothing to say."""
        parts = name.split(".")
        if len(parts) == 3 and all(parts) and "/" not in name:
            return self.of_collection(".".join(parts[:2]))
        return self._told("role", name)

    def of_collection(self, name: str) -> str:
        """The same for a collection (``ns.name``)."""
        return self._told("collection", name)

    def _told(self, kind: Kind, name: str) -> str:
        problems = []
        for path in self._paths(kind):
            try:
                for each in requirements(self._files, path):
                    if each.kind == kind and each.name == name:
                        return each.told()
            except InputError as error:
                problems.append(f"{path} could say where it comes from, but: {error}")
        return "; ".join(problems)

    def _paths(self, kind: Kind) -> Iterator[str]:
        for folder in self._folders:
            for inner in _FOLDERS[kind]:
                for name in _NAMES:
                    path = os.path.normpath(os.path.join(folder, inner, name))
                    if self._files.is_file(path):
                        yield path


def requirements_of(kit: Kit) -> Requirements:
    """Those beside the playbooks that were read, and where opsrun was started."""
    return Requirements(kit.files, (*kit.playbooks, ""))


def requirements(files: Files, path: str, depth: int = 0) -> Iterator[Requirement]:
    """The entries of a file, those of files that it includes among them. PlaybookError."""
    if depth > 5:
        raise PlaybookError("files of requirements include each other too deeply", path=path)
    data = files.document(path).data
    if isinstance(data, dict):
        for kind in ("role", "collection"):
            yield from _entries(files, path, kind, data.get(f"{kind}s"), depth)
    else:
        yield from _entries(files, path, "role", data, depth)


def _entries(files: Files, path: str, kind: Any, items: Any, depth: int) -> Iterator[Requirement]:
    if items is None:
        return
    if not isinstance(items, list):
        raise PlaybookError(f"expected a list of {kind}s, found {type(items).__name__}", path=path)
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("include"), str):
            inner = os.path.join(os.path.dirname(path), item["include"])
            yield from requirements(files, inner, depth + 1)
            continue
        made = _role(item) if kind == "role" else _collection(item)
        if made is None:
            raise PlaybookError(f"an entry of {kind}s names none: {str(item)[:80]!r}", path=path)
        name, source, version = made
        yield Requirement(kind, name, source, version, path)


def _role(item: Any) -> tuple[str, str, str] | None:
    """Name, source and version; ``src`` may be all of them, with commas."""
    if isinstance(item, str):
        item = {"src": item}
    if not isinstance(item, dict):
        return None
    source = _text(item, "src") or _text(item, "role") or _text(item, "name")
    source, *more = [part.strip() for part in source.split(",")]
    version = _text(item, "version") or (more[0] if more else "")
    name = _text(item, "name") or (more[1] if len(more) > 1 else "") or _last(source)
    return (name, source, version) if name else None


def _collection(item: Any) -> tuple[str, str, str] | None:
    if isinstance(item, str):
        name, _, version = item.partition(":") if "/" not in item else (item, "", "")
        item = {"name": name, "version": version}
    if not isinstance(item, dict):
        return None
    name, source = _text(item, "name"), _text(item, "source")
    if "/" in name:
        # A repository, or a path: ``…/ansible-collection-ns.name.git``.
        return _of_url(name), name, _text(item, "version")
    return (name, source, _text(item, "version")) if name else None


def _of_url(url: str) -> str:
    last = _last(url.partition(",")[0])
    return last.rsplit("-", 1)[-1] if "." in last.rsplit("-", 1)[-1] else last


def _last(source: str) -> str:
    last = source.rstrip("/").rsplit("/", 1)[-1]
    for ending in (".git", ".tar.gz"):
        last = last.removesuffix(ending)
    return last


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return "" if value is None else str(value).strip()
