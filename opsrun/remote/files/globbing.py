"""Paths with wildcards, expanded by the host's own shell; nothing else in them means anything.

Wildcards are those of sh: ``*``, ``?`` and ``[a-z]``, ``[!a-z]``, ``[[:digit:]]``. A backslash
before one of them, or before another backslash, takes it as it is. ``~`` and ``~USER`` at the
beginning are home directories.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsrun.errors import HostError, UsageError
from opsrun.remote.files.scripts import PRELUDE
from opsrun.remote.files.words import word

ITEM = rb"\[:[a-z]+:\]|\[(?![:.=])|[^\]/\[]"
"""In a set: a class, or a character."""

_PIECE = re.compile(
    rb"\\(?P<escaped>[*?\[\]\\])"
    rb"|(?P<wild>[*?])"
    rb"|\[(?P<set>[!^]?+(?:\]|%(item)b)(?:%(item)b)*)\]" % {b"item": ITEM},
    re.DOTALL,
)
_CLASS = re.compile(rb"(\[:[a-z]+:\]|-)")
_HOME = re.compile(rb"~[A-Za-z0-9._-]*(?=/|\Z)")

Quoting = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Match:
    """What one pattern stands for on a host."""

    pattern: bytes
    is_glob: bool
    """False: it is a path, with no wildcard in it."""
    paths: tuple[bytes, ...]
    """What exists, in the order of bytes; relative if the pattern is."""


def is_glob(pattern: bytes) -> bool:
    """Whether there is a wildcard in it."""
    return any(found["escaped"] is None for found in _PIECE.finditer(pattern))


def glob_word(pattern: bytes) -> str:
    """A word that the shell expands.

    Raises:
        UsageError: it is empty, or holds a NUL.
    """
    return _word(pattern, _quoted_but_wildcards)


def home(path: bytes) -> str:
    """A word for a path without wildcards, but for its home directory; no slash at its end.

    Raises:
        UsageError: it is empty, or holds a NUL.
    """
    return _word(path.rstrip(b"/") or path[:1], word)


def _word(path: bytes, quoted: Quoting) -> str:
    if not path or b"\0" in path:
        raise UsageError("a path on a host can't be empty, or hold a NUL")
    found = _HOME.match(path)
    if found is None:
        return quoted(path if path.startswith(b"/") else b"./" + path)
    rest = path[found.end() :]
    return found[0].decode() + ("/" + quoted(rest[1:]) if rest[1:] else "")


def _quoted_but_wildcards(pattern: bytes) -> str:
    parts: list[str] = []
    at = 0
    for found in _PIECE.finditer(pattern):
        parts.append(_literal(pattern[at : found.start()]))
        if found["escaped"] is not None:
            parts.append(_literal(found["escaped"]))
        elif found["wild"] is not None:
            parts.append(found["wild"].decode())
        else:
            parts.append(_set(found["set"]))
        at = found.end()
    return "".join([*parts, _literal(pattern[at:])])


def _set(inner: bytes) -> str:
    negated = inner[:1] in (b"!", b"^") and len(inner) > 1
    items = _CLASS.split(inner[1:] if negated else inner)
    plain = "".join(each.decode() if _CLASS.fullmatch(each) else _literal(each) for each in items)
    return f"[{'!' if negated else ''}{plain}]"


def _literal(text: bytes) -> str:
    return word(text) if text else ""


def expand_script(patterns: Sequence[bytes]) -> str:
    """Prints, for each pattern, its paths and an empty field, all with NULs behind them."""
    lines = [PRELUDE, _FOUND]
    for pattern in patterns:
        lines.append(f"found {glob_word(pattern)}\n")
    return "".join(lines)


_FOUND = """\
found() {
  if [ $# != 1 ] || [ -e "$1" ] || [ -h "$1" ]; then printf '%s\\0' "$@"; fi
  printf '\\0'
}
"""


def parse_expanded(output: bytes, patterns: Sequence[bytes]) -> list[Match]:
    """Read what the script prints.

    Raises:
        HostError: it is something else.
    """
    fields = iter(output.split(b"\0"))
    matches = []
    for pattern in patterns:
        paths = []
        for path in fields:
            if not path:
                break
            paths.append(_as_asked(path, pattern))
        matches.append(Match(pattern, is_glob(pattern), tuple(sorted(paths))))
    if list(fields) != [b""]:
        raise HostError("its expansion of wildcards makes no sense, or is cut off")
    return matches


def _as_asked(path: bytes, pattern: bytes) -> bytes:
    """Without the ``./`` that keeps a leading dash from being an option."""
    return path.removeprefix(b"./") if not pattern.startswith(b"./") else path
