"""One line of a known_hosts file: SSH_KNOWN_HOSTS FILE FORMAT in sshd(8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Literal

Marker = Literal["", "cert-authority", "revoked"]
_MARKERS: dict[str, Marker] = {"@cert-authority": "cert-authority", "@revoked": "revoked"}
_HASHED = "|1|"


class BadLine(Exception):
    """A line that OpenSSH would pass over too."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key on record."""

    marker: Marker
    key_type: str
    blob: bytes
    path: str
    line: int

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class HashedName:
    """A host name that only its HMAC-SHA1 is known of."""

    salt: bytes
    digest: bytes

    def matches(self, name: str) -> bool:
        """Whether it is ``name``'s; costs one HMAC."""
        return hash_name(name, self.salt) == self.digest


def hash_name(name: str, salt: bytes) -> bytes:
    """HMAC-SHA1 of a host name under a salt, as ``HashKnownHosts`` has it."""
    return hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")


def hashed_field(name: str) -> str:
    """``|1|salt|hash`` under a salt of its own."""
    salt = os.urandom(20)
    parts = (base64.b64encode(part).decode() for part in (salt, hash_name(name, salt)))
    return _HASHED + "|".join(parts)


def fingerprint(blob: bytes) -> str:
    """A key's fingerprint as OpenSSH prints it: ``SHA256:`` and base64 without padding."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def parse_line(text: str, path: str, number: int) -> tuple[str | HashedName, Entry] | None:
    """A line's names field (a pattern list, or a hash) and its key; None for a comment.

    Raises:
        BadLine: with the reason.
    """
    stripped = text.strip(" \t\r\n\f\v")
    if not stripped or stripped[0] == "#":
        return None
    marker: Marker = ""
    fields = stripped.split(None, 3)
    if fields[0][0] == "@":
        if fields[0] not in _MARKERS:
            raise BadLine(f"unknown marker {fields[0]!r}")
        marker = _MARKERS[fields[0]]
        fields = stripped.split(None, 4)[1:]
    if len(fields) < 3:
        raise BadLine("expected names, key type and key")
    names, key_type, encoded = fields[:3]
    return _names(names), Entry(marker, key_type, _blob(key_type, encoded), path, number)


def _names(field: str) -> str | HashedName:
    if not field.startswith("|"):
        return field
    parts = field[len(_HASHED) :].split("|")
    if not field.startswith(_HASHED) or len(parts) != 2:
        raise BadLine("malformed hashed name")
    salt, digest = (_decoded(part, "hashed name") for part in parts)
    if len(salt) != 20 or len(digest) != 20:
        raise BadLine("malformed hashed name")
    return HashedName(salt, digest)


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadLine(f"the {what} is not base64") from None


def _blob(key_type: str, encoded: str) -> bytes:
    blob = _decoded(encoded, "key")
    name = key_type.encode("utf-8", "surrogateescape")
    if not blob.startswith(len(name).to_bytes(4, "big") + name) or len(blob) <= 4 + len(name):
        raise BadLine(f"the key is not of type {key_type}")
    return blob
