"""Public keys of OpenPGP, as far as it takes to tell which they are (RFC 4880, RFC 9580)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ARMOR = re.compile(
    r"^-----BEGIN PGP PUBLIC KEY BLOCK-----\s*$(.*?)^-----END PGP PUBLIC KEY BLOCK-----",
    re.MULTILINE | re.DOTALL,
)
_KEY, _SUBKEY = 6, 14


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key with its subkeys."""

    fingerprints: tuple[str, ...]
    """In upper case; its own, and those of its subkeys."""

    @property
    def fingerprint(self) -> str:
        """Its own."""
        return self.fingerprints[0]


def read_keys(text: str) -> tuple[PublicKey, ...]:
    """The keys in armored text, of one block or several.

    Raises:
        ValueError: what is in a block is no key, or was cut off.
    """
    found: list[PublicKey] = []
    for block in _ARMOR.finditer(text):
        for tag, body in _packets(_unarmored(block[1])):
            if tag == _KEY:
                found.append(PublicKey((_fingerprint(body),)))
            elif tag == _SUBKEY and found:
                found[-1] = PublicKey((*found[-1].fingerprints, _fingerprint(body)))
    return tuple(found)


def _unarmored(text: str) -> bytes:
    # What stands before the empty line are remarks; the checksum is rpm's business.
    head, blank, body = text.replace("\r", "").lstrip("\n").partition("\n\n")
    lines = [line.strip() for line in (body if blank and ":" in head else text).splitlines()]
    try:
        joined = "".join(line for line in lines if not line.startswith("="))
        return base64.b64decode(joined, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise ValueError("not made of packets")
        old = not first & 0x40
        tag = (first >> 2) & 0xF if old else first & 0x3F
        start, size = (_old_length if old else _new_length)(data, at)
        if start + size > len(data):
            raise ValueError("cut off")
        yield tag, data[start : start + size]
        at = start + size


def _old_length(data: bytes, at: int) -> tuple[int, int]:
    width = (1, 2, 4, 0)[data[at] & 3]
    start = at + 1 + width
    if not width or start > len(data):
        raise ValueError("a packet without a length")
    return start, int.from_bytes(data[at + 1 : start], "big")


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at + 1] if at + 1 < len(data) else 224
    if first < 192:
        return at + 2, first
    width = 2 if first < 224 else 5
    start = at + 1 + width
    if 224 <= first < 255 or start > len(data):
        raise ValueError("a packet without a length")
    if width == 2:
        return start, ((first - 192) << 8) + data[at + 2] + 192
    return start, int.from_bytes(data[at + 2 : start], "big")


def _fingerprint(body: bytes) -> str:
    version = body[:1]
    if version == b"\4":
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()
    if version == b"\6":
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise ValueError(f"a key of version {int.from_bytes(version, 'big')}, which is not known here")
