"""Which names of a tree are left out: ``--exclude`` and ``--exclude-from``.

The patterns are those that users of rsync(1) know, section FILTER RULES, as far as they are here:

* ``*`` is any text without ``/``, ``**`` any text at all, ``?`` one character but ``/``, and
  ``[a-z]``, ``[!a-z]``, ``[[:digit:]]`` one of a set; a backslash takes what is next as it is.
* Without a ``/``, a pattern is the name of an entry anywhere: ``*.pyc``.
* ``/build`` is ``build`` at the top of a tree; ``src/*.o`` is that at the end of any path.
* ``.git/`` is a directory only; ``dir/***`` is the directory and all that is in it.
* ``+ PATTERN`` keeps what a later pattern would leave out, ``- PATTERN`` is the same as
  ``PATTERN``: the first one that fits decides.
* What is in a directory that is left out isn't looked at, so nothing in it can be kept.

Two things differ from rsync: the backslash counts whatever else is in the pattern, and a leading
``!`` is refused, because it means "forget all patterns" to rsync and "keep" to git.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from opsrun.errors import InputError, UsageError

_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\t-\r ",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}


class BadPattern(ValueError):
    """What is wrong with a pattern, and at which of its characters, from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern."""

    regex: re.Pattern[bytes]
    keeps: bool
    directories: bool
    """It fits directories alone."""
    slash: bool
    """Directories are matched with a ``/`` behind them."""

    def fits(self, path: bytes, *, directory: bool) -> bool:
        """Whether this pattern means the entry."""
        if self.directories and not directory:
            return False
        tail = b"/" if self.slash and directory else b""
        return self.regex.fullmatch(b"/" + path + tail) is not None


@dataclass(frozen=True, slots=True)
class Excludes:
    """Patterns in their order."""

    rules: tuple[Rule, ...] = ()

    def matches(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry is left out, given that no directory above it is.

        Args:
            path: below the top, as in `Entry`.
            directory: whether it is one.
        """
        for rule in self.rules:
            if rule.fits(path, directory=directory):
                return not rule.keeps
        return False

    def covers(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry, or any directory above it, is left out."""
        if not self.rules:
            return False
        above = path.find(b"/")
        while above >= 0:
            if self.matches(path[:above], directory=True):
                return True
            above = path.find(b"/", above + 1)
        return bool(path) and self.matches(path, directory=directory)


NOTHING = Excludes()
"""Leaves nothing out."""


def parse_excludes(patterns: Iterable[str], option: str = "--exclude") -> Excludes:
    """The patterns of a command line.

    Raises:
        UsageError: one of them is none; it says why and at which character.
    """
    return Excludes(tuple(_worded(pattern, option) for pattern in patterns))


def read_excludes(path: str | os.PathLike[str]) -> Excludes:
    """The patterns of a file, one a line; empty lines and those that begin with # or ; are none.

    Raises:
        UsageError: the file can't be read.
        InputError: a line is no pattern: file, line and column.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise UsageError(f"can't read {name}: {error.strerror or error}") from error
    rules = []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip(b"\r")
        if text.strip() and text[:1] not in (b"#", b";"):
            rules.append(_lined(text, name, number))
    return Excludes(tuple(rules))


def _worded(pattern: str, option: str) -> Rule:
    try:
        return parse_rule(os.fsencode(pattern))
    except BadPattern as error:
        where = f" (character {error.column})" if pattern else ""
        raise UsageError(f"{option} {pattern!r}: {error.message}{where}") from error


def _lined(line: bytes, name: str, number: int) -> Rule:
    try:
        return parse_rule(line)
    except BadPattern as error:
        text = line.decode("utf-8", "backslashreplace")
        raise InputError(
            error.message, path=name, line=number, column=error.column, text=text
        ) from error


def parse_rule(text: bytes) -> Rule:
    """One pattern, with ``+ `` or ``- `` before it or not.

    Raises:
        BadPattern: it is none.
    """
    keeps = text[:2] == b"+ "
    start = 2 if text[:2] in (b"+ ", b"- ") else 0
    pattern = text[start:]
    if start == 0 and pattern[:1] == b"!":
        raise BadPattern("to keep a name write '+ NAME'; for a name that begins with !, '\\!…'", 1)
    if not pattern.strip(b"/"):
        raise BadPattern("a pattern needs a name", start + 1)
    if b"\0" in pattern:
        raise BadPattern("no name has a NUL in it", start + pattern.index(b"\0") + 1)
    slash = pattern.endswith(b"/***")
    directories = pattern.endswith(b"/")
    body = pattern.rstrip(b"/") if directories else pattern
    return Rule(_compile(body, start), keeps, directories, slash)


def translated(body: bytes, start: int = 0) -> bytes:
    """The expression for a pattern, without what may stand before it.

    Args:
        body: the pattern, without a ``/`` at its end.
        start: characters before it, for messages.

    Raises:
        BadPattern: it is none.
    """
    return _translate(body, start)


def _compile(body: bytes, start: int) -> re.Pattern[bytes]:
    """A regular expression for the whole of a path that has a ``/`` before it."""
    head = b"" if body.startswith((b"/", b"**")) else b"(?:.*/)"
    return re.compile(head + _translate(body, start), re.DOTALL)


def _translate(body: bytes, start: int) -> bytes:
    parts = []
    at = 0
    while at < len(body):
        char = body[at : at + 1]
        if char == b"*":
            end = at + len(body[at:]) - len(body[at:].lstrip(b"*"))
            parts.append(b"[^/]*" if end == at + 1 else b".*")
        elif char == b"?":
            parts.append(b"[^/]")
            end = at + 1
        elif char == b"[":
            end, part = _set(body, at, start)
            parts.append(part)
        else:
            end = at + (2 if char == b"\\" else 1)
            if end > len(body):
                raise BadPattern("a backslash needs a character behind it", start + at + 1)
            parts.append(re.escape(body[end - 1 : end]))
        at = end
    return b"".join(parts)


def _set(body: bytes, opening: int, start: int) -> tuple[int, bytes]:
    """Where a ``[set]`` ends, and its expression. It never fits a ``/``."""
    at = opening + 1
    negated = body[at : at + 1] in (b"!", b"^")
    at += negated
    parts: list[bytes] = []
    while body[at : at + 1] != b"]" or not parts:
        if at >= len(body):
            raise BadPattern(
                "this [ is not closed; for the character itself write \\[", start + opening + 1
            )
        at, part = _item(body, at, start)
        parts.append(part)
    sign = b"^" if negated else b""
    return at + 1, b"(?!/)[" + sign + b"".join(parts) + b"]"


def _item(body: bytes, at: int, start: int) -> tuple[int, bytes]:
    """One class, range or character of a set."""
    if body[at : at + 2] == b"[:":
        end = body.find(b":]", at + 2)
        name = body[at + 2 : end] if end >= 0 else b""
        if name not in _CLASSES:
            known = ", ".join(sorted(key.decode() for key in _CLASSES))
            raise BadPattern(f"no such class of characters; there are {known}", start + at + 1)
        return end + 2, _CLASSES[name]
    low, after = _one(body, at)
    if body[after : after + 1] != b"-" or body[after + 1 : after + 2] in (b"]", b""):
        return after, re.escape(low)
    high, end = _one(body, after + 1)
    if high < low:
        raise BadPattern("this range runs backwards", start + at + 1)
    return end, re.escape(low) + b"-" + re.escape(high)


def _one(body: bytes, at: int) -> tuple[bytes, int]:
    """A character of a set, and where the next begins."""
    if body[at : at + 1] == b"\\" and at + 1 < len(body):
        at += 1
    return body[at : at + 1], at + 1
