"""The name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or None.

    >>> nearest("wbe", ["web", "db"])
    'web'
    """
    # Nobody has mistyped anything, as a rule.
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence's end, ready to be appended: ``"; did you mean 'web'?"`` or nothing."""
    guess = nearest(name, known)
    return f"; did you mean {guess!r}?" if guess else ""
