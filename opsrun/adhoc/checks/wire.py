"""A connected socket as http.client uses one, with one deadline over everything.

Whoever answers a byte at a time passes every limit on a single read. TLS is done in memory
(`ssl.MemoryBIO`), so that the waiting is the plain socket's alone, under whichever engine.
"""

from __future__ import annotations

import io
import ssl
from contextlib import suppress
from typing import Any

from opsrun.remote.deadline import Deadline

_CHUNK = 64 * 1024


class Wire:
    """The plain one.

    Args:
        sock: connected; whoever made it closes it.
        deadline: over all that is read and written.
    """

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self.sock = sock
        self.deadline = deadline

    def _limit(self) -> None:
        left = self.deadline.remaining()
        if left is not None and left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end.

        Raises:
            TimeoutError: nothing came in time.
        """
        self._limit()
        data: bytes = self.sock.recv(size)
        return data

    def sendall(self, data: Any) -> None:
        """Send all of it.

        Raises:
            TimeoutError: it was not taken in time.
        """
        rest = memoryview(bytes(data))
        while rest:
            self._limit()
            rest = rest[self.sock.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """What comes, as a file."""
        return io.BufferedReader(_Raw(self))

    def close(self) -> None:
        """Nothing: see the constructor."""


class TLSWire(Wire):
    """TLS over another one.

    Raises:
        ssl.SSLError: the handshake went wrong, or the certificate is not to be trusted.
        TimeoutError: it took too long.
    """

    def __init__(self, wire: Wire, context: ssl.SSLContext, name: str) -> None:
        super().__init__(wire.sock, wire.deadline)
        self._wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._done(self._tls.do_handshake)

    def _done(self, call: Any, *args: Any) -> Any:
        while True:
            try:
                value = call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                # The other side is told why, as far as it still listens.
                with suppress(OSError):
                    self._flush()
                raise
            else:
                self._flush()
                return value

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._wire.sendall(data)

    def _feed(self) -> None:
        if data := self._wire.recv(_CHUNK):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def recv(self, size: int) -> bytes:
        """See `Wire.recv`."""
        try:
            data: bytes = self._done(self._tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # Many servers hang up without saying that it is the end; lengths tell whether it was.
            return b""
        return data

    def sendall(self, data: Any) -> None:
        """See `Wire.sendall`."""
        rest = memoryview(bytes(data))
        while rest:
            rest = rest[self._done(self._tls.write, rest) :]


class _Raw(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._wire.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)
