"""Hashes as web servers keep them: made in the way that is asked for, and checked by what they are.

Source: Apache's "Password Formats", crypt(5), RFC 2307 (``{SHA}``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

from opsrun.modules.passwords import crypts, libcrypt

_WORK = {"sha": 10_000_000, "bcrypt": 16}
"""What a hash that others have made may ask of us: some seconds at most."""
_MD5 = re.compile(r"(?P<prefix>\$(?:apr1|1)\$)(?P<salt>[^$]{0,8})\$")
_SHA = re.compile(r"\$(?P<kind>[56])\$(?:rounds=(?P<rounds>\d{1,9})\$)?(?P<salt>[^$]{0,16})\$")
_BCRYPT = re.compile(r"\$2[aby]?\$(?P<cost>\d\d)\$")
_DES = re.compile(r"[./0-9A-Za-z]{13}\Z")
_SHA1 = "{SHA}"


class TooMuchWork(Exception):
    """A hash asks for more than is reasonable; says for what."""


class NotMade(Exception):
    """This machine can't make such a hash."""


def _apr(password: str) -> str:
    return crypts.md5_crypt(password, crypts.random_salt(8), "$apr1$")


def _md5(password: str) -> str:
    return crypts.md5_crypt(password, crypts.random_salt(8))


def _sha256(password: str) -> str:
    return crypts.SHA256.hashed(password, crypts.random_salt(16), crypts.ROUNDS["sha256"])


def _sha512(password: str) -> str:
    return crypts.SHA512.hashed(password, crypts.random_salt(16), crypts.ROUNDS["sha512"])


def _bcrypt(password: str) -> str:
    # Apache knows this version alone.
    return crypts.bcrypt_hash(password, crypts.random_salt(22), crypts.ROUNDS["bcrypt"], "2y")


def _sha1(password: str) -> str:
    digest = hashlib.sha1(_bytes(password), usedforsecurity=False).digest()
    return _SHA1 + base64.b64encode(digest).decode()


def _des(password: str) -> str:
    made = libcrypt.hashed(_bytes(password), crypts.random_salt(2), 11)
    if made is None:
        raise NotMade("crypt(3) of the controller makes no des_crypt")
    return made


SCHEMES: Mapping[str, Callable[[str], str]] = {
    "apr_md5_crypt": _apr,
    "bcrypt": _bcrypt,
    "des_crypt": _des,
    "ldap_sha1": _sha1,
    "md5_crypt": _md5,
    "plaintext": str,
    "sha256_crypt": _sha256,
    "sha512_crypt": _sha512,
}
"""By name, what makes a hash with a random salt. May raise `NotMade`."""


def matches(password: str, kept: str) -> bool:
    """Whether what a file keeps is a hash of the password, of whatever kind; text that is none is
    the password itself.

    Raises:
        TooMuchWork: finding out would take long.
    """
    try:
        expected = _again(password, kept)
    except (ValueError, UnicodeError):
        return False  # A salt that nobody can have made.
    return hmac.compare_digest(_bytes(expected), _bytes(kept))


def _again(password: str, kept: str) -> str:
    """The password's hash with the salt of another hash."""
    if found := _MD5.match(kept):
        return crypts.md5_crypt(password, found["salt"], found["prefix"])
    if found := _SHA.match(kept):
        rounds = None if found["rounds"] is None else int(found["rounds"])
        _reasonable("rounds", rounds or 0, _WORK["sha"])
        kind = crypts.SHA256 if found["kind"] == "5" else crypts.SHA512
        made = kind.hashed(password, found["salt"], rounds)
        # Rounds may be written where they are the usual ones.
        return kept[: found.end()] + made.rpartition("$")[2]
    if found := _BCRYPT.match(kept):
        _reasonable("a cost", int(found["cost"]), _WORK["bcrypt"])
        import bcrypt

        cut = found.end() - 3
        again = bcrypt.hashpw(_bytes(password)[:72], b"$2b$" + _bytes(kept[cut:]))
        return kept[:cut] + again.decode()[4:]
    if kept.startswith(_SHA1):
        return _sha1(password)
    if _DES.match(kept):
        return libcrypt.hashed(_bytes(password), kept[:2], 11) or password
    return password


def _reasonable(what: str, asked: int, most: int) -> None:
    if asked > most:
        raise TooMuchWork(f"{what} of {asked}, where at most {most} are looked at")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
