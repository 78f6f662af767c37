"""What is kept of a run besides its events: who, where, which program, with which words."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """Who runs what.

    Args:
        argv: the words of the command line, without the program's name; empty from Python.
        parent: id of the run that this one repeats or goes on with.
        more: further data that a later run may need, JSON-able.
    """

    argv: Sequence[str] = ()
    parent: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def user() -> str:
    """Name of who runs us, or number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def machine() -> str:
    """Name of this machine."""
    return socket.gethostname()


def process(pid: int | None = None) -> str:
    """Names a process so that no later one is taken for it: machine's start, pid, its own start.

    From /proc (proc_pid_stat(5)); without that the pid alone. Empty if there is no such process.
    """
    pid = os.getpid() if pid is None else pid
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Behind the name, which may hold anything: the start is the 20th field from there.
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return str(pid) if _is_there(pid) else ""
    return f"{boot} {pid} {rest[19]}"


def is_alive(name: str, where: str) -> bool:
    """Whether the process that `process` named still runs; False on another machine than ``where``,
    where nobody can tell."""
    if where != machine():
        return False
    words = name.split()
    pid = words[1] if len(words) == 3 else name
    return pid.isdigit() and process(int(pid)) == name


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@dataclass(frozen=True, slots=True)
class Journaling:
    """That runs are written down: where, and what is kept of them besides.

    >>> from pathlib import Path
    >>> from opsrun.journal.about import Journaling
    >>> Journaling(Path("runs.sqlite")).about.argv
    ()
    """

    path: Path
    about: About = field(default_factory=About)
