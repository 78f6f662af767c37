"""What it may mean when a host's tools refuse: a hint behind their own words."""

from __future__ import annotations

import re

from opsrun.errors import HostError, TransferFailed

REFUSALS = (TransferFailed, HostError)
"""What a host refused: a module may catch it, and the task fails with its words. The classes below
`HostError` say that there is no host any more to ask; they are left to fly."""

_HINTS = (
    ("Read-only file system", "it is mounted read-only"),
    ("No space left on device", "the file system is full: what was there is as it was"),
    ("quota exceeded", "the user's quota there is used up"),
    ("Operation not permitted", "the file is another user's, or immutable: lsattr(1) shows that"),
    ("Device or resource busy", "is it a mount of its own? Then it can't be replaced"),
    ("Resource busy", "is it a mount of its own? Then it can't be replaced"),
    ("Text file busy", "the program is running: it can't be written in place"),
    ("Input/output error", "the disk is failing"),
    ("Stale file handle", "the server of that file system has lost it: mount it anew"),
)


# Each shell has its own way: `opsrun: 9: eval:`, `opsrun: line 9:`, `opsrun: eval: line 9:`,
# `W: opsrun:`; the name is the session's.
_LINE = r"(?:(?:line )?\d+: )?"
_PLACE = re.compile(rf"^(?:[WE]: )?opsrun: {_LINE}(?:eval(?:\[\d+\])?: {_LINE})?", re.MULTILINE)


def said(words: str) -> str:
    """What a script wrote to standard error, without the shell's telling of lines of ours."""
    return _PLACE.sub("", words.strip())


def explained(words: str) -> str:
    """The same, and what it may mean."""
    plain = said(words)
    hint = hint_of(plain)
    return f"{plain} ({hint})" if hint else plain


def hint_of(words: str) -> str:
    """A hint for what tools wrote to standard error; empty where their words say it all."""
    low = words.lower()
    return next((hint for phrase, hint in _HINTS if phrase.lower() in low), "")
