"""Variables from a command line: ``-e`` in all of its forms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.dialect.text import decode
from opsrun.dialect.yaml_data import Document, parse
from opsrun.errors import PlaybookError, UsageError
from opsrun.playbook.parse.words import Unbalanced, split
from opsrun.vault.envelope import is_sealed
from opsrun.vault.vault import NO_VAULT, Vault

_HERE = "-e"


def extra_vars(given: Iterable[str], cwd: str = ".", vault: Vault = NO_VAULT) -> dict[str, Any]:
    """What all of ``given`` say together; later ones win, name by name.

    >>> extra_vars(["a=1 b='x y'", '{"a": 2}'])
    {'a': 2, 'b': 'x y'}

    Args:
        given: each ``k=v`` words (values are text), a YAML or JSON mapping in braces, or ``@FILE``
            with such a mapping.
        cwd: what names of files are seen from.
        vault: opens files that are encrypted.

    Raises:
        UsageError: a text is none of these.
        PlaybookError: a file or a mapping can't be read, with its place.
    """
    found: dict[str, Any] = {}
    for text in given:
        found |= _one(text, cwd, vault)
    return found


def _one(text: str, cwd: str, vault: Vault) -> Mapping[str, Any]:
    words = text.strip()
    if words.startswith("@"):
        return _of_file(words[1:], cwd, vault)
    if words.startswith(("{", "[")) and not words.startswith(("{{", "{%")):
        return _mapping(parse(words, _HERE, templates=True, error=PlaybookError))
    return _pairs(words)


def _of_file(name: str, cwd: str, vault: Vault) -> Mapping[str, Any]:
    if not name:
        raise UsageError("-e @ needs the name of a file behind the @")
    path = os.path.join(cwd, os.path.expanduser(name))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PlaybookError(f"-e: {error.strerror or error}", path=name) from error
    if is_sealed(data):
        data = vault.open(data, path=name, error=PlaybookError)
    text = decode(data, name, PlaybookError)
    return _mapping(parse(text, name, templates=True, error=PlaybookError))


def _mapping(document: Document) -> Mapping[str, Any]:
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        kind = "a list" if isinstance(document.data, list) else type(document.data).__name__
        raise document.error_at(f"-e: expected names and values, found {kind}", document.root)
    return {str(name): value for name, value in document.data.items()}


def _pairs(text: str) -> Mapping[str, Any]:
    try:
        found = split(text)
    except Unbalanced as error:
        raise UsageError(f"-e: {error}: {text}") from error
    if found.rest or not found.pairs:
        words = f"{found.rest!r} is no NAME=VALUE" if found.rest else "the value is empty"
        raise UsageError(
            f"-e: {words}; there are NAME=VALUE words, YAML or JSON in braces, and @FILE"
        )
    origin = Origin(_HERE, kind="extra")
    return {pair.key: trusted(pair.value, origin) for pair in found.pairs}
