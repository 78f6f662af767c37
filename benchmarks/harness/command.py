"""What the benchmarks' command lines have in common."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence


def numbers(text: str) -> list[int]:
    """``100,1000`` as numbers."""
    found = [int(part) for part in text.split(",")]
    if min(found) < 1:
        raise ValueError(text)
    return found


def command_line(program: str, words: Sequence[str], paths: Collection[str]) -> str:
    """How a benchmark was called, with no path of this machine's in it.

    Args:
        program: its file name.
        words: its arguments.
        paths: options whose value is a path.
    """
    shown: list[str] = []
    for word in words:
        option, equals, _ = word.partition("=")
        if option in paths:
            shown.append(f"{option}=PATH" if equals else option)
        elif shown and shown[-1] in paths:
            shown.append("PATH")
        else:
            shown.append(word)
    return shlex.join(["python", f"benchmarks/{program}", *shown])
