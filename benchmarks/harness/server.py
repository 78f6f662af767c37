"""The other side of the measurements: what the lab's sshd saw, and when it is quiet again."""

from __future__ import annotations

import os
import time
from pathlib import Path

from harness.supervise import children
from opsrun.lab import Lab

_STARTED = b"Starting session: command"
"""What sshd logs for each command that it starts (LogLevel VERBOSE)."""


class Server:
    """The servers of a lab that is up."""

    def __init__(self, lab: Lab) -> None:
        served = [server for server in lab.state.servers if server.hosts]
        self._logs = [lab.log(server.hosts[0]) for server in served]
        self._pids = [server.process.pid for server in served]
        self._read: dict[Path, int] = {}
        self.commands()

    def commands(self) -> int:
        """How many commands were started since the last call."""
        return sum(self._new(log).count(_STARTED) for log in self._logs)

    def _new(self, log: Path) -> bytes:
        with log.open("rb") as file:
            file.seek(self._read.get(log, 0))
            new = file.read()
            self._read[log] = file.tell()
        return new

    def cpu(self) -> float:
        """Seconds of processor time of the servers and of all their sessions that have ended."""
        return sum(_cpu(pid) for pid in self._pids)

    def settle(self, seconds: float = 20.0) -> bool:
        """Wait until no session is left, so that a run doesn't pay for the one before it."""
        until = time.monotonic() + seconds
        while any(children(pid) for pid in self._pids):
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True


def _cpu(pid: int) -> float:
    # proc_pid_stat(5): utime, stime, and those of children that were waited for; with theirs.
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
