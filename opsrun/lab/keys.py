"""Key pairs of a lab: ed25519, made on the spot, without a passphrase."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key in the forms in which OpenSSH keeps it."""

    private: bytes
    """The file ``id_ed25519``."""
    public: str
    """``ssh-ed25519 AAAA…``, without comment or newline."""

    def __repr__(self) -> str:
        return f"KeyPair({self.public!r})"


def new_key() -> KeyPair:
    """A fresh ed25519 pair."""
    # Imported late: `opsrun lab --help` has no use for it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        public=public.decode("ascii"),
    )
