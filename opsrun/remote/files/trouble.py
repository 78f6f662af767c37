"""What a host's tools said went wrong: the one line that tells most, and a hint."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST = 400
"""Characters of a tool's words that are passed on."""

_CAUSES = (
    (("No space left on device",), "the file system is full: what was there is as it was"),
    (("Disk quota exceeded", "Quota exceeded"), "the user's quota there is used up"),
    (("Read-only file system",), "it is mounted read-only"),
    (("Permission denied", "Operation not permitted"), "with -b, another user does it"),
    (("Is a directory",), "a directory is there"),
    (("Not a directory", "Directory nonexistent"), "a part of the path is no directory"),
    (("Text file busy",), "the program is running: it can't be written in place"),
    (
        ("Device or resource busy", "Resource busy"),
        "is it a mount of its own, as files in containers are? Such a file can't be replaced",
    ),
    (("Directory not empty", "File exists"), "something came to be there meanwhile"),
    (("File name too long", "Filename too long"), ""),
    (("No such file or directory",), ""),
    (("Too many levels of symbolic links", "Symbolic link loop"), ""),
    (("File too large",), "the file system, or a limit of the user's, has no files of that size"),
    (("Input/output error", "I/O error"), "the disk is failing"),
    (("Stale file handle", "Stale NFS file handle"), ""),
    (("Argument list too long",), ""),
    (("not found",), "the host lacks that program"),
)

_LINE = re.compile(r"opsrun (?P<code>[a-z]+) (?P<number>[0-9]+) ?(?P<words>.*)\Z")


def shown(path: bytes) -> str:
    """A path for a message: bytes that are no UTF-8 become visible, a long one loses its middle."""
    name = path.decode("utf-8", "backslashreplace")
    return name if len(name) <= _LONGEST else f"{name[:150]} … {name[-150:]}"


def telling(lines: str) -> tuple[str, str]:
    """The line that says most, and a hint.

    Args:
        lines: what a tool wrote, lines or tabs between.
    """
    each = [line for line in map(str.strip, re.split(r"[\n\t]", lines)) if line]
    for phrases, hint in _CAUSES:
        for line in each:
            if any(phrase in line for phrase in phrases):
                return line[:_LONGEST], hint
    return (each[0][:_LONGEST] if each else ""), ""


def vanished(line: str) -> bool:
    """Whether a tool only said that something is not there."""
    return line.rstrip().endswith(("No such file or directory", "Not a directory"))


def said(stderr: str) -> tuple[str, int, str]:
    """A script's last words: its code, the number behind it, and the tool's words.

    The code is empty where the script itself broke.
    """
    for line in reversed(stderr.strip().split("\n")):
        found = _LINE.match(line.strip("\r"))
        if found:
            return found["code"], int(found["number"]), found["words"]
    return "", 0, stderr


def numbered(names: Sequence[bytes], number: int) -> bytes:
    """The name that a host gave the number of; ``b""`` if it gave a wrong one."""
    return names[number] if 0 <= number < len(names) else b""
