"""What the operating system allows this process, looked at before the first connection."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

RESERVE = 48
"""Descriptors for everything but hosts: files, sinks, the event loop, native threads."""


def open_files() -> int:
    """How many more files this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 20
    return soft - len(os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ())


def raise_open_files() -> None:
    """Use the hard limit on open files; for a program's entry point, never for the library."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            # Some systems refuse an infinite limit; the soft one then stays and is counted with.
            pass


@dataclass(frozen=True, slots=True)
class Needs:
    """What one host takes of this machine while it is worked on."""

    files: int = 2
    """Descriptors: a socket and a spare, or the pipes of a process."""
    threads: int = 2
    """Threads, on an engine whose tasks are threads: the worker's and the connection's."""
    processes: int = 0
    """Processes of this machine's, with the threads that these have."""


def affordable_forks(wanted: int, files_per_host: int) -> int:
    """How many of ``wanted`` hosts the free descriptors allow at once; at least 1."""
    return max(1, min(wanted, (open_files() - RESERVE) // files_per_host))
