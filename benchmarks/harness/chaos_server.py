"""Servers that misbehave, hundreds of them in one process: greenlets, so that each costs little.

Reads a JSON object from standard input (``port``, ``key``: path of a host key, ``hosts``: address
to fault), prints a line once all of them listen, and ends with its standard input.
"""

from __future__ import annotations

from opsrun.engine import greenlets

if __name__ == "__main__":
    greenlets.patch()

import json
import logging
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
import paramiko
from gevent.fileobject import FileObject

from harness.faults import PARTIAL
from opsrun.engine.limits import raise_open_files

BANNER = b"SSH-2.0-Chaos_1.0\r\n"
_FOR_EVER = gevent.event.Event()


def silent(connection: Any) -> None:
    """Read, and never say a word."""
    while connection.recv(65_536):
        pass


def drips(connection: Any) -> None:
    """No single read of the client's waits for long."""
    while True:
        connection.sendall(b"x")
        gevent.sleep(0.2)


def endless(connection: Any) -> None:
    """A line that never ends."""
    while True:
        connection.sendall(b"x" * 4096)


def resets(connection: Any) -> None:
    """Answer the client's first bytes with a reset; an earlier one would break its connect."""
    connection.recv(1)
    reset(connection)


def reset(connection: Any) -> None:
    """Close so that the client meets a reset (socket(7), SO_LINGER)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def mute(connection: Any) -> None:
    """Nothing behind the banner."""
    connection.sendall(BANNER)
    silent(connection)


def huge(connection: Any) -> None:
    """A packet of 2 GiB, which never comes."""
    connection.sendall(BANNER + struct.pack(">I", 0x7FFF_FFFC) + bytes(4096))
    silent(connection)


class Host(paramiko.ServerInterface):
    """A whole SSH server, up to the point where it misbehaves."""

    def __init__(self, fault: str, connection: Any) -> None:
        self._fault = fault
        self._connection = connection

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_FAILED if self._fault == "bouncer" else paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self._fault == "deaf":
            _FOR_EVER.wait()
        gevent.spawn(self._break_off, channel)
        return True

    def _break_off(self, channel: paramiko.Channel) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            # Behind the answer to the request, which leaves as soon as we wait.
            gevent.sleep(0.2)
            channel.sendall(PARTIAL.encode())
            gevent.sleep(0.2)
            reset(self._connection)


def ssh(fault: str, key: paramiko.PKey, connection: Any) -> None:
    """Serve one connection."""
    transport = paramiko.Transport(connection)
    transport.add_server_key(key)
    transport.start_server(server=Host(fault, connection))
    transport.join()


RAW: dict[str, Callable[[Any], None]] = {
    "silent": silent,
    "drips": drips,
    "endless": endless,
    "resets": resets,
    "mute": mute,
    "huge": huge,
}


def serve(listener: Any, behave: Callable[[Any], None]) -> None:
    """Let every client of one host meet its behaviour."""
    while True:
        connection, _ = listener.accept()
        gevent.spawn(_one, behave, connection)


def _one(behave: Callable[[Any], None], connection: Any) -> None:
    with connection, suppress(OSError, EOFError, paramiko.SSHException):
        behave(connection)


def main() -> None:
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    logging.getLogger("paramiko").propagate = False
    raise_open_files()
    orders = FileObject(sys.stdin.fileno(), "rb", closefd=False)
    spec = json.loads(orders.readline())
    key = paramiko.ECDSAKey.from_private_key_file(spec["key"])
    for address, fault in spec["hosts"].items():
        listener = socket.create_server((address, spec["port"]), backlog=16)
        gevent.spawn(serve, listener, RAW.get(fault) or partial(ssh, fault, key))
    print("listening", flush=True)
    orders.readline()


if __name__ == "__main__":
    main()
