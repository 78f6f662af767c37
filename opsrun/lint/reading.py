"""Reads a file with the parser, in such a way that one mistake doesn't hide twenty others."""

from __future__ import annotations

import os
from typing import Any

from opsrun.dialect.text import decode
from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError, PlaybookError
from opsrun.lint.discovery import Found
from opsrun.lint.view import FileView, Seen
from opsrun.playbook.model.nodes import Role
from opsrun.playbook.parse import roles
from opsrun.playbook.parse.above import Above, Kit, PlayScope
from opsrun.playbook.parse.files import Files
from opsrun.playbook.parse.meta import read_meta
from opsrun.playbook.parse.playbooks import PlaybookReader
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.tasks import read_nodes
from opsrun.playbook.parse.watching import Watch

MOST = 64 * 1024 * 1024
_SEALED = b"$ANSIBLE_VAULT;"
_NAMED = ("the key ", " is already on line ")


class _Reader(Watch):
    """Takes everything down; what is imported is read as the file that it is, and only once."""

    follow = False

    def __init__(self, view: FileView) -> None:
        self.view = view

    def problem(self, error: InputError) -> None:
        self.view.tell(
            error.rule or "playbook-syntax",
            _origin(error, self.view.path),
            error.message,
            _word_at(error),
        )

    def node(self, spot: Spot, node: Any, above: Above) -> None:
        self.view.seen.append(Seen(spot, node, above))


def _origin(error: InputError, path: str) -> Any:
    from opsrun.dialect.origin import Origin

    return Origin(error.path or path, error.line, error.column, "yaml")


def _word_at(error: InputError) -> str:
    """What stands at an error's place, up to the end of the word or of the quoted text."""
    if not error.text or not error.column:
        return ""
    rest = error.text[error.column - 1 :]
    if rest[:1] in ("'", '"'):
        end = rest.find(rest[0], 1)
        return rest[: end + 1] if end > 0 else rest
    return rest.split(":", 1)[0].split("#", 1)[0].rstrip()


def is_sealed(path: str) -> bool:
    """Whether a file is encrypted as a whole."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_SEALED)) == _SEALED
    except OSError:
        return False


def read(found: Found, cwd: str) -> FileView:
    """The file as rules see it, with all that the parser found wrong."""
    view = FileView(found)
    watch = _Reader(view)
    try:
        with open(os.path.join(cwd, found.path), "rb") as file:
            view.text = decode(file.read(MOST), found.path, PlaybookError)
        if found.kind not in ("template", "other"):
            _parse(view, Kit(Files(cwd, watch=watch), read_nodes))
    except InputError as error:
        error.rule = error.rule or ("playbook-syntax" if view.document else "yaml")
        watch.problem(error)
    except OSError as error:
        view.tell("yaml", None, f"can't be read: {error.strerror or error}")
    except RecursionError:
        view.tell("playbook-syntax", None, "nested too deeply")
    return view


def _parse(view: FileView, kit: Kit) -> None:
    found = view.found
    if found.kind == "inventory" and os.path.splitext(found.path)[1] not in (".yml", ".yaml"):
        return
    document = view.document = kit.files.document(found.path)
    _duplicates(view, document)
    if found.kind == "playbook":
        list(PlaybookReader(kit).read(found.path))
    elif found.kind in ("tasks", "handlers"):
        above = _above(found, document)
        kit.read_nodes(kit, document, document.data, above, "0", document.root)
    elif found.kind == "vars":
        roles.layer([document])
    elif found.kind == "meta":
        _meta(kit, document, found)


def _above(found: Found, document: Document) -> Above:
    folder = os.path.dirname(found.path)
    role = Role(os.path.basename(found.role), found.role) if found.role else None
    scope = PlayScope(0, os.path.dirname(folder) if role is None else folder)
    return Above(scope, folder, role=role, handler=found.kind == "handlers")


def _meta(kit: Kit, document: Document, found: Found) -> None:
    if os.path.splitext(os.path.basename(found.path))[0] != "main":
        return
    meta = read_meta(kit, found.role)
    for number in range(len(meta.dependencies)):
        assert meta.document is not None
        use = roles.entry(meta.document, meta.dependencies, number)
        spot = use.spot or Spot(document, {}, use.origin, "role entry")
        kit.watch.node(spot, use, _above(found, document))


def _duplicates(view: FileView, document: Document) -> None:
    for warning in document.warnings:
        key = warning.message.removeprefix(_NAMED[0]).split(_NAMED[1])[0].strip("'\"")
        view.tell("duplicate-key", warning.origin, warning.message, key)
