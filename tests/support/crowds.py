"""SSH servers that count who comes and drop whom there is no room for; and names of theirs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
from support import evil
from support.evil import EvilSSH

from opsrun import Fleet
from opsrun.report import Report

LONG = 30.0


class Crowd:
    """Who is between a server's accept and its yes; of one server, or of several together."""

    def __init__(self, allowed: int = 1 << 20, hold_until: int = 0) -> None:
        self.inside = self.most = self.dropped = self.logins = 0
        self._allowed = allowed
        self._hold_until = hold_until
        self._lock = threading.Lock()
        self._full = threading.Event()

    def enter(self) -> bool:
        """Whether there is room for one more."""
        with self._lock:
            if self.inside >= self._allowed:
                self.dropped += 1
                return False
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside >= self._hold_until:
                self._full.set()
            return True

    def leave(self) -> None:
        """Let one in; nobody before as many are here at once as ever will be."""
        self._full.wait(LONG)
        with self._lock:
            self.inside -= 1
            self.logins += 1


class Counting(EvilSSH):
    """A server that counts its crowd, and drops whom there is no room for."""

    def __init__(self, *, crowd: Crowd | None = None, **options: int) -> None:
        self.crowd = crowd or Crowd(**options)
        super().__init__(on_password=self._accept)

    def _serve(self, connection: socket.socket) -> None:
        if self.crowd.enter():
            super()._serve(connection)
        else:
            connection.sendall(b"Exceeded MaxStartups\r\n")

    def _accept(self, server: EvilSSH) -> int:
        self.crowd.leave()
        return paramiko.AUTH_SUCCESSFUL


class Dropping(EvilSSH):
    """A server that drops the first connections, and each time runs ``between`` first."""

    def __init__(
        self, times: int, words: bytes = b"", between: Callable[[], None] = lambda: None
    ) -> None:
        self.seen = 0
        self._times = times
        self._words = words
        self._between = between
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        self.seen += 1
        if self.seen > self._times:
            super()._serve(connection)
            return
        self._between()
        connection.sendall(self._words)


def fleet_of(
    tmp_path: Path, places: dict[str, tuple[str, int]], *more: str, **options: Any
) -> Fleet:
    """Hosts by name, each at an address and port; they know the evil servers' key and password."""
    key = evil.host_key()
    known = tmp_path / "known_hosts"
    lines = {
        f"[{address}]:{port} {key.get_name()} {key.get_base64()}\n"
        for address, port in places.values()
    }
    known.write_text("".join(lines))
    inventory = tmp_path / "inventory.ini"
    hosts = [f"{n} ansible_host={a} ansible_port={p}" for n, (a, p) in places.items()]
    variables = [
        "[all:vars]",
        "ansible_user=alice",
        f"ansible_password={evil.FULL}",
        f"ansible_ssh_common_args=-o UserKnownHostsFile={known} -o PubkeyAuthentication=no",
    ]
    inventory.write_text("\n".join([*hosts, *variables, *more]) + "\n")
    return Fleet(inventory, **{"forks": 64, "ssh_config": "none"} | options)


def at(server: Any, names: int) -> dict[str, tuple[str, int]]:
    """So many names of one server."""
    return {f"web{number:02}": ("127.0.0.1", server.port) for number in range(names)}


def everybody(report: Report) -> set[str]:
    """Outcomes, and what is wrong with those that are not well."""
    return {f"{r.outcome}: {r.error.message}" if r.error else str(r.outcome) for r in report}
