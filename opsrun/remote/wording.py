"""A script as words that every family of shells reads alike."""

from __future__ import annotations


def without_specials(text: str) -> str:
    """``text`` in letters, digits and ``\\0NNN`` for all else, for ``printf %b`` to undo."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char in " /-") else _octal(char)
        for char in text
    )


def for_any_shell(script: str) -> str:
    """What a login shell is to read so that ``/bin/sh`` runs ``script`` in its place.

    csh takes no newline in a word, and an exclamation mark in none.
    """
    return f"exec /bin/sh -c 'eval \"`printf %b \"$1\"`\"' sh '{without_specials(script)}'"


def _octal(char: str) -> str:
    return "".join(f"\\0{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))
