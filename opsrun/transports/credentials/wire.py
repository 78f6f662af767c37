"""SSH's own encoding (RFC 4251 section 5), and public keys and certificates in it."""

from __future__ import annotations

import base64
import binascii

CERTIFICATE = "-cert-v01@openssh.com"

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
"""Keys that we can log in with, plain or certified."""


class Malformed(ValueError):
    """Bytes that are not what they should be."""


class Parser:
    """Takes values off the front of ``data``.

    Every method raises `Malformed` when the data ends too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """So many bytes."""
        end = self._at + length
        if end > len(self._data):
            raise Malformed("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A length and as many bytes; an mpint's bytes too."""
        return self.take(self.number())

    def text(self) -> str:
        """A string, whatever bytes it has."""
        return self.string().decode("utf-8", "replace")

    @property
    def done(self) -> bool:
        """Nothing is left."""
        return self._at == len(self._data)


def string(value: bytes) -> bytes:
    """A length and the bytes."""
    return len(value).to_bytes(4, "big") + value


def type_of(blob: bytes) -> str:
    """The type that a public key or certificate says it is of.

    Raises:
        Malformed: it is no key at all.
    """
    return Parser(blob).text()


def is_supported(key_type: str) -> bool:
    """Whether we can log in with keys of this type."""
    return key_type.removesuffix(CERTIFICATE) in KEY_TYPES


def plain_blob(blob: bytes) -> bytes:
    """The public key that a certificate is about (PROTOCOL.certkeys); any other key as it is.

    Raises:
        Malformed: not a key, or a certificate of an unknown type.
    """
    parser = Parser(blob)
    kind = parser.text()
    if not kind.endswith(CERTIFICATE):
        return blob
    plain = kind.removesuffix(CERTIFICATE)
    if plain not in KEY_TYPES:
        raise Malformed(f"{kind} is not supported")
    parser.string()  # the nonce
    fields = 1 if plain == "ssh-ed25519" else 2
    return string(plain.encode()) + b"".join(string(parser.string()) for _ in range(fields))


def bits_of(blob: bytes) -> int:
    """The size of a key in bits."""
    parser = Parser(plain_blob(blob))
    kind = parser.text()
    if kind == "ssh-rsa":
        parser.string()
        return int.from_bytes(parser.string(), "big").bit_length()
    return int(kind[-3:]) if kind.startswith("ecdsa-sha2-nistp") else 256


def parse_public_line(text: str) -> bytes:
    """The blob of a line ``TYPE BASE64 COMMENT``, as in ``id_ed25519.pub``.

    Raises:
        Malformed: it isn't such a line.
    """
    fields = text.split(None, 2)
    if len(fields) < 2:
        raise Malformed("expected a key type and a key")
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the key is not base64") from None
    if type_of(blob) != fields[0]:
        raise Malformed(f"the key is not of type {fields[0]}")
    return blob
