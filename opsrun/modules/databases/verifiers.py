"""Passwords of PostgreSQL's roles as its servers keep them.

A password is made into its verifier here, so that no server's log shows it; and whether a role has
it already is found out from the verifier that it has. ``md5``: MD5 of password and role's name.
``SCRAM-SHA-256``: RFC 5802 and RFC 7677, with the password prepared as RFC 4013 has it, or taken as
it is where that has no word for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata

_MD5 = re.compile(r"md5[0-9a-f]{32}\Z")
_SCRAM = re.compile(
    r"SCRAM-SHA-256\$(?P<count>[0-9]{1,9}):(?P<salt>[A-Za-z0-9+/=]+)"
    r"\$(?P<stored>[A-Za-z0-9+/=]{44}):(?P<server>[A-Za-z0-9+/=]{44})\Z"
)
_ITERATIONS = 4096
_MOST = 10_000_000
"""Iterations that we are willing to make."""


def is_verifier(password: str) -> bool:
    """Whether a server takes it for a verifier, and not for a password."""
    return bool(_MD5.match(password) or _SCRAM.match(password))


def md5(password: str, role: str) -> str:
    """The older kind."""
    digest = hashlib.md5(f"{password}{role}".encode(), usedforsecurity=False).hexdigest()
    return f"md5{digest}"


def scram(password: str, salt: bytes | None = None, iterations: int = _ITERATIONS) -> str:
    """The kind of PostgreSQL 10 and later.

    Args:
        password: in plain text.
        salt: None for a random one.
        iterations: of PBKDF2.
    """
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{shown[0]}${shown[1]}:{shown[2]}"


def made(password: str, role: str, how: str) -> str:
    """What the server is given for a password.

    Args:
        password: in plain text, or a verifier already.
        role: whose.
        how: ``password_encryption`` of the server.
    """
    if is_verifier(password):
        return password
    return scram(password) if how == "scram-sha-256" else md5(password, role)


def holds(verifier: str | None, password: str, role: str) -> bool:
    """Whether a role that has this verifier has the password already.

    Args:
        verifier: the server's; None for a role without a password.
        password: in plain text, or a verifier.
        role: whose.
    """
    if not verifier or not password:
        return not verifier and not password
    if is_verifier(password):
        return hmac.compare_digest(verifier, password)
    found = _SCRAM.match(verifier)
    if found is None:
        known = md5(password, role) if _MD5.match(verifier) else password
        return hmac.compare_digest(verifier.encode(), known.encode())
    count = int(found["count"])
    if not 0 < count <= _MOST:
        return False
    try:
        salt = base64.b64decode(found["salt"], validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(verifier, scram(password, salt, count))


def _prepared(password: str) -> bytes:
    try:
        return _saslprep(password).encode()
    except ValueError:
        return password.encode()


_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def _saslprep(text: str) -> str:
    """RFC 4013. ValueError: it does not allow the text."""
    mapped = "".join(
        " " if stringprep.in_table_c12(each) else each
        for each in text
        if not stringprep.in_table_b1(each)
    )
    plain = unicodedata.normalize("NFKC", mapped)
    if not plain:
        raise ValueError("nothing is left")
    for each in plain:
        if stringprep.in_table_a1(each) or any(table(each) for table in _PROHIBITED):
            raise ValueError("a character that is not allowed")
    right = [stringprep.in_table_d1(each) for each in plain]
    if any(right) and (any(map(stringprep.in_table_d2, plain)) or not right[0] or not right[-1]):
        raise ValueError("directions are mixed")
    return plain
