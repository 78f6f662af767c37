"""The kinds of password hashes that ``/etc/shadow`` and Apache's password files know.

SHA-crypt follows Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512", version 0.6; MD5-crypt
is that of FreeBSD's crypt(3). Python's own ``crypt`` has gone in 3.13; where this machine has a
library for it, `libcrypt` asks that, and the rest is done here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from opsrun.modules.passwords import libcrypt

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ROUNDS = {"sha512": 656_000, "sha256": 535_000, "bcrypt": 12}
"""How much work a new hash is; of bcrypt, the power of two."""
DEFAULT_ROUNDS = 5000
LEAST_ROUNDS = 1000
MOST_ROUNDS = 999_999_999

_ORDER_256 = (
    (0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14),
    (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29),
)  # fmt: skip
_ORDER_512 = (
    (0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48),
    (28, 49, 7), (50, 8, 29), (9, 30, 51), (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13),
    (56, 14, 35), (15, 36, 57), (37, 58, 16), (59, 17, 38), (18, 39, 60), (40, 61, 19),
    (62, 20, 41),
)  # fmt: skip
_ORDER_MD5 = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))


@dataclass(frozen=True, slots=True)
class ShaCrypt:
    """One of the two kinds of SHA-crypt."""

    digest: str
    prefix: str
    order: tuple[tuple[int, int, int], ...]
    rest: tuple[int, ...]
    """The digest's last bytes, most significant first."""

    def hashed(self, password: str, salt: str, rounds: int | None = None) -> str:
        """The line for ``/etc/shadow``; ``rounds`` None for the specification's 5000."""
        secret, seasoning = password.encode("utf-8", "surrogateescape"), salt.encode()[:16]
        count = DEFAULT_ROUNDS if rounds is None else rounds
        shown = "" if count == DEFAULT_ROUNDS else f"rounds={count}$"
        setting = f"{self.prefix}{shown}{seasoning.decode()}$"
        if LEAST_ROUNDS <= count <= MOST_ROUNDS:
            made = libcrypt.hashed(secret, setting, 4 * len(self.order) + len(self.rest) + 1)
            if made is not None:
                return made
        last = self._stretched(secret, seasoning, min(max(count, LEAST_ROUNDS), MOST_ROUNDS))
        return setting + self._written(last)

    def _sum(self, *parts: bytes) -> bytes:
        return hashlib.new(self.digest, b"".join(parts)).digest()

    def _stretched(self, secret: bytes, salt: bytes, rounds: int) -> bytes:
        last = self._first(secret, salt)
        p = _filled(self._sum(secret * len(secret)), len(secret))
        s = _filled(self._sum(salt * (16 + last[0])), len(salt))
        make = getattr(hashlib, self.digest)
        cycle = [_around(number, p, s) for number in range(42)]
        for number in range(rounds):
            before, after = cycle[number % 42]
            last = make(before + last + after).digest()
        return last

    def _first(self, secret: bytes, salt: bytes) -> bytes:
        alternate = self._sum(secret, salt, secret)
        parts = [secret, salt, _filled(alternate, len(secret))]
        length = len(secret)
        while length:
            parts.append(alternate if length & 1 else secret)
            length >>= 1
        return self._sum(*parts)

    def _written(self, data: bytes) -> str:
        whole = "".join(_letters([data[i] for i in group], 4) for group in self.order)
        return whole + _letters([data[i] for i in self.rest], len(self.rest) + 1)


def _around(number: int, p: bytes, s: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the last sum in a round; the same every 2 * 3 * 7 rounds."""
    middle = (s if number % 3 else b"") + (p if number % 7 else b"")
    return (p + middle, b"") if number & 1 else (b"", middle + p)


def _filled(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]


def _letters(group: Iterable[int], count: int) -> str:
    value = int.from_bytes(bytes(group), "big")
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(count))


SHA256 = ShaCrypt("sha256", "$5$", _ORDER_256, (31, 30))
SHA512 = ShaCrypt("sha512", "$6$", _ORDER_512, (63,))


def md5_crypt(password: str, salt: str, prefix: str = "$1$") -> str:
    """The line for ``/etc/shadow``, by MD5; only for hosts that know nothing better.

    With ``$apr1$`` in front, what Apache's ``htpasswd`` makes of it (apr_md5_encode(3)).
    """
    secret, seasoning = password.encode("utf-8", "surrogateescape"), salt.encode()[:8]
    last = _md5_first(secret, seasoning, prefix.encode())
    for number in range(1000):
        head, tail = (secret, last) if number & 1 else (last, secret)
        middle = (seasoning if number % 3 else b"") + (secret if number % 7 else b"")
        last = _md5(head + middle + tail)
    whole = "".join(_letters([last[i] for i in group], 4) for group in _ORDER_MD5)
    return f"{prefix}{seasoning.decode()}${whole}{_letters([last[11]], 2)}"


def _md5_first(secret: bytes, salt: bytes, prefix: bytes) -> bytes:
    alternate = _md5(secret + salt + secret)
    parts = [secret, prefix, salt, _filled(alternate, len(secret))]
    length = len(secret)
    while length:
        parts.append(b"\0" if length & 1 else secret[:1])
        length >>= 1
    return _md5(b"".join(parts))


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def bcrypt_hash(password: str, salt: str, rounds: int, version: str = "2b") -> str:
    """By bcrypt, which looks at the first 72 bytes.

    Args:
        salt: of 22 characters.
        rounds: the power of two.
        version: what stands in the hash: 2, 2a, 2b or 2y.
    """
    import bcrypt

    secret = password.encode("utf-8", "surrogateescape")[:72]
    # Of the last letter's six bits two count; the library refuses the others.
    last = BCRYPT_ALPHABET[BCRYPT_ALPHABET.index(salt[-1]) & 0b110000]
    made = bcrypt.hashpw(secret, f"$2b${rounds:02d}${salt[:-1]}{last}".encode()).decode()
    return made.replace("$2b$", f"${version}$", 1)


def random_salt(length: int) -> str:
    """A salt that nobody can foresee."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
