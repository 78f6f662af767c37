"""The text of something encrypted, taken apart and put together; nothing is decrypted here.

Formats 1.1 and 1.2, as ansible-vault's documentation tells: a first line
``$ANSIBLE_VAULT;VERSION;AES256`` (1.2 has ``;LABEL`` behind it), then lines of 80 hexadecimal
digits. They spell three lines: salt, HMAC and ciphertext, in hexadecimal digits again.
"""

from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from dataclasses import dataclass

from opsrun.errors import did_you_mean

MARK = "$ANSIBLE_VAULT"
CIPHER = "AES256"
DEFAULT = "default"
"""The label of what has none."""
VERSIONS = ("1.1", "1.2")
_WIDTH = 80
_MAC = 32
_BLOCK = 16
LABELS = "expected text without ';' on one line"
_LABEL = re.compile(r"[^;\s\x00-\x1f\x7f](?:[^;\x00-\x1f\x7f]*[^;\s\x00-\x1f\x7f])?\Z")


class Damaged(ValueError):
    """A text can't be what ansible-vault wrote; ``line`` is its 1-based line that shows it."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands in an encrypted text."""

    label: str
    salt: bytes
    mac: bytes
    """HMAC-SHA256 of the ciphertext."""
    ciphertext: bytes


def is_sealed(data: str | bytes) -> bool:
    """Whether a file's or a value's text is an encrypted one.

    >>> is_sealed("$ANSIBLE_VAULT;1.1;AES256\\n36"), is_sealed("port: 80")
    (True, False)
    """
    return data.startswith(MARK) if isinstance(data, str) else data.startswith(MARK.encode())


def is_label(text: str) -> bool:
    """Whether it can stand in a first line as a vault id."""
    return _LABEL.match(text) is not None


def parse(text: str) -> Envelope:
    """Take an encrypted text apart; white space around its lines is no part of it.

    Raises:
        Damaged: it is none, of an unknown version or cipher, cut off, or no hexadecimal digits.
    """
    lines = [line.strip() for line in text.splitlines()]
    label = _label_of(lines[0] if lines else "")
    inner = _from_hex(_digits(lines), "it")
    parts = inner.split(b"\n")
    if len(parts) != 3:
        raise Damaged("expected salt, HMAC and ciphertext; it is cut off or damaged", len(lines))
    names = ("the salt", "the HMAC", "the ciphertext")
    salt, mac, ciphertext = map(_from_hex, parts, names)
    if not salt or len(mac) != _MAC or not ciphertext or len(ciphertext) % _BLOCK:
        raise Damaged("salt, HMAC or ciphertext is cut off", len(lines))
    return Envelope(label, salt, mac, ciphertext)


def _label_of(header: str) -> str:
    fields = [field.strip() for field in header.split(";")]
    if fields[0] != MARK:
        raise Damaged(f"expected a first line that begins with {MARK};")
    if len(fields) < 3:
        raise Damaged(f"the first line is cut off: expected {MARK};1.1;{CIPHER}")
    if fields[1] not in VERSIONS:
        raise Damaged(f"version {fields[1][:20]!r} of the format; 1.1 and 1.2 can be read")
    if any(char.isspace() for char in fields[2]):
        raise Damaged("the first line must end behind the cipher; in YAML, write `!vault |`")
    if fields[2] != CIPHER:
        hint = did_you_mean(fields[2], (CIPHER,))
        raise Damaged(f"the cipher {fields[2][:20]!r} is unknown{hint}; {CIPHER} can be read")
    return fields[3] if len(fields) > 3 and fields[3] else DEFAULT


def _digits(lines: list[str]) -> bytes:
    for number, line in enumerate(lines[1:], start=2):
        odd = re.search(r"[^0-9a-fA-F]", line)
        if odd is not None:
            raise Damaged(f"expected hexadecimal digits, found {odd[0]!r}", number)
    found = "".join(lines[1:])
    if not found:
        raise Damaged("nothing stands behind its first line: it is cut off")
    return found.encode()


def _from_hex(digits: bytes, what: str) -> bytes:
    try:
        return unhexlify(digits)
    except ValueError as error:
        reason = "an odd number of digits" if len(digits) % 2 else "no hexadecimal digits"
        raise Damaged(f"{what} is cut off or damaged: {reason}") from error


def written(envelope: Envelope) -> str:
    """The text of ``envelope``, with an end of line behind its last line; 1.2 where it has a label.

    Raises:
        ValueError: the label can't stand in a first line.
    """
    label = envelope.label
    if not is_label(label):
        raise ValueError(f"{label!r} can't be a vault id: {LABELS}")
    head = f"{MARK};1.1;{CIPHER}" if label == DEFAULT else f"{MARK};1.2;{CIPHER};{label}"
    parts = (envelope.salt, envelope.mac, envelope.ciphertext)
    digits = hexlify(b"\n".join(map(hexlify, parts))).decode()
    lines = (digits[at : at + _WIDTH] for at in range(0, len(digits), _WIDTH))
    return "\n".join((head, *lines, ""))
