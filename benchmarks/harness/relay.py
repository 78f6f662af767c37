"""A way to hosts on which every packet is under way for half a round trip; and what passed there.

``python -I relay.py`` reads one line of JSON from standard input: ``{"delay": seconds of half a
round trip, "places": [[host, address, port, port to listen on], …]}``. It says ``ready``, and then
answers each further line with a line of JSON: what passed since the last one. It ends with standard
input. A process of its own, so that it takes nobody's thread; order is kept, and there is no limit
to how much is under way.

A connection is accepted by the kernel at once, where the real one would be there after a round
trip; so the server is dialled one and a half after that, as the last packet of a handshake would
arrive, and what the client says earlier goes there with it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

_READ = 1 << 18


@dataclass(slots=True)
class Passed:
    """What passed; times are seconds of CLOCK_MONOTONIC."""

    connections: int = 0
    turns: int = 0
    """How often clients spoke after they had heard something, or for the first time."""
    up: int = 0
    down: int = 0
    first: float = 0.0
    """When the first connection was asked for."""
    last: float = 0.0
    """When something was last heard or said."""

    def take(self) -> dict[str, float]:
        """The figures by name; they begin anew."""
        row = {each.name: getattr(self, each.name) for each in fields(self)}
        for each in fields(self):
            setattr(self, each.name, each.default)
        return row


@dataclass(slots=True)
class Later:
    """Calls that are made so many seconds after they were left here, in their order."""

    loop: asyncio.AbstractEventLoop
    delay: float
    _left: deque[tuple[float, Callable[[], None]]] = field(default_factory=deque)

    def call(self, what: Callable[[], None]) -> None:
        """Leave one."""
        due = self.loop.time() + self.delay
        self._left.append((due, what))
        if len(self._left) == 1:
            self.loop.call_at(due, self._go_on)

    def _go_on(self) -> None:
        now = self.loop.time()
        while self._left and self._left[0][0] <= now:
            # Whoever asks how many are left is told of this one too: it takes no further timer.
            self._left[0][1]()
            self._left.popleft()
        if self._left:
            self.loop.call_at(self._left[0][0], self._go_on)


class End(asyncio.Protocol):
    """One end of a connection; what it says reaches the other end later.

    Args:
        later: how much later.
        heard: told of each piece, as this end says it.
    """

    def __init__(self, later: Later, heard: Callable[[int], None]) -> None:
        self._later, self._heard = later, heard
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Callable[[asyncio.Transport], None]] = []
        self.other: End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=1 << 30)
        self._transport = transport
        for what in self._waiting:
            what(transport)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        self._heard(len(data))
        self._tell(lambda transport: transport.write(data))

    def eof_received(self) -> bool:
        self._tell(_end_of_input)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._tell(lambda transport: transport.close())

    def _tell(self, what: Callable[[asyncio.Transport], object]) -> None:
        other = self.other
        assert other is not None
        self._later.call(lambda: other.be_told(what))

    def be_told(self, what: Callable[[asyncio.Transport], object]) -> None:
        """Do something to this end, as soon as it is there."""
        if self._transport is None:
            self._waiting.append(lambda transport: (what(transport), None)[1])
        elif not self._transport.is_closing():
            what(self._transport)


def _end_of_input(transport: asyncio.Transport) -> None:
    try:
        transport.write_eof()
    except OSError:
        pass  # it has hung up, and will be told of that


class Link:
    """A client's connection, and the one to its server."""

    def __init__(self, place: tuple[str, int], delay: float, passed: Passed) -> None:
        loop = asyncio.get_running_loop()
        self._loop, self._delay, self._passed, self._place = loop, delay, passed, place
        self._was_told = True
        self.client = End(Later(loop, delay), self._client_said)
        self._server = End(Later(loop, delay), self._server_said)
        self.client.other, self._server.other = self._server, self.client
        passed.connections += 1
        passed.first = passed.first or loop.time()
        loop.call_later(3 * delay, self._dial)

    def _dial(self) -> None:
        self._dialling = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: self._server, *self._place)
        except OSError:
            self.client.be_told(lambda transport: transport.abort())

    def _client_said(self, count: int) -> None:
        self._passed.up += count
        self._passed.last = self._loop.time()
        self._passed.turns += self._was_told
        self._was_told = False

    def _server_said(self, count: int) -> None:
        self._passed.down += count
        self._loop.call_later(self._delay, self._tell)

    def _tell(self) -> None:
        self._was_told = True
        self._passed.last = self._loop.time()


class Relay:
    """All places together."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self.passed: dict[str, Passed] = {}
        self._links: list[Link] = []

    async def listen(self, host: str, address: str, port: int, here: int) -> None:
        """Take connections for one host."""
        self.passed[host] = Passed()

        def make() -> End:
            link = Link((address, port), self._delay, self.passed[host])
            self._links.append(link)
            return link.client

        loop = asyncio.get_running_loop()
        await loop.create_server(make, address, here, backlog=512)

    def take(self) -> dict[str, Any]:
        """What passed since the last call."""
        return {host: passed.take() for host, passed in self.passed.items()}


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    spec = json.loads(await lines.readline())
    relay = Relay(spec["delay"])
    for host, address, port, here in spec["places"]:
        await relay.listen(host, address, port, here)
    print("ready", flush=True)
    while await lines.readline():
        print(json.dumps(relay.take()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
