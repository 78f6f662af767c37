"""Private key files: read once, decrypted once, in any format that OpenSSH writes."""

from __future__ import annotations

import base64
import binascii
import io
import os
import re
import stat
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from paramiko import ECDSAKey, Ed25519Key, PKey, RSAKey
from paramiko.ssh_exception import SSHException

from opsrun.secret import Secret
from opsrun.transports.credentials.wire import (
    CERTIFICATE,
    Malformed,
    Parser,
    is_supported,
    parse_public_line,
    plain_blob,
    type_of,
)

_MAX_SIZE = 1 << 20
_MAGIC = b"openssh-key-v1\0"
_OPENSSH = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END OPENSSH PRIVATE KEY-----", re.DOTALL
)
_CLASSES: dict[str, type[PKey]] = {"ssh-ed25519": Ed25519Key, "ssh-rsa": RSAKey}


class Unusable(Exception):
    """A file that gives no key; the message says why, without the file's name."""


class WrongPassphrase(Exception):
    """The key is still encrypted."""


@dataclass(slots=True)
class KeyFile:
    """What is known of a file that somebody named as an identity."""

    path: str
    public: bytes | None = None
    """The public key; None while it is known to nobody but an encrypted file."""
    certificates: tuple[bytes, ...] = ()
    """That of ``KEY-cert.pub``, if there is one for this key."""
    encrypted: bool = False
    refused: bool = False
    """Its passphrase was asked for, and is not to be had."""
    missing: bool = False
    problem: str = ""
    """Why there is no private key in it for us."""
    key: PKey | None = None
    data: bytes = field(default=b"", repr=False)


def read_key_file(path: str) -> KeyFile:
    """Read a private key with its ``.pub`` and ``-cert.pub``, or a public key alone.

    A public key (the file itself, or ``KEY.pub`` beside a private key that is elsewhere) serves to
    pick the agent's key. Never raises: what is wrong is in ``problem``.
    """
    found = KeyFile(path)
    try:
        data = _read(path)
        if b"-----BEGIN" in data:
            _take_private(found, data)
        else:
            found.public = _public_line(data)
            found.problem = "a public key; the agent doesn't have its private one"
    except FileNotFoundError:
        found.missing, found.problem = True, "no such file"
    except OSError as error:
        found.problem = error.strerror or str(error)
    except (Unusable, Malformed) as error:
        found.problem = str(error)
    if found.public is None:
        found.public = _public_of(f"{path}.pub")
    found.certificates = _certificates(found)
    return found


def _take_private(found: KeyFile, data: bytes) -> None:
    _check_mode(found.path)
    found.data = data
    container = _OPENSSH.search(data)
    if container:
        found.encrypted, found.public = _container(container[1])
    else:
        found.encrypted = b"ENCRYPTED" in data
    if found.public is not None and not is_supported(type_of(found.public)):
        raise Unusable(f"keys of type {type_of(found.public)} can't be used")
    if found.encrypted:
        found.problem = "encrypted, and no passphrase was given"
    else:
        unlock(found, None)


def unlock(found: KeyFile, passphrase: Secret | None) -> None:
    """Load the private key.

    Raises:
        WrongPassphrase: that isn't the one.
        Unusable: no passphrase would help.
    """
    password = passphrase.reveal().encode("utf-8", "surrogateescape") if passphrase else None
    try:
        if _OPENSSH.search(found.data):
            loaded: object = serialization.load_ssh_private_key(found.data, password)
        else:
            loaded = serialization.load_pem_private_key(found.data, password)
    except UnsupportedAlgorithm as error:
        raise Unusable(f"not supported: {error}") from error
    except (ValueError, TypeError, InvalidTag) as error:
        if found.encrypted:
            raise WrongPassphrase from error
        raise Unusable("not a private key that can be read") from error
    found.key = _as_paramiko(loaded)
    found.public = found.key.asbytes()
    found.problem, found.encrypted, found.data = "", False, b""


def _as_paramiko(loaded: object) -> PKey:
    # Through OpenSSH's format, unencrypted, in memory: the one form that all classes read.
    try:
        text = loaded.private_bytes(  # type: ignore[attr-defined]
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        _, public = _container(_OPENSSH.search(text)[1])  # type: ignore[index]
        return _CLASSES.get(type_of(public), ECDSAKey).from_private_key(io.StringIO(text.decode()))
    except (AttributeError, ValueError, UnsupportedAlgorithm, SSHException) as error:
        raise Unusable(f"not a key to log in with: {error}") from error


def _container(encoded: bytes) -> tuple[bool, bytes]:
    """PROTOCOL.key: whether it is encrypted, and the public key."""
    try:
        raw = base64.b64decode(b"".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unusable("the key is not base64") from None
    if not raw.startswith(_MAGIC):
        raise Unusable("not a private key that can be read")
    parser = Parser(raw[len(_MAGIC) :])
    cipher, _, _ = parser.text(), parser.string(), parser.string()
    if parser.number() != 1:
        raise Unusable("it holds more than one key")
    return cipher != "none", parser.string()


def _read(path: str) -> bytes:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("not a regular file")
    if status.st_size > _MAX_SIZE:
        raise Unusable("too large for a key")
    with open(path, "rb") as file:
        return file.read(_MAX_SIZE)


def _check_mode(path: str) -> None:
    status = os.stat(path)
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == os.getuid() and mode & 0o077:
        raise Unusable(f"its mode {mode:04o} lets others read it (chmod 600)")


def _public_line(data: bytes) -> bytes:
    for line in data.decode("utf-8", "replace").splitlines():
        if line.strip() and not line.startswith("#"):
            try:
                return parse_public_line(line)
            except Malformed:
                break
    raise Unusable("neither a private nor a public key")


def _public_of(path: str) -> bytes | None:
    try:
        blob = _public_line(_read(path))
    except (OSError, Unusable, Malformed):
        return None
    return blob if is_supported(type_of(blob)) else None


def read_certificate(path: str) -> bytes:
    """The user certificate in a file.

    Raises:
        Unusable: there is none.
    """
    try:
        blob = _public_line(_read(path))
        if not type_of(blob).endswith(CERTIFICATE) or not is_supported(type_of(blob)):
            raise Unusable(f"{type_of(blob)} is no certificate that can be used")
        plain_blob(blob)
    except OSError as error:
        raise Unusable(error.strerror or str(error)) from error
    except Malformed as error:
        raise Unusable(f"malformed: {error}") from error
    return blob


def _certificates(found: KeyFile) -> tuple[bytes, ...]:
    try:
        blob = read_certificate(f"{found.path}-cert.pub")
    except Unusable:
        return ()
    return (blob,) if found.public is not None and plain_blob(blob) == found.public else ()
