"""Counts round trips exactly, however busy the machine: both sides take turns on the wire.

What a client sends is held until it has come to rest, that is until it can only wait; then all of
it is passed on, and the same is done the other way. So each turn of a connection is one round trip
of a link of any length, and scheduling, load and Python's pace have no part in the count. No clock
is asked. A server that sleeps (sshd does, on refusals) is waited for.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from harness.packets import PHASES, Packets, Phase, phase_of
from harness.under_way import Ports, unacknowledged

_PIECE = 1 << 20
_PAUSE = 0.0005
"""Seconds between looks at whoever still computes."""

Place = tuple[str, int]


@dataclass(slots=True)
class Tally:
    """What passed between the client and one host."""

    connections: int = 0
    channels: int = 0
    rounds: Counter[Phase] = field(default_factory=Counter)
    up: int = 0
    """Bytes to the host."""
    down: int = 0
    """Bytes from it."""

    @property
    def total(self) -> int:
        """Round trips in all."""
        return self.rounds.total()

    def row(self) -> dict[str, int]:
        """Figures by name."""
        phases: dict[str, int] = {phase: self.rounds[phase] for phase in PHASES}
        return {
            "connections": self.connections,
            "channels": self.channels,
            **phases,
            "rounds": self.total,
            "up": self.up,
            "down": self.down,
        }


@dataclass(slots=True)
class _End:
    """One end of a connection, and what it has said that the other has not been told."""

    socket: socket.socket
    said: bytearray = field(default_factory=bytearray)
    over: bool = False
    """It says no more."""
    told: bool = False
    """The other end knows that."""

    def listen(self) -> bool:
        """Take what it has to say; whether there was anything."""
        if self.over:
            return False
        try:
            data = self.socket.recv(_PIECE, socket.MSG_DONTWAIT)
            # Acknowledged now and not with an answer, so that what is under way can be told.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self.said += data
        self.over = not data
        return True

    @property
    def ports(self) -> Ports | None:
        """The connection's ports, of the peer's end first."""
        try:
            return (self.socket.getpeername()[1], self.socket.getsockname()[1])
        except OSError:  # reset: nothing comes any more
            return None

    def pass_to(self, other: _End) -> int:
        """Tell the other end; how many bytes."""
        count = len(self.said)
        with suppress(OSError):
            if count:
                other.socket.sendall(self.said)
            if self.over and not self.told:
                other.socket.shutdown(socket.SHUT_WR)
        self.told = self.over
        self.said.clear()
        return count


@dataclass(slots=True)
class _Link:
    host: str
    client: _End
    server: _End
    asks: bool = True
    """The client has sent something, or connected, in this turn."""
    turns: int = 0


class Lockstep:
    """The wire between a client and its hosts.

    Args:
        hosts: by name, where to listen for it and where it is.
        client, server: whether that side is at rest.
        packets: what a host's server has taken and given since it was last asked.
    """

    def __init__(
        self,
        hosts: Mapping[str, tuple[Place, Place]],
        client: Callable[[], bool],
        server: Callable[[], bool],
        packets: Callable[[str], Packets],
    ) -> None:
        self._hosts = hosts
        self._client_rests, self._server_rests = client, server
        self._packets = packets
        self._listeners = {
            host: socket.create_server(here, backlog=64) for host, (here, _) in hosts.items()
        }
        self._links: list[_Link] = []
        # Kept until it is answered: a server may think for a while.
        self._taken: dict[str, list[int]] = {host: [] for host in hosts}
        self.tallies = {host: Tally() for host in hosts}

    def close(self) -> None:
        """Close everything."""
        for listener in self._listeners.values():
            listener.close()
        for link in self._links:
            link.client.socket.close()
            link.server.socket.close()

    def run(self, ended: Callable[[], bool]) -> None:
        """Pass everything on until the client's program has ended."""
        while True:
            over = ended()
            self._await("client", self._hear_clients, self._client_rests)
            self._tell_servers()
            self._await("server", self._hear_servers, self._server_rests)
            self._tell_clients()
            if over:
                return

    def _await(
        self, side: Literal["client", "server"], hear: Callable[[], bool], rests: Callable[[], bool]
    ) -> None:
        while True:
            if hear():
                continue
            # At rest first, then nothing under way, then nothing in the sockets: nothing can come
            # any more.
            if rests() and not self._under_way(side) and not hear():
                return
            time.sleep(_PAUSE)

    def _under_way(self, side: Literal["client", "server"]) -> bool:
        """Whether anything that side has sent hasn't arrived.

        On a busy machine the kernel passes packets of the loopback on from a thread of its own
        (ksoftirqd), so whoever sent them may be at rest before they are in the other's socket.
        """
        ends: list[_End] = [getattr(link, side) for link in self._links]
        speaking = {end.ports for end in ends if not end.over}
        return bool(speaking & unacknowledged())

    def _hear_clients(self) -> bool:
        before = len(self._links)
        for host, listener in self._listeners.items():
            while select.select([listener], [], [], 0)[0]:
                self._links.append(self._connect(host, listener.accept()[0]))
        heard = [link.client.listen() for link in self._links]
        return any(heard) or len(self._links) > before

    def _hear_servers(self) -> bool:
        heard = [link.server.listen() for link in self._links]
        return any(heard)

    def _connect(self, host: str, client: socket.socket) -> _Link:
        server = socket.create_connection(self._hosts[host][1])
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tally = self.tallies[host]
        tally.connections += 1
        tally.rounds["tcp"] += 1
        return _Link(host, _End(client), _End(server))

    def _tell_servers(self) -> None:
        for link in self._links:
            count = link.client.pass_to(link.server)
            self.tallies[link.host].up += count
            link.asks = link.asks or count > 0

    def _tell_clients(self) -> None:
        for host in self._hosts:
            found = self._packets(host)
            self.tallies[host].channels += found.opened
            self._taken[host] += found.received
        for link in self._links:
            count = link.server.pass_to(link.client)
            self.tallies[link.host].down += count
            if count:
                self._count(link)

    def _count(self, link: _Link) -> None:
        # What a server sends unasked is no round trip, and who has hung up waits for none.
        if link.asks and not link.client.over:
            phase = phase_of(self._taken[link.host]) if link.turns else "banner"
            self.tallies[link.host].rounds[phase] += 1
            link.turns += 1
            link.asks = False
        self._taken[link.host].clear()
