"""Whether a text is one statement of MySQL's SQL, and with which word it begins.

The text itself goes to the server as it is; but the client looks for its end in it, and for quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKENS = r"""
      (?P<blank>\s+ | \#[^\n]* | --(?=\s|\Z)[^\n]* | /\*(?![!M]).*?(?:\*/|(?P<open1>\Z)))
    | (?P<quoted>'(?:[^'%(escape)s]|''%(more)s)*(?:'|(?P<open2>\Z))
        | "(?:[^"%(escape)s]|""%(more)s)*(?:"|(?P<open3>\Z))
        | `[^`]*(?:`|(?P<open4>\Z)))
    | (?P<special>/\*!?M?!?\d*)
    | (?P<word>[A-Za-z_@$\x80-\U0010ffff][\w$@\x80-\U0010ffff]*)
    | (?P<other>.)
"""


def _compiled(escape: str, more: str) -> re.Pattern[str]:
    parts = {"escape": escape, "more": more}
    return re.compile(_TOKENS % parts, re.VERBOSE | re.DOTALL)


_WITH_BACKSLASHES = _compiled(r"\\", r"|\\.|\\\Z")
_WITHOUT = _compiled("", "")
_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known of one text."""

    first: str
    """Its first word, in upper case."""
    verb: str
    """The same, or the one behind the parts of WITH."""
    words: frozenset[str]
    """All its words that are not quoted, in upper case."""


class Unclear(Exception):
    """The text is not one whole statement."""


def statement(text: str, backslashes: bool = True) -> Statement:
    """What a text is.

    Args:
        text: of SQL.
        backslashes: whether they escape in quotes, in the session that reads it.

    Raises:
        Unclear: it holds more than one statement, none at all, or a quote that is not closed.
    """
    words: list[str] = []
    depth, ended, verb, special = 0, False, "", False
    for found in (_WITH_BACKSLASHES if backslashes else _WITHOUT).finditer(text):
        if any(found[f"open{number}"] is not None for number in range(1, 5)):
            raise Unclear("a quote or a comment in it is not closed")
        kind, token = found.lastgroup, found[0]
        if kind == "blank":
            continue
        special = special or kind == "special"
        if ended:
            raise Unclear("it is more than one statement")
        if kind == "word":
            words.append(token.upper())
            if not verb and not depth and (words[0] != "WITH" or words[-1] in _VERBS):
                verb = words[-1]
        elif token == ";":
            ended = not _has_body(words)
        depth += {"(": 1, ")": -1}.get(token, 0)
    if not words:
        raise Unclear("there is no statement in it")
    return Statement(words[0], verb or words[0], frozenset(words))


def _has_body(words: list[str]) -> bool:
    """Whether a semicolon may stand within it: of routines, triggers and events."""
    if words[0] == "BEGIN" and words[1:2] == ["NOT"]:
        return True
    kinds = ("PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE")
    return words[0] in ("CREATE", "ALTER") and any(each in words[1:9] for each in kinds)
