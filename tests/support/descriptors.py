"""Sockets, pipes and process handles of this process, as the kernel counts them."""

from __future__ import annotations

import os
import time

_KINDS = ("socket:", "pipe:", "anon_inode:[pidfd]")


def open_now() -> set[str]:
    """Numbers and identities of those that are open."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue  # the one that listdir itself had open
        if target.startswith(_KINDS):
            found.add(f"{number} {target}")
    return found


def left_open(before: set[str], seconds: float = 10.0) -> set[str]:
    """What was not open before and is not closed in time: a transport's thread ends by itself."""
    deadline = time.monotonic() + seconds
    while (left := open_now() - before) and time.monotonic() < deadline:
        # Also lets the hub turn: gevent closes a socket from there.
        time.sleep(0.001)
    return left
