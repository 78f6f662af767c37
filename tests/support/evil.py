"""SSH servers that do what no server should: for tests of what a client survives.

`LoopbackServer` with one of the raw behaviours stands for servers that never get to a key exchange;
`EvilSSH` is a whole SSH server (paramiko's) that misbehaves behind it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DISCONNECT,
    byte_chr,
)
from support.servers import LoopbackServer, Serve, silent

BANNER = b"SSH-2.0-Evil_1.0\r\n"
FULL = "hunter2-canary"
"""The password that lets everybody in."""

_LONG = 30.0


# -- before a key exchange


def resetting(connection: socket.socket) -> None:
    """Answer the first bytes with a reset."""
    connection.recv(1)
    reset(connection)


def reset(connection: socket.socket) -> None:
    """Close with a reset: what was not sent yet never is (socket(7), SO_LINGER)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def saying(*pieces: bytes) -> Serve:
    """Say something, then hang up as soon as the client has said something too."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"".join(pieces))
        connection.recv(65_536)

    return serve


def endless(piece: bytes) -> Serve:
    """Say the same for as long as somebody listens."""

    def serve(connection: socket.socket) -> None:
        block = piece * (65_536 // len(piece))
        while True:
            connection.sendall(block)

    return serve


def dripping(byte: bytes, every: float) -> Serve:
    """Say one byte at a time, so that no single read ever waits for long."""

    def serve(connection: socket.socket) -> None:
        connection.settimeout(every)
        while True:
            connection.sendall(byte)
            with suppress(TimeoutError):
                if not connection.recv(4096):
                    return

    return serve


def packet(payload: bytes) -> bytes:
    """A packet as it is before a key exchange (RFC 4253 section 6)."""
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def disconnect(code: int, words: str) -> bytes:
    """The payload of a disconnect message (RFC 4253 section 11.1)."""
    text = words.encode()
    return struct.pack(">BII", MSG_DISCONNECT, code, len(text)) + text + struct.pack(">I", 0)


def announcing(length: int) -> Serve:
    """Announce a packet of so many bytes, and go on sending."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(BANNER + struct.pack(">I", length) + bytes(4096))
        silent(connection)

    return serve


# -- behind it


@cache
def host_key() -> paramiko.PKey:
    """The host key of all of them."""
    return paramiko.ECDSAKey.generate()


@dataclass
class Command:
    """A command that a client asked for, and the means to mistreat it."""

    server: EvilSSH
    transport: paramiko.Transport
    channel: paramiko.Channel
    words: bytes
    connection: socket.socket

    def send_raw(self, data: bytes) -> None:
        """Send output without a look at the window."""
        message = self._message(MSG_CHANNEL_DATA)
        message.add_string(data)
        self._send(message)

    def send_extended(self, code: int, data: bytes) -> None:
        """Send extended data of any kind (RFC 4254 section 5.2)."""
        message = self._message(MSG_CHANNEL_EXTENDED_DATA)
        message.add_int(code)
        message.add_string(data)
        self._send(message)

    def request(self, kind: str, details: bytes = b"", *, want_reply: bool = False) -> None:
        """Send a channel request (RFC 4254 section 5.4)."""
        message = self._message(MSG_CHANNEL_REQUEST)
        message.add_string(kind)
        message.add_boolean(want_reply)
        message.add_bytes(details)
        self._send(message)

    def on_failure(self, call: Callable[[], None]) -> None:
        """Have ``call`` made when the client refuses a request; paramiko would hang up."""
        transport: Any = self.transport
        told = {MSG_CHANNEL_FAILURE: lambda channel, message: call()}
        transport._channel_handler_table = transport._channel_handler_table | told

    def open_window(self, size: int) -> None:
        """Say that so many bytes more may be sent."""
        message = self._message(MSG_CHANNEL_WINDOW_ADJUST)
        message.add_int(size)
        self._send(message)

    def disconnect(self, words: str) -> None:
        """Say that we hang up. Closing is left to the client: a close with bytes unread is a reset,
        and would take what the kernel has not sent yet along."""
        self._send(paramiko.Message(disconnect(2, words)))

    def accept(self) -> None:
        """Say that the command was started; for who then won't return from `on_exec`."""
        self._send(self._message(MSG_CHANNEL_SUCCESS))

    def finish(self, rc: int = 0) -> None:
        """End as a command does."""
        self.channel.send_exit_status(rc)
        self.channel.close()

    def _message(self, kind: int) -> paramiko.Message:
        message = paramiko.Message()
        message.add_byte(byte_chr(kind))
        message.add_int(self.channel.remote_chanid)
        return message

    def _send(self, message: paramiko.Message) -> None:
        transport: Any = self.transport
        transport._send_message(message)


def finishing(command: Command) -> None:
    """What a good server does."""
    command.finish()


