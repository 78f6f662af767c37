"""A channel through a jump host to another host, used as if it were a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, Drop
from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.wire import Channel
from opsrun.transports.targets.target import SSHTarget

if TYPE_CHECKING:
    from opsrun.transports.ssh.link import Link

_PROHIBITED = 1
"""SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 section 5.1."""

_CONNECT_FAILED = 2
"""SSH_OPEN_CONNECT_FAILED."""

_RESOURCE_SHORTAGE = 4
"""SSH_OPEN_RESOURCE_SHORTAGE."""


class JumpLost(SSHException):
    """The jump host's own connection ended, and all tunnels through it with it."""


class Tunnel(Channel):
    """A ``direct-tcpip`` channel (RFC 4254 section 7.2) with the methods of a socket that paramiko
    uses: one task in `recv`, others in `send`, each waiting on an event of the engine's.
    """

    kind = "direct-tcpip"

    def __init__(self, link: Link, chanid: int, engine: Engine, target: SSHTarget) -> None:
        super().__init__(link, chanid, engine, target.host)
        self._target = target
        self._timeout: float | None = None
        self._writable = engine.event()
        self._rest = b""
        self._ended = False
        self._lost = False

    # -- as a socket

    def connect(self, seconds: float) -> None:
        """Have the jump host connect to the target.

        Raises:
            ConnectionFailed: phase tcp; it refused to, could not, or did not answer in time.
        """
        self._open(Deadline("tcp", seconds, self._now))

    def settimeout(self, seconds: float | None) -> None:
        """Seconds that `recv` and `send` wait at most."""
        self._timeout = seconds

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end.

        Raises:
            TimeoutError: nothing came in time.
            JumpLost: the jump host went away.
        """
        data = self._rest or self._next()
        self._rest = data[size:]
        return data[:size]

    def _next(self) -> bytes:
        while True:
            over = self._ended or self._closed
            if self._inbox:
                data: bytes = self._inbox.popleft()
                self._acknowledge(len(data))
                return data
            if over:
                return self._end()
            self._news.clear()
            # Between the look and the clear something may have come.
            if self._inbox or self._ended or self._closed:
                continue
            if not self._news.wait(self._timeout) and not self._inbox:
                raise TimeoutError("timed out")

    def _end(self) -> bytes:
        if self._lost:
            hop = self._target.jump
            name = hop.host if hop is not None else ""
            raise JumpLost(f"the connection to jump host {name} broke: {self._link.obituary()}")
        return b""

    def send(self, data: bytes | memoryview) -> int:
        """Send some of ``data``; how many bytes that was.

        Raises:
            TimeoutError: the peer's window stayed full.
            BrokenPipeError: the tunnel is shut.
            JumpLost: the jump host went away.
        """
        while True:
            self._writable.clear()
            if sent := self._send_data(data):
                return sent
            if self._lost:
                self._end()
            if self._closed or self._eof_sent:
                raise BrokenPipeError("the tunnel is shut")
            if not self._writable.wait(self._timeout):
                raise TimeoutError("timed out")

    def shutdown(self, how: int) -> None:
        """End both directions, and wake whoever waits."""
        self.close()

    def close(self) -> None:
        """See `Channel.close`."""
        super().close()
        self._writable.set()

    # -- told by the link's thread

    def _add_details(self, opening: Message) -> None:
        opening.add_string(self._target.address)
        opening.add_int(self._target.port)
        # Where the connection comes from is for the jump host's log alone.
        opening.add_string("127.0.0.1")
        opening.add_int(0)

    def _on_writable(self) -> None:
        self._writable.set()

    def _feed(self, message: Message) -> None:
        data = message.get_binary()
        if data and not self._closed:
            self._count_arrived(len(data))
            self._tell(data)

    def _feed_extended(self, message: Message) -> None:
        """No such data belongs on this channel; it is dropped, and its window with it."""

    def _request_success(self, message: Message) -> None:
        """Nothing is ever asked."""

    def _request_failed(self, message: Message) -> None:
        """Nothing is ever asked."""

    def _handle_eof(self, message: Message) -> None:
        self._ended = True
        self._news.set()

    def _handle_close(self, message: Message) -> None:
        super()._handle_close(message)
        self._writable.set()

    def _unlink(self) -> None:
        if not self._closed:
            self._lost = True
        super()._unlink()
        self._writable.set()

    # -- words

    def _refused(self, code: int, reason: str) -> ConnectionFailed:
        if code == _PROHIBITED:
            failed = self._failed("tcp", f"it refuses to forward: {reason}")
            failed.hint = "AllowTcpForwarding or PermitOpen in the jump host's sshd_config"
            failed.transient = False
            return failed
        failed = self._failed("tcp", reason)
        # In the words of the jump host's strerror(3): there is no code for it.
        failed.refused = code == _CONNECT_FAILED and "connection refused" in reason.lower()
        if code == _RESOURCE_SHORTAGE:
            failed.drop = Drop(hop=True)
            failed.hint = "the jump host has too much to do; lower --forks"
        return failed

    def _failed(self, phase: str, message: str) -> ConnectionFailed:
        words = f"{self._target.place}: {message}"
        hint = "can the jump host reach the host?"
        return ConnectionFailed(words, host=self._host, phase=phase, hint=hint)
