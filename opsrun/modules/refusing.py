"""What it may mean when a host's tools refuse: a hint behind their own words."""

from __future__ import annotations

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


def hint_of(words: str) -> str:
    """A hint for what tools wrote to standard error; empty where their words say it all."""
    low = words.lower()
    return next((hint for phrase, hint in _HINTS if phrase.lower() in low), "")
