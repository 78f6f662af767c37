"""Where statements of PostgreSQL's SQL end, so far as quotes, comments and parentheses tell.

It is only asked for what a statement returns, and with which word it begins: what goes to the
server is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<quoted>'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?)\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    | (?P<cast>::|:=)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE")
_COMMENT = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, without the semicolon."""

    begin: int
    """Offset in the text."""
    shown: str
    """As psql(1) can be given it: without comments, and no colon stands for a variable."""
    words: tuple[str, ...]
    """Its first two words, in upper case."""
    verb: str
    """What it does: its first word, or the one behind the parts of WITH."""


@dataclass
class _Scan:
    shown: list[str]
    words: list[str]
    begin: int | None = None
    depth: int = 0
    verb: str = ""


def statements(text: str) -> list[Statement] | None:
    """The statements of a text; None where it can't be told.

    That is where a backslash stands outside of quotes, or a function has a body of statements.
    """
    if re.search(r"\bbegin\s+atomic\b", text, re.IGNORECASE):
        return None
    found: list[Statement] = []
    scan = _Scan([], [])
    for at, kind, token in _tokens(text):
        if kind == "other" and token == "\\":
            return None
        if kind == "other" and token == ";" and scan.depth <= 0:
            found += _ended(scan)
            scan = _Scan([], [])
            continue
        _take(scan, at, kind, token)
    return [*found, *_ended(scan)]


def _take(scan: _Scan, at: int, kind: str, token: str) -> None:
    if kind == "blank":
        scan.shown.append(" ")
        return
    if scan.begin is None:
        scan.begin = at
    if kind == "word":
        upper = token.upper()
        if len(scan.words) < 2:
            scan.words.append(upper)
        if not scan.verb and scan.depth <= 0 and (scan.words[0] != "WITH" or upper in _VERBS):
            scan.verb = upper
    if kind == "other":
        scan.depth += {"(": 1, ")": -1}.get(token, 0)
    # psql takes `:name` for a variable of its own, and leaves `: name` alone.
    scan.shown.append(": " if kind == "other" and token == ":" else token)


def _ended(scan: _Scan) -> Iterator[Statement]:
    if scan.begin is not None:
        yield Statement(scan.begin, "".join(scan.shown).strip(), tuple(scan.words), scan.verb)


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None
        kind = found.lastgroup or "other"
        end = found.end()
        if kind == "comment":
            kind, end = "blank", _comment_end(text, end)
        elif kind in ("dollar", "tag"):
            close = text.find(found["dollar"], end)
            kind, end = "quoted", len(text) if close < 0 else close + len(found["dollar"])
        yield at, kind, text[at:end]
        at = end


def _comment_end(text: str, at: int) -> int:
    """Comments of this kind can stand within each other."""
    depth = 1
    while depth:
        found = _COMMENT.search(text, at)
        if found is None:
            return len(text)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