@dataclass
class EvilSSH:
    """An SSH server on loopback whose hooks misbehave; a context manager.

    Args:
        run: what to do with a command, in a task of its own, once it was said to be started.
        on_exec: called before that is said; False refuses it.
        on_shell: the same for a shell, which is a command of no words.
        on_pty: called for a terminal, with its kind, columns, rows and modes; False refuses it.
        on_open: called for a channel; gives one of paramiko's OPEN_ codes.
        on_password: called for a password; gives one of paramiko's AUTH_ codes.
        on_key: whether a public key, in SSH's encoding, lets its owner in; None takes none.
        asks: takes no password as such, but puts these questions (RFC 4256), each with whether what
            is typed may be seen.
        on_tunnel: called for a tunnel to another server; gives one of paramiko's OPEN_ codes. None
            allows none.
        make: makes the server's side of a connection.
    """

    run: Callable[[Command], None] = finishing
    on_exec: Callable[[Command], bool] = lambda command: True
    on_shell: Callable[[Command], bool] = lambda command: False
    on_pty: Callable[[bytes, int, int, bytes], bool] = lambda *terminal: False
    on_open: Callable[[EvilSSH], int] = lambda server: paramiko.OPEN_SUCCEEDED
    on_password: Callable[[EvilSSH], int] = lambda server: paramiko.AUTH_SUCCESSFUL
    on_key: Callable[[bytes], bool] | None = None
    asks: tuple[tuple[str, bool], ...] = ()
    on_tunnel: Callable[[EvilSSH], int] | None = None
    make: Callable[[socket.socket], paramiko.Transport] = paramiko.Transport
    passwords: list[str] = field(default_factory=list)
    """All that were sent."""
    answers: list[list[str]] = field(default_factory=list)
    """All that were given to questions."""
    commands: list[bytes] = field(default_factory=list)
    """All that were asked for."""

    def __post_init__(self) -> None:
        self.over = threading.Event()
        """Set at the end; whoever blocks on purpose waits for it."""
        self._server = LoopbackServer(self._serve)
        self._transports: list[paramiko.Transport] = []
        self._tasks: list[threading.Thread] = []
        self._places: dict[tuple[paramiko.Transport, int], tuple[str, int]] = {}

    def block(self) -> None:
        """Never go on, as long as the test lasts."""
        self.over.wait()

    def hang_up(self) -> None:
        """Close all connections."""
        for transport in self._transports:
            transport.close()

    def send(self, message: paramiko.Message) -> None:
        """Say something on the latest connection, whatever it is about."""
        self._transports[-1]._send_message(message)  # type: ignore[attr-defined]

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def accepted(self) -> int:
        """How many connections there were."""
        return self._server.accepted

    def wait_until_alone(self) -> None:
        """Wait until every connection that there was has ended."""
        for transport in self._transports:
            transport.join()

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.over.set()
        self.hang_up()
        self._server.__exit__(*exc_info)
        for thread in self._transports:
            thread.join()
        for task in self._tasks:  # which may become more meanwhile
            task.join()

    def _serve(self, connection: socket.socket) -> None:
        transport = self.make(connection)
        transport.set_log_channel("evil")
        transport.add_server_key(host_key())
        self._transports.append(transport)
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Interface(self, transport, connection))
        transport.join()

    def start(self, command: Command) -> None:
        """Have `run` deal with a command."""
        self._spawn(lambda: self.run(command))

    def _spawn(self, call: Callable[[], None]) -> threading.Thread:
        def work() -> None:
            with suppress(OSError, EOFError, paramiko.SSHException):
                call()

        thread = threading.Thread(target=work, daemon=True)
        self._tasks.append(thread)
        thread.start()
        return thread

    def forward(self, transport: paramiko.Transport, chanid: int, place: tuple[str, int]) -> None:
        """Lead a channel that is about to be opened to another server of this machine's."""
        self._places[transport, chanid] = place

        def work() -> None:
            # One that is open by now, not necessarily this one; where two wait, who is woken may
            # find that the other one was quicker.
            while (channel := transport.accept(_LONG)) is None:
                if not transport.is_active():
                    return
            with socket.create_connection(self._places[transport, channel.get_id()]) as sock:
                back = self._spawn(lambda: _pump(sock, channel))
                _pump(channel, sock)
                back.join()

        self._spawn(work)


def _pump(source: Any, sink: Any) -> None:
    """Carry bytes from one end to another until either is over; both then are."""
    with suppress(OSError, EOFError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError, EOFError):
            end.shutdown(socket.SHUT_RDWR)


class _Interface(paramiko.ServerInterface):
    def __init__(
        self, server: EvilSSH, transport: paramiko.Transport, connection: socket.socket
    ) -> None:
        self._server = server
        self._transport = transport
        self._connection = connection

    def get_allowed_auths(self, username: str) -> str:
        if self._server.on_key is not None:
            return "publickey"
        return "keyboard-interactive" if self._server.asks else "password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        taken = self._server.on_key is not None and self._server.on_key(key.asbytes())
        return paramiko.AUTH_SUCCESSFUL if taken else paramiko.AUTH_FAILED

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | paramiko.InteractiveQuery:
        return paramiko.InteractiveQuery("", "", *self._server.asks)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self._server.answers.append(responses)
        return self._server.on_password(self._server)

    def check_auth_password(self, username: str, password: str) -> int:
        if self._server.asks:
            return paramiko.AUTH_FAILED
        self._server.passwords.append(password)
        return self._server.on_password(self._server)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return self._server.on_open(self._server)

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        if self._server.on_tunnel is None:
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        code = self._server.on_tunnel(self._server)
        if code == paramiko.OPEN_SUCCEEDED:
            self._server.forward(self._transport, chanid, destination)
        return code

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._server.commands.append(command)
        return self._begin(channel, command, self._server.on_exec)

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._begin(channel, b"", self._server.on_shell)

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        return self._server.on_pty(term, width, height, modes)

    def _begin(
        self, channel: paramiko.Channel, words: bytes, allows: Callable[[Command], bool]
    ) -> bool:
        asked = Command(self._server, self._transport, channel, words, self._connection)
        if not allows(asked):
            return False
        self._server.start(asked)
        return True
