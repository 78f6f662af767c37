"""The hosts: a lab whose logins begin in a directory of each host's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.supervise import children

from opsrun.errors import LabError
from opsrun.lab import Lab, LabHost

_SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
)

_ENTER = """\
#!/bin/sh
cd "$HOME" || exit 1
case $SSH_ORIGINAL_COMMAND in
internal-sftp*) exec {sftp_server} ;;
esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""
"""What logins run. All hosts are one machine, and the same words name the same path on all of
them; a path that doesn't begin with a slash is each host's own."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 5.0


class Hosts:
    """Real SSH servers on loopback, up as long as the block lasts.

    Raises:
        LabError: this machine has no sftp-server.
    """

    def __init__(self, folder: Path, count: int) -> None:
        sftp_server = next((path for path in _SFTP_SERVERS if Path(path).exists()), None)
        if sftp_server is None:
            raise LabError("there is no sftp-server (Debian: openssh-sftp-server)")
        enter = folder / "enter.sh"
        enter.write_text(_ENTER.format(sftp_server=sftp_server))
        enter.chmod(0o755)
        self.lab = Lab(
            folder / f"lab{count}",
            hosts=count,
            server="sshd",
            sshd_options=[f'ForceCommand "{enter}"'],
        )
        # What outlives its sshd becomes our child, prctl(2), and its processor time is not lost.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._orphans_cpu = 0.0

    def __enter__(self) -> Self:
        self.lab.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lab.__exit__(kind, error, trace)

    def home(self, host: LabHost) -> Path:
        """Where a host's logins begin."""
        return self.lab.directory / "home" / host.name

    def empty(self, name: str) -> None:
        """Have an empty directory of this name on every host."""
        for host in self.lab.hosts:
            shutil.rmtree(self.home(host) / name, ignore_errors=True)
            (self.home(host) / name).mkdir()

    def cpu(self) -> float:
        """Seconds of processor time of the servers, and of all that they started and that ended."""
        servers = [server.process.pid for server in self.lab.state.servers if server.hosts]
        until = time.monotonic() + _PATIENCE
        while orphans := set(children(os.getpid())).difference(servers):
            for orphan in orphans:
                pid, _, used = os.wait4(orphan, os.WNOHANG)
                self._orphans_cpu += used.ru_utime + used.ru_stime if pid else 0.0
            if time.monotonic() > until:
                break
            time.sleep(0.01)
        return self._orphans_cpu + sum(map(_cpu, servers))


def _cpu(pid: int) -> float:
    # Fields 14 to 17 of proc_pid_stat(5): own and children's user and system time. The second
    # field, in parentheses, may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS
