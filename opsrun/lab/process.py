"""Processes of a lab: started, recognised, and ended with all that they started. See proc(5).

A process is known by its pid, its start time and the boot in which it runs, so that a number that
was given out again is never taken for it. All that a lab started is found by four marks together:
descent, the command line of the servers, the environment of the sessions, and the UTS namespace.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from opsrun.errors import LabError

TAG = "OPSRUN_LAB"
"""Environment variable that every session of a lab carries, with the lab's id."""

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, for all time."""

    pid: int
    started: int
    """Clock ticks from boot to its start: field 22 of ``/proc/PID/stat``."""
    boot: str
    """The boot's random id."""

    @property
    def running(self) -> bool:
        """True while this very process lives (a zombie doesn't)."""
        return identify(self.pid) == self


@dataclass(frozen=True, slots=True)
class Marks:
    """By what the processes of a lab are told from all others."""

    servers: tuple[ProcessId, ...]
    """Server processes that were written down when they were started."""
    command: re.Pattern[bytes]
    """Found in the command line of every server of this lab, and of nothing else."""
    lab_id: str


_KERNEL_THREAD = 0x00200000
"""PF_KTHREAD of field 9 of ``/proc/PID/stat``."""


@dataclass(frozen=True, slots=True)
class _Entry:
    pid: int
    parent: int
    started: int
    program: bool
    """It has a command line and an environment of its own, as no thread of the kernel has."""


@cache
def boot_id() -> str:
    """The id of the running kernel's boot.

    Raises:
        LabError: this is no Linux.
    """
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError as error:
        raise LabError("the lab needs Linux: it finds its processes in /proc") from error


def _entry(pid: int) -> _Entry | None:
    stat = _read(pid, "stat")
    if not stat:
        return None
    # The name before the last parenthesis may itself hold spaces and parentheses.
    state, parent, *rest = stat[stat.rindex(b")") + 2 :].split()
    if state in b"ZXx":
        return None
    return _Entry(pid, int(parent), int(rest[17]), not int(rest[4]) & _KERNEL_THREAD)


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; None when there is none, or only its zombie."""
    entry = _entry(pid)
    return ProcessId(pid, entry.started, boot_id()) if entry else None


def _snapshot() -> dict[int, _Entry]:
    entries = (_entry(int(name)) for name in os.listdir(_PROC) if name.isdigit())
    return {entry.pid: entry for entry in entries if entry}


def _read(pid: int, name: str) -> bytes:
    # Thousands of times when a lab ends: no object is made that the kernel does not ask for.
    try:
        descriptor = os.open(f"{_PROC}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    found = b""
    try:
        while data := os.read(descriptor, 65_536):
            found += data
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return found


def _uts(pid: int | str) -> str:
    try:
        return os.readlink(f"{_PROC}/{pid}/ns/uts")
    except OSError:
        return ""


def find(marks: Marks) -> set[ProcessId]:
    """All processes of a lab that live now, without the caller and its ancestors."""
    alive = _snapshot()
    tag = f"{TAG}={marks.lab_id}".encode()
    roots = {server.pid for server in marks.servers if server.running}
    programs = [entry.pid for entry in alive.values() if entry.program]
    roots |= {pid for pid in programs if marks.command.search(_read(pid, "cmdline"))}
    namespaces = {_uts(pid) for pid in roots} - {_uts("self"), ""}
    found = roots | {pid for pid in programs if _has(tag, _read(pid, "environ"))}
    if namespaces:
        found |= {pid for pid in programs if _uts(pid) in namespaces}
    found = _with_descendants(found, alive) - _ancestry(alive)
    return {ProcessId(pid, alive[pid].started, boot_id()) for pid in found if pid in alive}


def _has(variable: bytes, environment: bytes) -> bool:
    return variable in environment and variable in environment.split(b"\0")


def _with_descendants(pids: Iterable[int], alive: Mapping[int, _Entry]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in alive.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: set[int] = set()
    todo = list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, ())
    return found


def _ancestry(alive: Mapping[int, _Entry]) -> set[int]:
    chain = {0, os.getpid()}
    pid = os.getppid()
    while pid not in chain:
        chain.add(pid)
        pid = alive[pid].parent if pid in alive else 0
    return chain


def spawn(argv: tuple[str, ...], env: Mapping[str, str], log: Path) -> ProcessId:
    """Start a server in a session of its own, with nothing on stdin and all output in ``log``.

    Raises:
        LabError: it can't be started.
    """
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE),
        )
    except OSError as error:
        raise LabError(f"can't start {argv[0]}: {error.strerror}") from error
    # A child that has ended keeps its entry until it is waited for, but counts as no process.
    return identify(pid) or ProcessId(pid, -1, boot_id())


def reap(pid: int) -> bool:
    """Take the exit status of a child of ours, if it has ended: True then, and only once."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _send(process: ProcessId, number: signal.Signals) -> None:
    """Signal this process and no other, not even one that gets its pid at this moment."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError:  # a kernel before 5.3, or a sandbox that has no pidfd
        if process.running:
            _kill(process.pid, number)
        return
    try:
        if process.running:
            signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        os.close(descriptor)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _wait_gone(process: ProcessId, deadline: float) -> None:
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        while process.running and time.monotonic() < deadline:
            time.sleep(0.005)
    else:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if process.running:
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        os.close(descriptor)
    reap(process.pid)


def end(marks: Marks, seconds: float = 10.0) -> set[ProcessId]:
    """End everything that belongs to a lab, and nothing else; what is left of it is returned.

    All of it is stopped before any of it is killed: a process that is stopped has no more
    children, and one whose parent still lives can still be found.
    """
    deadline = time.monotonic() + seconds
    left = find(marks)
    while left and time.monotonic() < deadline:
        stopped: set[ProcessId] = set()
        while new := find(marks) - stopped:
            for process in new:
                _send(process, signal.SIGSTOP)
            stopped |= new
        for process in stopped:
            _send(process, signal.SIGKILL)
        for process in stopped:
            if _ours(process):
                _wait_gone(process, deadline)
        left = find(marks)
    return left


def _ours(process: ProcessId) -> bool:
    """Whether we may end it: waiting for one that took no signal would be in vain."""
    try:
        os.kill(process.pid, 0)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    return True
