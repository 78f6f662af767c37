"""Turns: at most so many handshakes at once to one server, and through one jump host."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from opsrun.engine.base import Engine
from opsrun.engine.crowds import Door
from opsrun.errors import ConnectionFailed, Drop
from opsrun.transports.ssh.lanes import Ending, Lane, Place
from opsrun.transports.targets.target import SSHTarget

PER_ADDRESS = 5
"""Half of what sshd takes before it begins to drop (MaxStartups 10:30:100)."""

PER_HOP = 32
"""Through one jump host: each is a handshake with another server, and no login for the jump host,
whose sshd takes any number of channels. What it shares is one connection's bytes and one process's
time: at 100 ms of round trip 32 at once still bring a thousand hosts in within half a minute."""

PENALTY_HINT = "it penalises this machine's address for what came from there (PerSourcePenalties)"

_SWEEP = 1024
"""So many lanes, and those that nobody needs any more are looked for."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom a handshake is counted at."""

    name: str
    """For the connection's story."""
    key: tuple[Any, ...]
    """What tells it from all others."""
    bound: int


def at_address(addresses: Sequence[str], port: int) -> Server:
    """The server at an address that is dialled; of several the same one, in whatever order."""
    address = min(addresses)
    return Server(f"{address} port {port}", ("address", address, port), PER_ADDRESS)


def behind(target: SSHTarget) -> tuple[Server, ...]:
    """Where a handshake through a jump host or a ProxyCommand counts, in the order of asking.

    The address first: whoever waits for it must not hold one of the jump host's places meanwhile.
    """
    # The same address may be another machine, seen from another place.
    seen_from = target.jump or "ProxyCommand"
    key = ("address", target.address, target.port, seen_from)
    server = Server(target.place, key, PER_ADDRESS)
    if target.jump is None:
        return (server,)
    return server, Server(f"jump host {target.jump.host}", ("hop", target.jump), PER_HOP)


def door(target: SSHTarget) -> Door:
    """Where a host's login will have to wait for others, as far as is known before names are."""
    if target.jump is None and target.proxy_command is None:
        server = at_address([target.address], target.port)
    else:
        server = behind(target)[-1]
    return Door(server.key, server.bound)


class Pacer:
    """All lanes of a run, or of a fleet that keeps its connections; safe for all tasks.

    A lane is made when it is first asked for, and forgotten as soon as nobody is in it, unless it
    was taught something: a thousand hosts at as many addresses cost a thousand look-ups.

    Args:
        engine: what waits, and tells the time.
        luck: between 0 and 1, anew for each call.
    """

    def __init__(self, engine: Engine, luck: Callable[[], float] = random.random) -> None:
        self.engine = engine
        self._luck = luck
        self._lock = engine.lock()
        self._lanes: dict[tuple[Any, ...], Lane] = {}
        self._sweep_at = _SWEEP

    def ask(self, server: Server, place: Place) -> Lane:
        """Ask for a place; it is granted, refused or waits. Gives the server's lane."""
        now = self.engine.now()
        with self._lock:
            lane = self._lanes.get(server.key)
            if lane is None:
                self._sweep(now)
                lane = self._lanes[server.key] = Lane(server.bound, self._luck)
            lane.ask(place, now)
            return lane

    def leave(self, server: Server, place: Place, ending: Ending) -> Lane:
        """Give a place back; wakes whoever is next. Gives the server's lane."""
        now = self.engine.now()
        with self._lock:
            lane = self._lanes[server.key]
            settled = lane.leave(place, ending, now)
            if lane.forgettable(now):
                del self._lanes[server.key]
        for each in settled:
            each.wake()
        return lane

    @property
    def servers(self) -> int:
        """How many it knows just now."""
        return len(self._lanes)

    def _sweep(self, now: float) -> None:
        if len(self._lanes) < self._sweep_at:
            return
        self._lanes = {k: lane for k, lane in self._lanes.items() if not lane.forgettable(now)}
        # Twice as many as are left: looking at all of them is paid for by as many new ones.
        self._sweep_at = max(_SWEEP, 2 * len(self._lanes))


class Turn:
    """One transport's place among the others, for one handshake after the other.

    Args:
        pacer: shared by all that are to count together.
        host: inventory name, for errors.
        tell: takes a line of the connection's story.
    """

    def __init__(
        self, pacer: Pacer, host: str, tell: Callable[[str], None] = lambda words: None
    ) -> None:
        self._pacer = pacer
        self._host = host
        self._tell = tell
        self._woken = pacer.engine.event()
        self._held: list[tuple[Server, Place]] = []
        self._aborted = False

    def take(self, *servers: Server) -> None:
        """Wait until it is this handshake's turn at each server, one after the other.

        No deadline is needed: each handshake in front has those of its phases.

        Raises:
            ConnectionFailed: a server lets nobody in for a while; or this turn was given up.
        """
        for server in servers:
            place = Place(self._woken.set)
            lane = self._pacer.ask(server, place)
            self._held.append((server, place))
            if not place.settled:
                self._tell(f"waiting for a turn at {server.name}: {lane.active} log in there")
            self._wait(place)
            if self._aborted:
                raise ConnectionFailed("given up", host=self._host, phase="tcp")
            if place.refused:
                raise self._put_off(server, lane)

    def _wait(self, place: Place) -> None:
        while not place.settled and not self._aborted:
            self._woken.wait()
            self._woken.clear()

    def abort(self) -> None:
        """Give up, also while waiting; safe from any other task."""
        self._aborted = True
        self._woken.set()

    @contextmanager
    def handshake(self) -> Iterator[None]:
        """Give the places back at the end of the block, and learn from how it ended.

        A `ConnectionFailed` with a ``drop`` comes out with all that is known of one at that server.
        """
        try:
            yield
        except ConnectionFailed as error:
            if self._aborted:
                # What we hung up on ourselves is no drop.
                error.drop = None
            if error.drop is not None and self._held:
                error.drop = self._dropped(error.drop)
            raise
        else:
            self._leave(Ending.GOOD)
        finally:
            self._leave(Ending.NEUTRAL)

    def _dropped(self, drop: Drop) -> Drop:
        culprit, place = self._held.pop(-1 if drop.hop else 0)
        ending = Ending.PENALISED if drop.penalty else Ending.DROPPED
        return self._known(self._pacer.leave(culprit, place, ending), drop)

    def _put_off(self, server: Server, lane: Lane) -> ConnectionFailed:
        drop = self._known(lane, Drop(penalty=True))
        self._leave(Ending.NEUTRAL)
        failed = ConnectionFailed(
            f"{server.name}: it takes no connection from here; {drop.wait:.0f} s are left to it",
            host=self._host,
            phase="banner",
            hint=PENALTY_HINT,
        )
        failed.drop = drop
        return failed

    def _known(self, lane: Lane, drop: Drop) -> Drop:
        wait = lane.closed_for(self._pacer.engine.now())
        return replace(drop, progress=lane.progress, wait=wait, final=lane.hopeless)

    def _leave(self, ending: Ending) -> None:
        while self._held:
            self._pacer.leave(*self._held.pop(), ending)
