"""What a lab's folder remembers of the lab: its hosts, and the processes that serve them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from opsrun.errors import LabError
from opsrun.lab.folder import Folder, write_private
from opsrun.lab.layout import LabHost
from opsrun.lab.process import ProcessId

_VERSION = 1


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server process, and the hosts that it serves."""

    process: ProcessId
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabState:
    """A lab as it was started."""

    id: str
    """Random; in the environment of all that runs on the lab's hosts, as ``OPSRUN_LAB``."""
    kind: str
    """``sshd`` or ``mock``."""
    version: str
    """What the servers are, for people: ``OpenSSH_9.2p1``."""
    user: str
    shared: bool
    hosts: tuple[LabHost, ...]
    servers: tuple[ServerProcess, ...] = ()
    complete: bool = False
    """True once every server had answered; False while starting, and if that went wrong."""

    def process_of(self, host: str) -> ProcessId | None:
        """The process that serves ``host``, as far as it was started."""
        return next((server.process for server in self.servers if host in server.hosts), None)

    def with_servers(self, servers: tuple[ServerProcess, ...], *, complete: bool) -> LabState:
        """The same lab with these processes."""
        return replace(self, servers=servers, complete=complete)


def save(folder: Folder, state: LabState) -> None:
    """Write ``lab.json``."""
    write_private(folder.state, json.dumps({"format": _VERSION, **asdict(state)}, indent=1))


def load(folder: Folder) -> LabState | None:
    """Read ``lab.json``; None where there is no lab.

    Raises:
        LabError: it can't be read, or is not what this version of opsrun writes.
    """
    try:
        document = json.loads(folder.state.read_bytes())
        if document.pop("format") != _VERSION:
            raise ValueError("another format")
        return _restore(document)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LabError(f"can't read {folder.state}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LabError(f"{folder.state} was not written by this version of opsrun") from error


def _restore(document: dict[str, Any]) -> LabState:
    hosts = tuple(LabHost(**host) for host in document.pop("hosts"))
    servers = tuple(
        ServerProcess(ProcessId(**server["process"]), tuple(server["hosts"]))
        for server in document.pop("servers")
    )
    return LabState(hosts=hosts, servers=servers, **document)
