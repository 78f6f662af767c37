"""What scripts complain of, in words for the operator: each code of theirs is one sentence here."""

from __future__ import annotations

from opsrun.errors import HostError, TransferFailed
from opsrun.remote.files.delivery import Delivery, TarPart
from opsrun.remote.files.intake import Intake
from opsrun.remote.files.trouble import numbered, said, shown, telling
from opsrun.remote.files.words import joined

_FOLLOW = "with --follow, what it points to is written"

_SENTENCES = {
    "dir": ("is no directory that is reached over no link", "it changed meanwhile, or is a link"),
    "link": ("is a symbolic link", _FOLLOW),
    "isdir": ("is a directory", ""),
    "other": ("is neither a file nor a directory", "devices, fifos and sockets are left alone"),
    "exists": ("is there by now", "it was not when the host was looked at"),
    "kept": ("has a backup of that name already", ""),
    "short": ("did not arrive whole", ""),
    "nosum": ("can't be checked: there is no SHA-256 tool", "sha256sum, openssl, shasum or sha256"),
    "nostat": ("can't be listed: there is no stat(1), nor a find(1) with -printf", ""),
    "digest": ("arrived changed: its checksum is another one", ""),
    "validate": ("is not valid", ""),
}
"""By code: what is said of the path, and a hint."""


def _sentence(code: str, words: str, path: bytes) -> tuple[str, str]:
    if code == "top" and not words:
        code = "dir"
    said_of_it, hint = _SENTENCES.get(code, ("", ""))
    line, usual = telling(words)
    head = f"{shown(path)} {said_of_it}" if said_of_it else shown(path)
    tail = line if code not in ("dir", "link") else ""
    return f"{head}: {tail}" if tail else head, hint or usual


def of_script(stderr: str, path: bytes, host: str) -> HostError:
    """An error for a script about ``path``."""
    code, _, words = said(stderr)
    message, hint = _sentence(code, words, path)
    return HostError(message, host=host, hint=hint)


def of_delivery(stderr: str, intake: Intake, delivery: Delivery, host: str) -> HostError:
    """An error for a delivery. Only a rename can fail when others have been made."""
    code, number, words = said(stderr)
    message, hint = _sentence(code, words, _about(code, number, intake, delivery))
    if code == "move":
        some = "others may be in their places already"
        return HostError(message, host=host, hint=f"{hint}; {some}" if hint else some)
    return TransferFailed(message, host=host, hint=hint)


def _about(code: str, number: int, intake: Intake, delivery: Delivery) -> bytes:
    """The path that a number stands for, which depends on the code."""
    if code in ("link", "isdir", "other", "exists", "kept"):
        name = numbered(intake.moved, number - 1)
    elif code == "digest":
        name = numbered(intake.compared, number - 1)
    elif code == "validate":
        name = numbered(delivery.files, number)
    elif code == "take":
        part = delivery.parts[number] if number < len(delivery.parts) else None
        name = b"" if part is None or isinstance(part, TarPart) else part.name
    elif code in ("dir", "write", "move"):
        name = numbered(intake.directories(), number)
    else:
        name = b""
    return joined(delivery.directory, name)
