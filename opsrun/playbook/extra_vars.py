"""Variables from a command line: ``-e`` in all of its forms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.dialect.text import decode
from opsrun.dialect.yaml_data import Document, holds_vault, parse
from opsrun.errors import NotBuiltError, PlaybookError, UsageError
from opsrun.playbook.parse.words import Unbalanced, split

_HERE = "-e"
_VAULT = b"$ANSIBLE_VAULT;"


def extra_vars(given: Iterable[str], cwd: str = ".") -> dict[str, Any]:
    """What all of ``given`` say together; later ones win, name by name.

    >>> extra_vars(["a=1 b='x y'", '{"a": 2}'])
    {'a': 2, 'b': 'x y'}

    Args:
        given: each ``k=v`` words (values are text), a YAML or JSON mapping in braces, or ``@FILE``
            with such a mapping.
        cwd: what names of files are seen from.

    Raises:
        UsageError: a text is none of these.
        PlaybookError: a file or a mapping can't be read, with its place.
        NotBuiltError: a file is encrypted.
    """
    found: dict[str, Any] = {}
    for text in given:
        found |= _one(text, cwd)
    return found


def _one(text: str, cwd: str) -> Mapping[str, Any]:
    words = text.strip()
    if words.startswith("@"):
        return _of_file(words[1:], cwd)
    if words.startswith(("{", "[")) and not words.startswith(("{{", "{%")):
        return _mapping(parse(words, _HERE, templates=True, error=PlaybookError))
    return _pairs(words)


def _of_file(name: str, cwd: str) -> Mapping[str, Any]:
    if not name:
        raise UsageError("-e @ needs the name of a file behind the @")
    path = os.path.join(cwd, os.path.expanduser(name))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PlaybookError(f"-e: {error.strerror or error}", path=name) from error
    if data.startswith(_VAULT):
        raise NotBuiltError(f"{name} is encrypted; this version can't read vaults yet")
    text = decode(data, name, PlaybookError)
    return _mapping(parse(text, name, templates=True, error=PlaybookError))


def _mapping(document: Document) -> Mapping[str, Any]:
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        kind = "a list" if isinstance(document.data, list) else type(document.data).__name__
        raise document.error_at(f"-e: expected names and values, found {kind}", document.root)
    if holds_vault(document.data):
        raise NotBuiltError(
            f"{document.path} holds a !vault value; this version can't read vaults yet"
        )
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
