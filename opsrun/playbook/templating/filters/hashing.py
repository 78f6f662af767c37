"""Sums of text, and names made of them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import text
from opsrun.playbook.templating.library import PluginError

_NAMESPACE = "361E6D51-FAEC-444A-9079-341386DA8E2E"


def hashed(value: Any, hashtype: str = "sha1") -> str:
    """The sum of the text's UTF-8 bytes, in hexadecimal; ``hashtype`` is one that `hashlib`
    knows."""
    try:
        made = hashlib.new(hashtype, usedforsecurity=False)
    except (ValueError, TypeError) as error:
        known = ", ".join(sorted(hashlib.algorithms_guaranteed))
        raise PluginError(f"hash: unsupported hash type {hashtype!r}; it knows {known}") from error
    made.update(text(value).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def md5(value: Any) -> str:
    """`hashed` with md5."""
    return hashed(value, "md5")


def sha1(value: Any) -> str:
    """`hashed` with sha1."""
    return hashed(value, "sha1")


def to_uuid(value: Any, namespace: Any = _NAMESPACE) -> str:
    """A UUID (version 5) that is always the same for a text."""
    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(namespace)
    except (AttributeError, ValueError, TypeError) as error:
        raise PluginError(f"to_uuid's namespace is a UUID, not {namespace!r}") from error
    return str(uuid.uuid5(space, text(value)))


FILTERS: dict[str, Callable[..., Any]] = {
    "hash": hashed,
    "md5": md5,
    "sha1": sha1,
    "checksum": sha1,
    "to_uuid": to_uuid,
}
