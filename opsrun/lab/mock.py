"""mock-ssh-server as a lab's hosts, where there is no sshd: ``python -m opsrun.lab.mock FILE``.

One process serves all hosts of a lab, each on its own address and with its own host key. What a
command's end looks like to the client is as with OpenSSH: end of file reaches its stdin, exit
status and signal are told, and the channel stays open while something holds its output.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from mockssh import sftp
from mockssh.server import Handler, Server
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL

from opsrun.lab.mock_session import run_command


@dataclass(frozen=True, slots=True)
class MockHost:
    """What a server has to know of the host that it plays."""

    address: str
    port: int
    host_key: str
    """File with the host's private key."""
    user: str
    client_key: str
    """File with the key that ``user`` logs in with."""
    env: Mapping[str, str]
    """Environment of the sessions."""
    password: str | None = None
    """Lets ``user`` in as well, where it is given."""


class LabHandler(Handler):  # type: ignore[misc]
    """One connection. The parent's `__init__` is left out: its host key is known to everybody."""

    server: LabServer

    def __init__(self, server: LabServer, client_conn: tuple[socket.socket, Any]) -> None:
        self.server = server
        self.transport = paramiko.Transport(client_conn[0])
        self.transport.add_server_key(paramiko.Ed25519Key(filename=server.mock_host.host_key))
        self.transport.set_subsystem_handler("sftp", sftp.SFTPServer)

    def run(self) -> None:
        """Serve the connection to its end; one that is no SSH ends at once."""
        try:
            self.transport.start_server(server=self)
        except (paramiko.SSHException, EOFError, OSError):
            self.transport.close()

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Start ``command`` beside whatever else runs over this connection."""
        env = dict(self.server.mock_host.env)
        _start(lambda: run_command(channel, os.fsdecode(command), env))
        return True

    def check_auth_password(self, username: str, password: str) -> int:
        """Take the password, where this host has one."""
        host = self.server.mock_host
        if host.password is not None and (username, password) == (host.user, host.password):
            return AUTH_SUCCESSFUL
        return AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        """What may be tried, as SSH writes a list of names."""
        return "publickey" if self.server.mock_host.password is None else "publickey,password"


class LabServer(Server):  # type: ignore[misc]
    """One host, listening from its making until the process ends."""

    handler_cls = LabHandler

    def __init__(self, mock_host: MockHost) -> None:
        super().__init__({})
        self.mock_host = mock_host
        self.add_user(mock_host.user, mock_host.client_key, keytype="ssh-ed25519")
        self._socket = socket.create_server((mock_host.address, mock_host.port), backlog=512)

    def serve(self) -> None:
        """Accept connections for ever, each in a thread of its own."""
        while True:
            connection, peer = self._socket.accept()
            _start(self.handler_cls(self, (connection, peer)).run)


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def main(path: str) -> None:
    """Serve the hosts that the JSON file at ``path`` lists until a signal ends the process."""
    for settings in json.loads(Path(path).read_text()):
        _start(LabServer(MockHost(**settings)).serve)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(sys.argv[1])
