"""Bring a lab up: keys, files, servers, in that order, and wait until every server answers."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opsrun.errors import LabError
from opsrun.lab import folder as files
from opsrun.lab import process, state
from opsrun.lab.ending import clear
from opsrun.lab.folder import Folder, write_private
from opsrun.lab.keys import new_key
from opsrun.lab.launch import Backend, Launch, Plan
from opsrun.lab.layout import place
from opsrun.lab.ready import silent_hosts
from opsrun.lab.state import LabState, ServerProcess

_TAKEN = "Address already in use"
_ATTEMPTS = 5


class _AddressTaken(LabError):
    """Another program was quicker to listen on the port that we had found free."""


@dataclass(frozen=True, slots=True)
class Start:
    """A lab to bring up in a folder that is there, empty, locked, and ours."""

    folder: Folder
    backend: Backend
    names: tuple[str, ...]
    shared: bool
    tied: bool
    seconds: float
    """For all servers to answer."""

    def __call__(self) -> LabState:
        """Bring it up.

        Raises:
            LabError: a server does not start or not answer; the folder is empty again then.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            new = self._new_state()
            try:
                return self._launch(new)
            except BaseException as error:
                clear(self.folder, state.load(self.folder) or new)
                if not isinstance(error, _AddressTaken) or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _new_state(self) -> LabState:
        return LabState(
            id=secrets.token_hex(8),
            kind=self.backend.kind,
            version=self.backend.version,
            user=account(),
            shared=self.shared,
            hosts=place(self.names),
        )

    def _launch(self, new: LabState) -> LabState:
        # Written down before anything runs, so that `down` finds it whatever happens to us.
        state.save(self.folder, new)
        self._write_files(new)
        plan = Plan(self.folder, new.id, new.user, new.hosts, self.shared, self.tied)
        launches = self.backend.launches(plan)
        servers = tuple(
            ServerProcess(process.spawn(launch.argv, launch.env, launch.log), launch.hosts)
            for launch in launches
        )
        new = new.with_servers(servers, complete=False)
        state.save(self.folder, new)
        self._await(new, launches)
        new = replace(new, complete=True)
        state.save(self.folder, new)
        return new

    def _write_files(self, new: LabState) -> None:
        folder = self.folder
        folder.make_rooms()
        client = new_key()
        write_private(folder.private_key, client.private)
        write_private(folder.private_key.with_suffix(".pub"), client.public + "\n")
        write_private(folder.authorized_keys, client.public + "\n")
        common = new_key() if self.shared else None
        public: dict[str, str] = {}
        for host in new.hosts:
            pair = common or new_key()
            write_private(folder.host_key(host.name), pair.private)
            public[host.name] = pair.public
            folder.make_home(host.name)
        write_private(folder.known_hosts, files.known_hosts_text(new.hosts, public))
        write_private(folder.inventory, files.inventory_text(new.hosts, new.user, folder))
        write_private(folder.ssh_config, files.ssh_config_text(new.hosts, new.user, folder))

    def _await(self, new: LabState, launches: Sequence[Launch]) -> None:
        pairs = list(zip(new.servers, launches, strict=True))

        def check() -> None:
            for server, launch in pairs:
                if process.reap(server.process.pid):
                    raise _failure(launch)

        silent = silent_hosts(new.hosts, self.seconds, patient=True, check=check)
        for launch in launches:
            # A server of several addresses goes on with those that it could get.
            if _TAKEN in _tail(launch):
                raise _failure(launch)
        if silent:
            names = ", ".join(host.name for host in silent[:5])
            raise LabError(
                f"{len(silent)} of {len(new.hosts)} servers did not answer"
                f" in {self.seconds:g} s: {names}"
            )


def account() -> str:
    """The name of the account that we run as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid{os.geteuid()}"


def _tail(launch: Launch) -> str:
    try:
        return launch.log.read_text(errors="replace")[-2000:].strip()
    except OSError:
        return ""


def _failure(launch: Launch) -> LabError:
    said = _tail(launch)
    kind = _AddressTaken if _TAKEN in said else LabError
    return kind(f"the server of {launch.hosts[0]} ended at once: {said or 'it said nothing'}")
