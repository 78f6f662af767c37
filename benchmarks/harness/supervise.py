"""Runs one program and measures it and all that it starts, from a small process of its own.

``python -I supervise.py`` reads a JSON object from standard input (``argv env cwd stdout stderr
seconds``) and prints one: see `measure.Measurement`. Being the reaper of its descendants (prctl(2),
PR_SET_CHILD_SUBREAPER), it also inherits what they leave behind, such as the masters of
ControlPersist: those are ended, and their processor time is counted too.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_EVERY = 0.25
_SAMPLE_SHARE = 25
"""Between two samples lies at least this many times what a sample took: 4 % of one core at most."""
_GRACE = 3.0


def children(pid: int) -> list[int]:
    """Processes that any thread of ``pid`` has started and not yet waited for."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found = children(pid)
    for process in found:
        found += children(process)
    return found


def _proportional_kb(pid: int) -> int:
    # PSS: pages that processes share are split among them, so that the sum counts each once.
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"Pss:"))
    except (OSError, StopIteration):
        return 0


class Sampler(threading.Thread):
    """Watches the memory of all descendants together; keeps the largest sum seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_kb = self.most = 0
        self.over = threading.Event()

    def run(self) -> None:
        pause = 0.05
        while not self.over.wait(pause):
            before = time.monotonic()
            processes = descendants(os.getpid())
            self.most = max(self.most, len(processes))
            if len(processes) > 1:
                self.peak_kb = max(self.peak_kb, sum(map(_proportional_kb, processes)))
            pause = max(_SAMPLE_EVERY, _SAMPLE_SHARE * (time.monotonic() - before))


def _end_all() -> None:
    """TERM, a grace, KILL; for every process that descends from this one, and no other."""
    for number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
        for process in descendants(os.getpid()):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.01)
            except ChildProcessError:
                return


def _spawn(spec: dict[str, Any]) -> int:
    files = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.chdir(spec["cwd"])
    return os.posix_spawn(
        spec["argv"][0],
        spec["argv"],
        spec["env"],
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, spec["stdout"], files, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, spec["stderr"], files, 0o600),
        ],
        setsid=True,
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    spec = json.load(sys.stdin)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: (_end_all(), os._exit(1)))
    signal.signal(signal.SIGALRM, lambda *_: _end_all())
    sampler = Sampler()
    sampler.start()
    started = time.monotonic()
    pid = _spawn(spec)
    signal.alarm(spec["seconds"])
    try:
        _, status, _ = os.wait4(pid, 0)
        timed_out = False
    except ChildProcessError:
        status, timed_out = 9, True
    wall = time.monotonic() - started
    signal.alarm(0)
    sampler.over.set()
    left = len(descendants(os.getpid()))
    _end_all()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    report = {
        "wall": wall,
        "cpu": _cpu(),
        "largest_kb": peak,
        "total_kb": max(peak, sampler.peak_kb),
        "processes": max(1, sampler.most),
        "left": left,
        "status": os.waitstatus_to_exitcode(status),
        "timed_out": timed_out,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
