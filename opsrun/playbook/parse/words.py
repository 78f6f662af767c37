"""Arguments written as one text: ``src=a dest="b c"``, and command lines.

Words end at blanks outside of quotation marks and of Jinja's delimiters. What is left over beside
``k=v`` is given back as it was written, blanks and line ends included.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

_OPENS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_CLOSES = frozenset(_OPENS.values())
_ESCAPE = re.compile(
    r"\\(?:U[0-9A-Fa-f]{8}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|N\{[^}]+\}|[\\'\"abfnrtv])"
)


class Unbalanced(ValueError):
    """A quotation mark, or a delimiter of Jinja's, is never closed. ``at``: its offset."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(f"{what} is opened and never closed")
        self.at = at


class Word(NamedTuple):
    """One word: where it is, and where its first ``=`` outside of Jinja stands, or -1."""

    start: int
    end: int
    equals: int


class Pair(NamedTuple):
    """One ``k=v``."""

    key: str
    value: str
    start: int


class Words(NamedTuple):
    """What a text came to."""

    pairs: list[Pair]
    rest: str
    """What stood beside the pairs; empty where nothing did."""


def words(text: str) -> list[Word]:
    """The words of ``text``. Raises Unbalanced."""
    return list(_Scanner(text).scan())


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.quote = ""
        self.quoted_at = 0
        self.open: list[tuple[str, int]] = []

    def scan(self) -> list[Word]:
        found: list[Word] = []
        start, equals, at = -1, -1, 0
        while at < len(self.text):
            char = self.text[at]
            if char.isspace() and not self.quote and not self.open:
                if start >= 0:
                    found.append(Word(start, at, equals))
                start = equals = -1
                at += 1
                continue
            if start < 0:
                start = at
            if char == "=" and equals < 0 and not self.open and self.text[at - 1 : at] != "\\":
                equals = at
            at += self._step(at, char)
        self._ended()
        if start >= 0:
            found.append(Word(start, len(self.text), equals))
        return found

    def _step(self, at: int, char: str) -> int:
        two = self.text[at : at + 2]
        if two in _OPENS:
            self.open.append((two, at))
            return 2
        if self.open and two == _OPENS[self.open[-1][0]]:
            self.open.pop()
            return 2
        if char in "'\"" and (at == 0 or self.text[at - 1] != "\\"):
            if not self.quote:
                self.quote, self.quoted_at = char, at
            elif self.quote == char:
                self.quote = ""
        return 1

    def _ended(self) -> None:
        if self.open:
            raise Unbalanced(*self.open[0])
        if self.quote:
            raise Unbalanced(self.quote, self.quoted_at)


def split(text: str, only: Collection[str] | None = None) -> Words:
    """Part ``text`` into ``k=v`` and the rest.

    Args:
        only: the keys that count (command lines); all others stay in the rest. None for any.

    Raises:
        Unbalanced: a quotation mark or a delimiter of Jinja's is never closed.
    """
    text = _in_one_line(text)
    pairs: list[Pair] = []
    rest: list[tuple[int, int]] = []
    for word in words(text):
        key = text[word.start : word.equals].strip() if word.equals > word.start else ""
        if not key or (only is not None and key not in only):
            rest.append((word.start, word.end))
            continue
        pairs.append(Pair(key, value_of(text[word.equals + 1 : word.end]), word.start))
    return Words(pairs, _between(text, rest, bool(pairs)))


def _in_one_line(text: str) -> str:
    """Without the backslashes that are words of their own: they go on with a line.

    As in Ansible, each takes the line's end with it, and one of the blanks around it.
    """
    if "\\" not in text:
        return text
    found, done = "", 0
    for start, end, _ in words(text):
        if text[start:end] != "\\":
            continue
        found += text[done:start]
        gap = text[end : len(text) - len(text[end:].lstrip())]
        line = gap.find("\n")
        after = gap if line < 0 else gap[:line] + gap[line + 1 :]
        found = found[:-1] if found[-1:] in (" ", "\t") and (after or not text[end:]) else found
        found, done = found + after, end + len(gap)
    return found + text[done:]


def _between(text: str, rest: list[tuple[int, int]], cut: bool) -> str:
    """The words at ``rest`` with the blanks between those that follow on each other."""
    if not rest:
        return ""
    if not cut:
        return text.lstrip().replace("\\=", "=")
    parts = []
    # An option that is taken out takes the blanks behind it along, not those before it.
    for (start, end), after in zip(rest, [*rest[1:], None], strict=True):
        parts.append(text[start:end])
        gap = text[end:] if after is None else text[end : after[0]]
        gap = gap[: len(gap) - len(gap.lstrip())]
        if after is not None or "\n" in gap:
            parts.append(gap)
    return "".join(parts).replace("\\=", "=")


def value_of(written: str) -> str:
    """The value of a ``k=v``: escapes read, one pair of quotation marks around it taken off."""
    text = _ESCAPE.sub(_character, written).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[-2] != "\\":
        return text[1:-1]
    return text


def _character(found: re.Match[str]) -> str:
    try:
        return found[0].encode("ascii").decode("unicode_escape")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return found[0]
