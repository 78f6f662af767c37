"""Passwords as ``/etc/shadow`` keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.modules.passwords import crypts
from opsrun.playbook.templating.filters.values import kind, one_of
from opsrun.playbook.templating.library import PluginError, chancy
from opsrun.secret import Secret

_NAMES = {
    "sha512": "sha512",
    "sha512_crypt": "sha512",
    "sha256": "sha256",
    "sha256_crypt": "sha256",
    "md5": "md5",
    "md5_crypt": "md5",
    "blowfish": "bcrypt",
    "bcrypt": "bcrypt",
}
_LONGEST_SALT = {"sha512": 16, "sha256": 16, "md5": 8, "bcrypt": 22}
_IDENTS = ("2", "2a", "2b", "2y")


@chancy
def password_hash(
    value: Any,
    hashtype: str = "sha512",
    salt: Any = None,
    salt_size: Any = None,
    rounds: Any = None,
    ident: str | None = None,
) -> str:
    """The password's hash.

    Args:
        hashtype: sha512, sha256, md5 or blowfish (bcrypt).
        salt: letters, digits, dot and slash; at random where there is none, which makes another
            hash on every run.
        salt_size: how long a random salt is; by default as long as can be.
        rounds: how much work it is; of bcrypt, the power of two.
        ident: bcrypt's version: 2, 2a, 2b or 2y.
    """
    method = _NAMES[one_of(hashtype, tuple(_NAMES), "password_hash's type")]
    password = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(password, str):
        raise PluginError(f"password_hash expects text, not {kind(value)}")
    seasoning = _salt(method, "" if salt is None else str(salt), salt_size)
    work = _rounds(method, rounds)
    if method == "bcrypt":
        return _bcrypt(password, seasoning, work, ident)
    if method == "md5":
        return crypts.md5_crypt(password, seasoning)
    return getattr(crypts, method.upper()).hashed(password, seasoning, work)  # type: ignore[no-any-return]


def random_salt(method: str, length: int | None = None) -> str:
    """A salt for one of sha512, sha256, md5, bcrypt (or their other names)."""
    size = length or _LONGEST_SALT[_NAMES[method]]
    return crypts.random_salt(size)


def _salt(method: str, salt: str, size: Any) -> str:
    longest = _LONGEST_SALT[method]
    if not salt:
        return random_salt(method, None if method == "bcrypt" else size and int(size))
    if set(salt) - set(crypts.ALPHABET):
        raise PluginError("password_hash: a salt has letters, digits, dots and slashes alone")
    if len(salt) > longest or (method == "bcrypt" and len(salt) < longest):
        exactly = "exactly" if method == "bcrypt" else "at most"
        raise PluginError(f"password_hash: the salt of {method} has {exactly} {longest} characters")
    return salt


def _rounds(method: str, rounds: Any) -> int:
    least, most = (4, 31) if method == "bcrypt" else (crypts.LEAST_ROUNDS, crypts.MOST_ROUNDS)
    if rounds is None:
        return crypts.ROUNDS.get(method, least)
    if method == "md5":
        raise PluginError("password_hash: md5 has no rounds")
    try:
        number = int(rounds)
    except (TypeError, ValueError) as error:
        raise PluginError(f"password_hash: rounds is a number, not {rounds!r}") from error
    if not least <= number <= most:
        raise PluginError(f"password_hash: rounds is between {least} and {most}, not {number}")
    return number


def _bcrypt(password: str, salt: str, rounds: int, ident: str | None) -> str:
    version = one_of(ident or "2b", _IDENTS, "password_hash's ident")
    return crypts.bcrypt_hash(password, salt, rounds, version)


FILTERS: dict[str, Callable[..., Any]] = {"password_hash": password_hash}
