"""Connections that stay open between runs: one login a host, however many commands follow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.connection import USUAL, Connection, Manner, Process, Transport


class Lasting(Connection, Protocol):
    """A connection that knows whether it would still take a command."""

    @property
    def is_alive(self) -> bool:
        """Whether nothing was heard yet of its end."""


class LastingTransport(Transport, Protocol):
    """A transport whose connections can be kept."""

    def connect(self) -> Lasting:
        """See `Transport.connect`."""


class Place(Protocol):
    """What a host is known by in the pool: equal ones are reached over each other's connections."""

    @property
    def host(self) -> str:
        """Inventory name."""

    def __hash__(self) -> int: ...


P = TypeVar("P", bound=Place)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """An open connection, and the transport that it stands on."""

    transport: LastingTransport
    connection: Lasting


class Pool(Generic[P]):
    """Open connections that nobody uses just now.

    A connection has one user at a time: whoever ends a command over a second channel ends all that
    runs on the same connection. A second user of the same host logs in once more.

    Args:
        engine: gives the lock.
        make: makes a transport to a host.
        tell: takes a host's name and a line of its connection's story.
    """

    def __init__(
        self,
        engine: Engine,
        make: Callable[[P], LastingTransport],
        tell: Callable[[str, str], None] = lambda host, line: None,
    ) -> None:
        self.make = make
        self.tell = tell
        self._capacity = 1 << 20
        self.new_lock = engine.lock
        self._lock = engine.lock()
        self._idle: OrderedDict[Line, P] = OrderedDict()
        self._by_place: dict[P, list[Line]] = {}
        self._closed = False

    def transport(self, place: P) -> PooledTransport[P]:
        """A way to a host: over a connection that is open already, if there is one."""
        return PooledTransport(self, place)

    def take(self, place: P) -> Line | None:
        """An open connection, the caller's alone from now on; None where there is none.

        What has ended meanwhile is thrown away here, before anything is sent over it.
        """
        while (line := self._pop(place)) is not None:
            if line.connection.is_alive:
                return line
            self.tell(place.host, "the connection that was kept has ended; logging in again")
            line.transport.close()
        return None

    def give_back(self, place: P, line: Line) -> None:
        """Keep a connection that its user has done with, if it is any good."""
        with self._lock:
            keep = not self._closed and line.connection.is_alive
            if keep:
                self._idle[line] = place
                self._by_place.setdefault(place, []).append(line)
            surplus = self._above_capacity() if keep else [line]
        _close(surplus)

    def limit(self, connections: int) -> None:
        """Keep so many at most; those go first that were unused for longest."""
        with self._lock:
            self._capacity = connections
            surplus = self._above_capacity()
        _close(surplus)

    def let_go(self, place: P) -> None:
        """Close what is unused of a host's; whoever comes later logs in."""
        surplus = []
        while (line := self._pop(place)) is not None:
            surplus.append(line)
        _close(surplus)

    def close(self) -> None:
        """Close what is unused, and from now on also what is given back."""
        with self._lock:
            self._closed = True
            lines = list(self._idle)
            self._idle.clear()
            self._by_place.clear()
        _close(lines)

    def __len__(self) -> int:
        """How many connections are open and unused."""
        return len(self._idle)

    def _pop(self, place: P) -> Line | None:
        with self._lock:
            lines = self._by_place.get(place)
            if not lines:
                return None
            line = lines[-1]
            self._forget(line)
            return line

    def _above_capacity(self) -> list[Line]:
        surplus = []
        while len(self._idle) > self._capacity:
            line = next(iter(self._idle))
            self._forget(line)
            surplus.append(line)
        return surplus

    def _forget(self, line: Line) -> None:
        place = self._idle.pop(line)
        lines = self._by_place[place]
        lines.remove(line)
        if not lines:
            del self._by_place[place]


def _close(lines: Iterable[Line]) -> None:
    for line in lines:
        line.transport.close()


class PooledTransport(Generic[P]):
    """A `Transport` over a connection of the pool's, or a new one that the pool gets afterwards.

    `close` gives the connection back. Called while `connect` is under way, it gives that up.
    """

    def __init__(self, pool: Pool[P], place: P) -> None:
        self._pool = pool
        self._place = place
        self._line: Line | None = None
        self._under_way: LastingTransport | None = None
        self._lock = pool.new_lock()
        self._ended = False
        self._was_kept = False

    def connect(self) -> PooledConnection:
        """See `Transport.connect`."""
        line = self._pool.take(self._place)
        self._was_kept = line is not None
        self._line = line or self._log_in()
        if self._ended:
            # Given up meanwhile, before there was a connection to be given back.
            self._give_back()
            raise ConnectionFailed("given up", host=self._place.host, phase="auth")
        return PooledConnection(self)

    def start(self, script: str, manner: Manner = USUAL) -> Process:
        """Start a script; see `Connection.start`.

        A connection that was kept may turn out to be dead, or to take no further channel, only as
        one is opened. Nothing has been sent by then, so another login can stand in for it, once.
        """
        line = self._line
        if line is None:
            raise ConnectionFailed("the connection was closed", host=self._place.host, phase="open")
        was_kept, self._was_kept = self._was_kept, False
        try:
            return line.connection.start(script, manner)
        except ConnectionFailed as error:
            if not was_kept or error.phase != "open" or self._ended:
                raise
            self._pool.tell(self._place.host, f"{error.message}; logging in again")
        line.transport.close()
        line = self._line = self._log_in()
        return line.connection.start(script, manner)

    def _log_in(self) -> Line:
        transport = self._under_way = self._pool.make(self._place)
        if self._ended:
            transport.close()
        try:
            return Line(transport, transport.connect())
        except BaseException:
            transport.close()
            raise
        finally:
            self._under_way = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a connection, and nothing was heard yet of its end."""
        return self._line is not None and self._line.connection.is_alive

    def hang_up(self) -> None:
        """Close the connection for good, whatever runs over it; safe from another task."""
        self._ended = True
        under_way, line = self._under_way, self._line
        if under_way is not None:
            under_way.close()
        if line is not None:
            line.transport.close()

    def close(self) -> None:
        """See `Transport.close`."""
        self._ended = True
        under_way = self._under_way
        if under_way is not None:
            under_way.close()
        else:
            self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            self._pool.give_back(self._place, line)


class PooledConnection:
    """What a user of the pool holds; ending it early closes the connection, for good."""

    def __init__(self, transport: PooledTransport[P]) -> None:
        self._transport = transport
        self.start = transport.start
        self.close = transport.hang_up

    @property
    def is_alive(self) -> bool:
        """Whether nothing was heard yet of its end."""
        return self._transport.is_alive
