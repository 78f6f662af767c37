"""A fleet of SSH servers on loopback: started, looked at, and ended without a trace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from opsrun.errors import LabError, UsageError
from opsrun.lab import openssh, state
from opsrun.lab.ending import clear
from opsrun.lab.folder import Folder
from opsrun.lab.launch import Backend
from opsrun.lab.layout import DEFAULT_HOSTS, LabHost, checked_names
from opsrun.lab.mocking import Mock, mock_version
from opsrun.lab.ready import silent_hosts
from opsrun.lab.starting import Start
from opsrun.lab.state import LabState

ServerKind = Literal["auto", "sshd", "mock"]

DEFAULT_DIR = ".lab"

_SHARED_ABOVE = 64
"""More hosts than these share sshd processes unless asked not to."""

_STATUS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host of a lab, as it is now."""

    host: LabHost
    pid: int | None
    """Its server process, as long as that lives."""
    answers: bool
    """It greeted as an SSH server."""

    @property
    def up(self) -> bool:
        return self.pid is not None and self.answers


class Lab:
    """Real SSH servers on loopback addresses, each with a name and a host key of its own.

    As a context manager it is up inside the block, and gone after it whatever happens, even if
    this process is killed. `up` and `down` do the same by hand, for a lab that outlives us.

    Args:
        directory: where keys, inventory and logs go; made by `up` and removed by `down`.
        hosts: how many (see `opsrun.lab.layout.host_names`), or their names.
        server: ``sshd``, ``mock`` (mock-ssh-server), or whichever there is.
        sshd_options: further lines for sshd_config; they win over ours.
        shared: let one sshd serve sixteen hosts, with one host key for all and the machine's
            own host name; None for more than 64 hosts.
        password: also lets the user in, without any key; mock servers only.

    Raises:
        UsageError: an argument that no lab can be made of.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] = DEFAULT_DIR,
        *,
        hosts: int | Sequence[str] = DEFAULT_HOSTS,
        server: ServerKind = "auto",
        sshd_options: Sequence[str] = (),
        shared: bool | None = None,
        password: str | None = None,
    ) -> None:
        self._folder = Folder.at(directory)
        self._names = checked_names(hosts)
        self._server: ServerKind = server
        self._options = tuple(sshd_options)
        self._shared = len(self._names) > _SHARED_ABOVE if shared is None else shared
        self._password = password
        self._state: LabState | None = None

    @property
    def directory(self) -> Path:
        """The lab's folder; absolute."""
        return self._folder.root

    @property
    def inventory(self) -> Path:
        """Inventory of all hosts, in groups, with all that is needed to log in."""
        return self._folder.inventory

    @property
    def ssh_config(self) -> Path:
        """For ``ssh -F``."""
        return self._folder.ssh_config

    @property
    def known_hosts(self) -> Path:
        """The key of each host."""
        return self._folder.known_hosts

    @property
    def private_key(self) -> Path:
        """Key of the only user that can log in."""
        return self._folder.private_key

    @property
    def state(self) -> LabState:
        """The lab that runs.

        Raises:
            LabError: it isn't up.
        """
        if self._state is None:
            raise LabError(f"no lab is up in {self.directory}; start one: opsrun lab up")
        return self._state

    @property
    def hosts(self) -> tuple[LabHost, ...]:
        """The hosts that run."""
        return self.state.hosts

    @property
    def user(self) -> str:
        """The account that all sessions run as: our own."""
        return self.state.user

    def log(self, host: str) -> Path:
        """What the server of ``host`` wrote."""
        server = next(server for server in self.state.servers if host in server.hosts)
        return self._folder.log("mock" if self.state.kind == "mock" else server.hosts[0])

    def __enter__(self) -> Self:
        self.up(tied=True)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.down()

    def up(self, seconds: float = 60.0, *, tied: bool = False) -> bool:
        """Start the servers, and return once each of them has answered.

        Args:
            seconds: how long that may take.
            tied: let the servers die with the thread that calls this.

        Returns:
            False when this lab was up already.

        Raises:
            UsageError: a lab of other hosts is up in this folder.
            LabError: the servers don't start; nothing of them is left then.
        """
        backend = self._backend()
        self._folder.make()
        with self._folder.locked():
            found = state.load(self._folder)
            if found is not None and _is_whole(found):
                self._require_same(found)
                self._state = found
                return False
            if found is not None:
                clear(self._folder, found)
            self._folder.require_empty()
            start = Start(self._folder, backend, self._names, self._shared, tied, seconds)
            try:
                self._state = start()
            except BaseException:
                self._folder.root.rmdir()
                raise
        return True

    def down(self) -> bool:
        """End all that this lab started, and remove its folder; False when there is nothing.

        Raises:
            LabError: something could not be ended; the folder stays, to try again.
        """
        self._state = None
        if not self._folder.root.is_dir():
            return False
        with self._folder.locked():
            found = state.load(self._folder)
            if found is None:
                return False
            clear(self._folder, found)
            self._folder.root.rmdir()
        return True

    def load(self) -> bool:
        """Take up a lab that was started before; False when there is none."""
        self._state = state.load(self._folder)
        return self._state is not None

    def status(self) -> list[HostStatus]:
        """Every host, its process, and whether it answers now."""
        silent = set(silent_hosts(self.hosts, _STATUS_SECONDS, patient=False))
        return [
            HostStatus(host, _pid(self.state, host), answers=host not in silent)
            for host in self.hosts
        ]

    def _require_same(self, found: LabState) -> None:
        if tuple(host.name for host in found.hosts) != self._names:
            raise UsageError(
                f"a lab of {len(found.hosts)} hosts, not of these {len(self._names)}, is up in"
                f" {self.directory}: opsrun lab down, or give another --dir"
            )
        if self._server not in ("auto", found.kind):
            raise UsageError(f"the lab in {self.directory} is up, and served by {found.kind}")

    def _backend(self) -> Backend:
        if self._server == "mock" or (self._server == "auto" and self._password is not None):
            return self._mock("")
        if self._password is not None:
            raise UsageError("a lab of sshd has no password: its accounts are the system's")
        reason = openssh.obstacle()
        if reason is None:
            return openssh.OpenSSH.of_system(self._options)
        if self._server == "sshd":
            raise LabError(f"can't use sshd: {reason}")
        return self._mock(f"{reason}, and ")

    def _mock(self, why: str) -> Backend:
        if self._options:
            raise UsageError(f"{why}mock-ssh-server takes no sshd options")
        version = mock_version()
        if version is None:
            raise LabError(f"{why}mock-ssh-server is not installed: pip install 'opsrun[lab]'")
        return Mock(f"mock-ssh-server {version}", self._password)


def _is_whole(found: LabState) -> bool:
    return found.complete and all(server.process.running for server in found.servers)


def _pid(found: LabState, host: LabHost) -> int | None:
    server = found.process_of(host.name)
    return server.pid if server is not None and server.running else None
