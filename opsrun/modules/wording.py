"""Text of playbooks as words of a script, and output of hosts as text of results.

Paths may start with ``~`` or ``~user``, and hold ``$NAME`` or ``${NAME}``: they mean the home and
the environment on the host. What names no variable there stays as it is written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import partial

from opsrun.errors import UsageError

_TILDE = re.compile(r"~[A-Za-z0-9._-]*(?=/|\Z)")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_WILD = re.compile(r"[*?\[\]!-]+")
_STARS = re.compile(r"[*?]+")


def word(text: str) -> str:
    """One word that a shell reads as exactly this text."""
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL")
    return shlex.quote(text)


def path_word(text: str) -> str:
    """A word with the home and the variables of the host in it; also for an assignment."""
    return _expanded(text, _literal)


def glob_word(text: str) -> str:
    """Like `path_word`, and its wildcards are the shell's; wants an empty ``IFS``."""
    return _expanded(text, _wild)


def _literal(text: str) -> str:
    return word(text) if text else ""


def star_word(text: str) -> str:
    """The same, and only ``*`` and ``?`` are wildcards."""
    return _expanded(text, partial(_wild, wildcards=_STARS))


def _wild(text: str, wildcards: re.Pattern[str] = _WILD) -> str:
    parts = []
    at = 0
    for found in wildcards.finditer(text):
        parts += [_literal(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, _literal(text[at:])])


def _expanded(text: str, plain: Callable[[str], str]) -> str:
    parts = []
    at = 0
    tilde = _TILDE.match(text)
    if tilde is not None:
        at = tilde.end() + (text[tilde.end() : tilde.end() + 1] == "/")
        parts.append(text[:at])
    for found in _VARIABLE.finditer(text, at):
        name = found[1] or found[2]
        parts += [plain(text[at : found.start()]), f'"${{{name}-{_unset(found[0])}}}"']
        at = found.end()
    return "".join([*parts, plain(text[at:])]) or "''"


def _unset(written: str) -> str:
    return written.replace("$", "\\$").replace("}", "\\}")


def text_of(data: bytes) -> str:
    """Output as text; bytes that are no UTF-8 become U+FFFD, so that results are fit for JSON."""
    return data.decode("utf-8", "replace")


def path_of(data: bytes) -> str:
    """A path as text that turns into the same bytes again."""
    return data.decode("utf-8", "surrogateescape")


def path_bytes(text: str) -> bytes:
    """The bytes of such a path."""
    return text.encode("utf-8", "surrogateescape")
