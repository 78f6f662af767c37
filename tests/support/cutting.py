"""A way to an SSH server that breaks after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from support.reach import Reach, ways
from support.servers import LoopbackServer

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import Way
from opsrun.engine.base import Engine
from opsrun.lab import Lab
from opsrun.remote.connection import Transport
from opsrun.transports.targets.target import SSHTarget

_PIECE = 32 * 1024


class CuttingProxy:
    """Passes bytes both ways, on each connection so many in all; then it is over.

    Args:
        address, port: of the server.
    """

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)
        self._listener = LoopbackServer(self._serve)
        self._lock = threading.Lock()
        self.allowed: int | None = None
        """Bytes of the next connection; None for all."""
        self.passed = 0
        """Bytes of the latest connection."""

    @property
    def port(self) -> int:
        return self._listener.port

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.__exit__(kind, error, traceback)

    def _serve(self, client: socket.socket) -> None:
        self.passed = 0
        with socket.create_connection(self._place) as server:
            back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_PIECE):
                with self._lock:
                    room = len(data)
                    if self.allowed is not None:
                        room = min(room, max(0, self.allowed - self.passed))
                    self.passed += room
                sink.sendall(data[:room])
                if room < len(data):
                    break
        except OSError:
            pass
        finally:
            for each in (source, sink):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def through(proxy: CuttingProxy, engine: Engine, lab: Lab, host: str) -> Reach:
    """A host of a lab's, behind the proxy."""
    [way] = ways(lab.inventory, host)
    target = way.target
    assert isinstance(target, SSHTarget)
    cut = replace(target, address="127.0.0.1", port=proxy.port, host_key_alias=target.lookup_name)

    def make(**changes: Any) -> Transport:
        [job] = Fleetway(engine).jobs([Way(host, replace(cut, **changes))], ("test",), "test")
        return job.transport()

    return Reach("cut", engine, make, ssh=True)


def server_of(lab: Lab, host: str) -> tuple[str, int]:
    """Address and port of a host of a lab's."""
    [way] = ways(lab.inventory, host)
    assert isinstance(way.target, SSHTarget)
    return way.target.address, way.target.port
