"""TCP servers on loopback that do as a test wishes: silent ones, greeting ones, rude ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Serve = Callable[[socket.socket], None]
"""What to do with one connection, in a thread of its own; the socket is closed afterwards."""


class LoopbackServer:
    """Listens on a free port of a loopback address while its block runs.

    At the end all connections are shut, which wakes whoever waits for one, and all threads have
    ended: ``serve`` must return when its socket gives end of file or an error.

    Args:
        serve: called for each connection.
        address: where to listen.
        backlog: of the listening socket.
    """

    def __init__(self, serve: Serve, address: str = "127.0.0.1", backlog: int = 128) -> None:
        self._serve = serve
        self._address = address
        self._backlog = backlog
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self.accepted = 0

    @property
    def address(self) -> str:
        return self._address

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self._address, 0), backlog=self._backlog)
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _shut(self._listener)
        self._threads[0].join()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                self._connections.append(connection)
            self._start(lambda connection=connection: self._run(connection))  # type: ignore[misc]

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            pass  # the other side went away: what a server has to live with
        finally:
            with self._lock:
                self._connections.remove(connection)
            connection.close()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def silent(connection: socket.socket) -> None:
    """Read, and never say a word."""
    while connection.recv(65_536):
        pass


def hanging_up(connection: socket.socket) -> None:
    """Close at once."""


def greeting(text: bytes) -> Serve:
    """Say ``text``, then be silent."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(text)
        silent(connection)

    return serve
