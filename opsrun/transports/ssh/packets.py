"""The packet layer: paramiko's, with bounded sizes, fewer system calls and a dead man's switch."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from paramiko.ssh_exception import SSHException

from opsrun.transports.ssh.paramiko_seam import NeedRekeyException, PacketizerBase

MAX_PACKET = 256 * 1024
"""Bytes; RFC 4253 section 6.1 asks for 35,000. A length field is believed no further."""

MAX_BANNER_LINE = 8 * 1024
"""Bytes before the end of a line; RFC 4253 section 4.2 allows 255 for the version itself."""

MAX_PREFACE = 4
"""Lines before the banner that are kept (RFC 4253 section 4.2 allows any)."""

_READ_SIZE = 32 * 1024


class Packetizer(PacketizerBase):
    """Reads ahead into a buffer of its own, so that a packet costs one system call or none.

    ``on_silence`` is called with the seconds since the last byte whenever a read has waited for
    the socket's timeout; it may raise to end the connection.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._sock = sock
        self._inbound = bytearray()
        self.last_heard = time.monotonic()
        self.on_silence: Callable[[float], None] = lambda seconds: None
        self.preface: list[bytes] = []
        """The first lines that came in place of a banner, or before it."""
        self.max_write_stall = 60.0
        """Seconds without a byte going out before the peer counts as gone."""

    def _log(self, level: int, msg: Any) -> None:
        """Nothing: the link tells the story."""

    def start_handshake(self, timeout: float) -> None:
        """Nothing: paramiko would start a timer thread here; the link's deadlines do it."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Exactly ``n`` bytes.

        Raises:
            EOFError: the connection ended first.
            SSHException: more than any honest packet holds.
        """
        if not 0 <= n <= MAX_PACKET:
            raise SSHException(f"the server announced a packet of {n} bytes")
        inbound = self._inbound
        while len(inbound) < n:
            inbound += self._receive(check_rekey and not inbound)
        out = bytes(inbound[:n])
        del inbound[:n]
        return out

    def _receive(self, check_rekey: bool) -> bytes:
        while True:
            try:
                data: bytes = self._sock.recv(_READ_SIZE)
            except (TimeoutError, BlockingIOError):
                if self.closed:
                    raise EOFError from None
                if check_rekey and self.need_rekey():
                    raise NeedRekeyException from None
                self.on_silence(time.monotonic() - self.last_heard)
                continue
            except OSError:
                if self.closed:
                    raise EOFError from None
                raise
            if not data:
                raise EOFError
            self.last_heard = time.monotonic()
            return data

    def readline(self, timeout: float) -> str:
        """A line of the banner. The link's deadline bounds it as a whole, not ``timeout``.

        Raises:
            SSHException: no end of line where every server has one.
        """
        inbound = self._inbound
        while (end := inbound.find(b"\n")) < 0:
            if len(inbound) > MAX_BANNER_LINE:
                raise SSHException("the server sent no SSH banner, but a very long line")
            try:
                inbound += self._receive(False)
            except (EOFError, OSError):
                self._keep(bytes(inbound))
                raise
        line = bytes(inbound[:end]).removesuffix(b"\r")
        del inbound[: end + 1]
        self._keep(line)
        return line.decode("utf-8", "replace")

    def _keep(self, line: bytes) -> None:
        if line and not line.startswith(b"SSH-") and len(self.preface) < MAX_PREFACE:
            self.preface.append(line)

    def write_all(self, out: bytes) -> None:
        """Send all of ``out``.

        Raises:
            EOFError: the connection ended.
            SSHException: nothing went out for `max_write_stall` seconds.
        """
        rest = memoryview(out)
        last_progress = time.monotonic()
        while rest:
            try:
                sent = self._sock.send(rest)
            except (TimeoutError, BlockingIOError):
                if self.closed:
                    raise EOFError from None
                if time.monotonic() - last_progress > self.max_write_stall:
                    raise SSHException(
                        f"the server took no byte for {self.max_write_stall:g} s"
                    ) from None
                continue
            except OSError as error:
                raise EOFError from error
            rest = rest[sent:]
            last_progress = time.monotonic()

    def close(self) -> None:
        """Close the socket so that a thread in a read wakes up."""
        self._Packetizer__closed = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        super().close()
