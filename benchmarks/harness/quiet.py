"""Whether a program, with all that it started, has come to rest: nothing left to compute.

A process at rest sleeps in every thread, and hasn't run between two looks at it. Who wakes another
one makes it runnable before going on (sched(7)), so a process that is still to get work from one of
the same tree is seen as runnable, or has run between the looks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_AT_REST = "SZTtIX"
"""States of proc_pid_status(5) in which nothing is computed; D (disk) is none of them."""

Look = dict[str, str]
"""What was seen of each thread, by its folder in /proc."""


def at_rest(roots: Iterable[int]) -> bool:
    """Whether these processes and their descendants all sleep; those that are gone do."""
    known = tuple(roots)
    first = look(known)
    return first is not None and first == look(known)


def look(roots: Iterable[int]) -> Look | None:
    """State and context switches of each thread; None if any of them runs."""
    seen: Look = {}
    for pid in tree(roots):
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            words = _status(f"/proc/{pid}/task/{thread}")
            if words and words[0] not in _AT_REST:
                return None
            seen[thread] = words
    return seen


def tree(roots: Iterable[int]) -> list[int]:
    """The processes and all their descendants."""
    found = list(roots)
    for pid in found:
        found += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def _status(folder: str) -> str:
    # The letter of the state comes first, the two counts of switches are the last lines.
    try:
        with open(f"{folder}/status") as file:
            text = file.read()
    except OSError:
        return ""
    state = text[text.index("State:\t") + 7]
    return state + text[text.rindex("voluntary_ctxt_switches:", 0, text.rindex("nonvol")) :]
