"""What a program costs the wire and its hosts, counted exactly: see `lockstep` and `quiet`.

Processes on the hosts are counted by the kernel: sshd and all that it starts live in a process
namespace (pid_namespaces(7)), where the numbers of processes follow one another. Root alone can
make one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from harness.behind import Files, Hosts, free_port
from harness.lockstep import Lockstep, Tally
from harness.packets import PacketLog
from harness.quiet import at_rest
from opsrun.lab import LabHost

_BENCHMARKS = Path(__file__).resolve().parents[1]
_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--")


def obstacle() -> str:
    """Why nothing can be counted here; empty if nothing is in the way."""
    if os.geteuid() != 0:
        return "only root makes process namespaces"
    try:
        tried = subprocess.run(
            [*_NAMESPACE, "cat", "/proc/sys/kernel/ns_last_pid"], capture_output=True, check=False
        )
    except OSError as error:
        return str(error)
    return "" if tried.returncode == 0 else "process namespaces can't be had"


@dataclass(frozen=True, slots=True)
class Counted:
    """A run, and what it cost."""

    status: int
    out: str
    err: str
    tallies: Mapping[str, Tally]
    forks: int
    """Processes that were started on the hosts, sshd's own among them."""


class CountedHosts:
    """Hosts behind a wire that counts; a context manager.

    Args:
        folder: an empty one, for everything that they need.
        count: how many hosts.
    """

    def __init__(self, folder: Path, count: int = 1) -> None:
        self._folder = folder
        self._count = count

    def __enter__(self) -> Self:
        lab = self._folder / "lab"
        self._process = subprocess.Popen(
            [
                *_NAMESPACE,
                sys.executable,
                "-m",
                "harness.counted_hosts",
                str(lab),
                str(self._count),
            ],
            cwd=_BENCHMARKS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with ExitStack() as undo:
            undo.callback(self._process.communicate)
            answer = json.loads(self._line())
            logs = {each["name"]: Path(each.pop("log")) for each in answer["hosts"]}
            self._logs = {name: PacketLog(path) for name, path in logs.items()}
            self.server: str = answer["version"]
            self._hosts = tuple(LabHost(**each) for each in answer["hosts"])
            files = Files(lab, self._hosts, answer["user"])
            self._port = free_port([host.address for host in self._hosts])
            self.hosts: Hosts = files.behind(self._folder / "behind", self._port)
            undo.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise RuntimeError("the counted hosts did not start")
        return line

    def _latest(self) -> int:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._line())

    def _rest(self) -> bool:
        return at_rest([self._process.pid])

    def run(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Counted:
        """Run a program that reaches them as `hosts` says.

        Raises:
            OSError: it could not be started, or a port was taken meanwhile.
        """
        places = {
            host.name: ((host.address, self._port), (host.address, host.port))
            for host in self._hosts
        }
        for log in self._logs.values():
            log.new()
        before = self._latest()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                argv, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
            wire = Lockstep(
                places,
                lambda: at_rest([process.pid]),
                self._rest,
                lambda host: self._logs[host].new(),
            )
            try:
                wire.run(lambda: process.poll() is not None)
            except BaseException:
                process.kill()
                process.wait()
                raise
            finally:
                wire.close()
            texts = [_read(file) for file in (out, err)]
        forks = self._latest() - before
        return Counted(process.returncode, texts[0], texts[1], wire.tallies, forks)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
