"""What kind of module a file is, as far as its first bytes and its words tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["python", "shell", "json", "words", "foreign", "windows"]
"""``json`` and ``words`` are programs that read their arguments from a file of that form."""

_OURS = re.compile(rb"^[ \t]*(?:from|import)[ \t]+opsrun\b", re.MULTILINE)
_HEADER = re.compile(rb"^#[ \t]*opsrun module[ \t]*\r?$", re.MULTILINE)
_FOREIGN = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(?:ansible\.module_utils|ansible_collections)\b"
    rb"|<<INCLUDE_ANSIBLE_MODULE_COMMON>>",
    re.MULTILINE,
)
_WINDOWS = re.compile(
    rb"^#(?:Requires[ \t]+-Module|AnsibleRequires)\b|<<INCLUDE_ANSIBLE_MODULE_POWERSHELL>>"
    rb"|^#!powershell",
    re.MULTILINE | re.IGNORECASE,
)
IN_PLACE = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
"""Where this stands in a program, its arguments are put in the place of it."""
_LOOKED_AT = 1024 * 1024
_SHEBANG = re.compile(rb"#![ \t]*([^\s]+)(?:[ \t]+([^\r\n]*?))?[ \t]*\r?\n")


def kind_of(name: str, content: bytes) -> Kind:
    """What a file is.

    Args:
        name: of the file, for its suffix.
        content: all of it, or its beginning.
    """
    head = content[:_LOOKED_AT]
    if name.endswith((".ps1", ".exe")) or _WINDOWS.search(head):
        return "windows"
    if _HEADER.search(head):
        return "shell"
    if _FOREIGN.search(head):
        return "foreign"
    if name.endswith(".py") and _OURS.search(head):
        return "python"
    if b"WANT_JSON" in head or IN_PLACE in head or _is_binary(head):
        return "json"
    return "words"


def _is_binary(head: bytes) -> bool:
    return not head.startswith(b"#!") and b"\0" in head


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What a program's first line asks for."""

    path: str
    arguments: str = ""

    @property
    def name(self) -> str:
        """Of the program, without folders: ``python3``."""
        return self.path.rpartition("/")[2]


def interpreter_of(content: bytes) -> Interpreter | None:
    """Of a first line with ``#!``; what ``env`` is to look for is an interpreter without a path."""
    found = _SHEBANG.match(content)
    if found is None:
        return None
    path, rest = found[1].decode("utf-8", "replace"), (found[2] or b"").decode("utf-8", "replace")
    if path.rpartition("/")[2] != "env":
        return Interpreter(path, rest)
    words = [each for each in rest.split() if each != "-S"]
    return Interpreter(words[0], " ".join(words[1:])) if words else None
