"""What one output has otherwise than another, as a unified diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MAX_LINES = 5000
"""Longer outputs are not compared line by line: the work grows with the square of the lines."""


def differences(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Lines of a unified diff without its two file names; nothing where the texts are equal.

    Outputs past `MAX_LINES` give the part between what they have in common at both ends, as one
    hunk: right, though not as short as it could be.
    """
    if max(len(old), len(new)) <= MAX_LINES:
        from difflib import unified_diff

        lines = unified_diff(old, new, lineterm="")
        return (line for index, line in enumerate(lines) if index > 1)
    return _one_hunk(old, new)


def _one_hunk(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    room = shortest - head
    tail = next((i for i in range(room) if old[-1 - i] != new[-1 - i]), room)
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    if gone or come:
        yield f"@@ -{_range(head, len(gone))} +{_range(head, len(come))} @@"
        yield from (f"-{line}" for line in gone)
        yield from (f"+{line}" for line in come)


def _range(start: int, count: int) -> str:
    """Lines count from 1; an empty range names the line before it, as GNU diff does."""
    return f"{start + bool(count)},{count}"
