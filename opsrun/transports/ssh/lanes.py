"""How many logins at once one server is sent: the count, the queue and what was learnt; no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

PENALTY_FIRST = 15.0
"""Seconds without a login after a server's first penalty: sshd enforces none for less
(PerSourcePenalties ``min`` in sshd_config(5), OpenSSH 9.8)."""

PENALTY_LONGEST = 60.0

PENALTIES = 3
"""So many penalties in a row are waited out. Then it is somebody's decision, not a coincidence."""

REMEMBERED = 600.0
"""Seconds for which what a server's drops have taught is kept."""


class Ending(Enum):
    """How a handshake ended, as far as the server's capacity goes."""

    GOOD = auto()
    """It got as far as it was to get."""
    DROPPED = auto()
    """The server hung up before it was done."""
    PENALISED = auto()
    """The server takes nothing from us for a while, and said so."""
    NEUTRAL = auto()
    """Says nothing of the kind: refused, too late, the wrong key, given up."""


class Place:
    """One handshake's place in a lane: waiting, then granted or refused.

    Args:
        wake: called, outside of all locks, when a place that had to wait does so no longer.
    """

    __slots__ = ("granted", "refused", "round", "wake")

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self.granted = False
        self.refused = False
        self.round = 0
        """Which of the lane's limits it was granted under."""

    @property
    def settled(self) -> bool:
        """Whether it waits no longer."""
        return self.granted or self.refused


class Lane:
    """The handshakes at one server.

    Additive increase and multiplicative decrease (Chiu and Jain, 1989), as TCP has it: a limit's
    worth of handshakes that end well raises it by one, a drop halves it, never below 1. Handshakes
    that began under the old limit, and are dropped as well, say nothing new and halve nothing.
    The limit never goes above ``bound``, however well it goes: sshd begins to drop at 10 by default
    (MaxStartups), and we are hardly its only client.

    Not safe for several tasks; `Pacer` is.

    Args:
        bound: handshakes at once; where it starts, and what it comes back to.
        luck: between 0 and 1, anew for each call.
    """

    def __init__(self, bound: int, luck: Callable[[], float]) -> None:
        self.bound = bound
        self.limit = float(bound)
        self.active = 0
        self.waiting: deque[Place] = deque()
        self.progress = 0
        """How many have ended well so far."""
        self.penalties = 0
        """In a row: none that ended well lies between them."""
        self.closed_until = 0.0
        self._round = 0
        self._troubled_at: float | None = None
        self._luck = luck

    def ask(self, place: Place, now: float) -> None:
        """Grant a place, refuse it because of a penalty, or let it wait behind those before it."""
        if self.closed_for(now):
            place.refused = True
        elif not self.waiting and self._has_room:
            self._grant(place)
        else:
            self.waiting.append(place)

    def leave(self, place: Place, ending: Ending, now: float) -> list[Place]:
        """Give a place back, also one that still waits; the places that are settled by that."""
        if not place.granted:
            if not place.refused:
                self.waiting.remove(place)
            return []
        place.granted = False
        self.active -= 1
        if ending is Ending.GOOD:
            self._rise()
        elif ending is Ending.DROPPED:
            self._fall(place, now)
        elif ending is Ending.PENALISED:
            self._close(place, now)
        return self._refuse_all() if self.closed_for(now) else self._grant_all()

    def closed_for(self, now: float) -> float:
        """Seconds until the next handshake may begin."""
        return max(0.0, self.closed_until - now)

    @property
    def hopeless(self) -> bool:
        """Whether the server has been left alone often enough."""
        return self.penalties > PENALTIES

    def forgettable(self, now: float) -> bool:
        """Whether a new lane would do as well."""
        if self.active or self.waiting:
            return False
        return self._troubled_at is None or now >= self._troubled_at + REMEMBERED

    @property
    def _has_room(self) -> bool:
        return self.active < int(self.limit)

    def _grant(self, place: Place) -> None:
        self.active += 1
        place.round = self._round
        place.granted = True

    def _grant_all(self) -> list[Place]:
        granted = []
        while self.waiting and self._has_room:
            place = self.waiting.popleft()
            self._grant(place)
            granted.append(place)
        return granted

    def _refuse_all(self) -> list[Place]:
        refused = list(self.waiting)
        self.waiting.clear()
        for place in refused:
            place.refused = True
        return refused

    def _rise(self) -> None:
        self.progress += 1
        self.penalties = 0
        self.limit = min(float(self.bound), self.limit + 1.0 / self.limit)

    def _fall(self, place: Place, now: float) -> None:
        self._troubled_at = now
        if place.round == self._round:
            self._round += 1
            self.limit = max(1.0, self.limit / 2)

    def _close(self, place: Place, now: float) -> None:
        self._troubled_at = now
        if place.round != self._round:
            return
        self._round += 1
        self.limit = 1.0
        self.penalties += 1
        steady: float = min(PENALTY_LONGEST, PENALTY_FIRST * 2.0 ** (self.penalties - 1))
        self.closed_until = now + steady * (1.0 + self._luck() / 3)
