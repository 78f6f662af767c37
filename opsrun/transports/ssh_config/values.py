"""Words and values of ssh_config: how a line is split, and what each honoured keyword takes.

Follows ssh_config(5) and, where the manual is silent, what ``ssh -G`` does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

from opsrun.errors import did_you_mean

BLANK = " \t\r\n\f"

_LINE = re.compile(r'(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s=]+))[ \t\r\f]*=?[ \t\r\f]*')
_SPECIAL = re.compile(r"[\\'\"#\v\x1c-\x1f\x85\xa0]|[^\x00-\x7f]")
"""What keeps a value from being split at its blanks alone, as `str.split` knows them."""
_TIME = re.compile(r"(?:\d+[smhdw]?)+\Z", re.IGNORECASE)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

Value = str | int | float | tuple[str, ...] | None


class BadValue(Exception):
    """A line that can't be used; ``offset`` is where, in characters from the line's start."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds a keyword, cut after it."""

    keyword: str
    rest: str
    """Everything behind the keyword and its ``=``, trailing blanks dropped."""
    keyword_at: int
    rest_at: int


def cut(text: str) -> Line | None:
    """Cut a line behind its keyword; None for a blank line or a comment.

    Raises:
        BadValue: there is no keyword, or nothing behind it.
    """
    body = text.rstrip(BLANK)
    start = len(body) - len(body.lstrip(BLANK))
    if start == len(body) or body[start] == "#":
        return None
    found = _LINE.match(body, start)
    if not found:
        raise BadValue(f"expected a keyword, found {body[start:].split()[0]!r}", start)
    word = found["plain"] or found["quoted"] or ""
    rest = body[found.end() :]
    if not rest:
        raise BadValue(f"{word} needs a value", start)
    return Line(word, rest, start, found.end())


def words(text: str) -> list[str]:
    """Split a value as OpenSSH does: both quotes, a few escapes, and a comment ends it.

    Raises:
        BadValue: a quote is never closed; ``offset`` is within ``text``.
    """
    if not _SPECIAL.search(text):
        return text.split()
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t\r\f":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _word(text, at)
            found.append(word)
    return found


def _word(text: str, start: int) -> tuple[str, int]:
    taken: list[str] = []
    quote, opened, at = "", start, start
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "\\" and (following in ("'", '"', "\\") or (not quote and following == " ")):
            at += 1
            taken.append(following)
        elif not quote and char in " \t\r\f":
            break
        elif not quote and char in "'\"":
            quote, opened = char, at
        elif char == quote:
            quote = ""
        else:
            taken.append(char)
        at += 1
    if quote:
        raise BadValue(f"the quote {quote} is never closed", opened)
    return "".join(taken), at


def seconds(text: str) -> int | None:
    """A time as in sshd_config(5), TIME FORMATS: ``90``, ``1m30s``; None for ``none``."""
    if text.lower() == "none":
        return None
    if not _TIME.match(text):
        raise BadValue(f"expected a time such as 30 or 1m30s, found {text!r}")
    total = sum(
        int(number) * _UNITS[unit.lower()]
        for number, unit in re.findall(r"(\d+)([smhdwSMHDW]?)", text)
    )
    if total >= 2**31:
        raise BadValue(f"{text!r} is too long a time")
    return total


def port(text: str) -> int:
    """A port from 1 to 65535, or the name of a TCP service."""
    if re.fullmatch(r"[0-9]{1,6}", text) and 0 < int(text) < 65536:
        return int(text)
    try:
        if text.isdigit():
            raise OSError
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        raise BadValue(f"expected a port from 1 to 65535, found {text!r}") from None


def count(text: str) -> int:
    """A whole number that is not negative."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadValue(f"expected a whole number, found {text!r}")
    return int(text)


def tries(text: str) -> int:
    """A number of attempts, at least 1."""
    if not (found := count(text)):
        raise BadValue("expected a whole number from 1 on, found '0'")
    return found


def _choice(**choices: str) -> Callable[[str], str]:
    table = {key.replace("_", "-"): value for key, value in choices.items()}

    def parse(text: str) -> str:
        if text.lower() in table:
            return table[text.lower()]
        listed = ", ".join(table)
        raise BadValue(f"expected one of {listed}; found {text!r}{did_you_mean(text, table)}")

    return parse


flag = _choice(yes="yes", true="yes", no="no", false="no")
_host_key = _choice(
    yes="yes",
    true="yes",
    ask="ask",
    accept_new="accept-new",
    no="no",
    off="no",
    false="no",
)
_pubkey = _choice(yes="yes", true="yes", no="no", false="no", unbound="yes", host_bound="yes")
_family = _choice(any="any", inet="inet", inet6="inet6")


def _same(text: str) -> str:
    return text


ONE: dict[str, Callable[[str], Value]] = {
    "hostname": _same,
    "user": _same,
    "port": port,
    "identityfile": _same,
    "certificatefile": _same,
    "identitiesonly": flag,
    "identityagent": _same,
    "hostkeyalias": _same,
    "proxyjump": _same,
    "stricthostkeychecking": _host_key,
    "hashknownhosts": flag,
    "connecttimeout": seconds,
    "connectionattempts": tries,
    "serveraliveinterval": seconds,
    "serveralivecountmax": count,
    "addressfamily": _family,
    "preferredauthentications": _same,
    "pubkeyauthentication": _pubkey,
    "passwordauthentication": flag,
    "kbdinteractiveauthentication": flag,
    "batchmode": flag,
    "ignoreunknown": _same,
}
"""Honoured keywords that take exactly one word: its parser."""

MANY = frozenset({"userknownhostsfile", "globalknownhostsfile", "include"})
"""Honoured keywords that take several words."""

ACCUMULATING = frozenset({"identityfile", "certificatefile"})
"""Keywords of which every line counts, not only the first."""


def parse(keyword: str, rest: str) -> Value:
    """The value of an honoured keyword; any other's text as it stands.

    Raises:
        BadValue: with an offset within ``rest``.
    """
    split = words(rest)
    if keyword == "proxycommand":
        return rest
    if keyword not in ONE and keyword not in MANY:
        return rest
    if not split or not all(split):
        raise BadValue("the value is empty")
    if keyword in MANY:
        return _several(split)
    if len(split) > 1:
        raise BadValue(f"expected one value, found {len(split)}", rest.find(split[1]))
    return ONE[keyword](split[0])


def _several(split: list[str]) -> tuple[str, ...]:
    if any(one.lower() == "none" for one in split):
        if len(split) > 1:
            raise BadValue("'none' must stand alone")
        return ()
    return tuple(split)
