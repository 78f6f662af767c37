"""Who is running on this machine: see proc(5)."""

from __future__ import annotations

import os
import select
from pathlib import Path


def mentioning(text: str | os.PathLike[str]) -> list[int]:
    """Pids of all processes whose command line or environment holds ``text``, but ours."""
    wanted = os.fsencode(text)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if any(wanted in (entry / name).read_bytes() for name in ("cmdline", "environ")):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_gone(pid: int, seconds: float = 30.0) -> bool:
    """Wait until a process, any process, has ended; False when it doesn't in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)
