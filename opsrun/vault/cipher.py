"""Keys out of passwords, and what is done with them: PBKDF2, AES-CTR, HMAC (all with SHA-256)."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import NamedTuple

from opsrun.secret import Secret
from opsrun.vault.envelope import DEFAULT, Damaged, Envelope

ROUNDS = 10_000
SALT = 32
"""Bytes of a new salt; any other length is read."""
_KEY = 32
_BLOCK = 16


class Keys(NamedTuple):
    """What a password and a salt come to. Not to be shown: see `Derived`."""

    cipher: bytes
    mac: bytes
    counter: bytes


class WrongSecret(ValueError):
    """The HMAC is another one: the password is wrong, or the text was changed."""


def derive(secret: Secret, salt: bytes) -> Keys:
    """The keys; takes some milliseconds, see `Derived`."""
    password = secret.reveal().encode("utf-8", "surrogateescape")
    made = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, 2 * _KEY + _BLOCK)
    return Keys(made[:_KEY], made[_KEY : 2 * _KEY], made[2 * _KEY :])


def seal(
    plain: bytes, secret: Secret, label: str = DEFAULT, *, salt: bytes | None = None
) -> Envelope:
    """Encrypt. A salt of one's own is for texts that have to come out the same each time."""
    salt = os.urandom(SALT) if salt is None else salt
    keys = derive(secret, salt)
    # PKCS#7 (RFC 5652, 6.3); CTR would not need it, the format has it.
    padding = _BLOCK - len(plain) % _BLOCK
    ciphertext = _streamed(plain + bytes([padding]) * padding, keys)
    return Envelope(label, salt, _mac(ciphertext, keys), ciphertext)


def unseal(envelope: Envelope, keys: Keys) -> bytes:
    """Decrypt, once the HMAC is seen to be right.

    Raises:
        WrongSecret: it isn't.
        Damaged: it is, and what was encrypted has no padding.
    """
    if not hmac.compare_digest(_mac(envelope.ciphertext, keys), envelope.mac):
        raise WrongSecret("the HMAC does not match")
    padded = _streamed(envelope.ciphertext, keys)
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise Damaged("what is in it has no padding: it is damaged")
    return padded[:-count]


def _mac(ciphertext: bytes, keys: Keys) -> bytes:
    return hmac.digest(keys.mac, ciphertext, "sha256")


def _streamed(data: bytes, keys: Keys) -> bytes:
    # Imported where it is used: it takes longer than all else that a command line does.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = Cipher(algorithms.AES(keys.cipher), modes.CTR(keys.counter)).encryptor()
    return stream.update(data) + stream.finalize()


class Derived:
    """Keys that were derived already: values that were encrypted together share no salt, but hosts
    and tasks share values."""

    _MOST = 4096

    def __init__(self) -> None:
        self._keys: dict[tuple[Secret, bytes], Keys] = {}

    def __call__(self, secret: Secret, salt: bytes) -> Keys:
        """As `derive`."""
        found = self._keys.get((secret, salt))
        if found is None:
            if len(self._keys) >= self._MOST:
                self._keys.clear()
            found = self._keys[secret, salt] = derive(secret, salt)
        return found

    def __repr__(self) -> str:
        return f"<Derived {len(self._keys)}>"
