"""Who waits for what, and whose wait is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsrun.engine.gate_graph import GateGraph
from opsrun.playbook.gating.openings import Openings
from opsrun.playbook.messages import Parked, Wait

CHECK_TIMEOUT = 300.0
"""Seconds that a check has where nothing else is said. A gate has no limit: it is hopeless, and
said to be, as soon as nobody is left who could open it."""

LATEST = 0.5
"""Seconds after which all waits are looked at anyway: their time may be up."""


@dataclass(slots=True)
class Seat:
    """A host that waits before it does a task."""

    play: int
    parked: Parked
    since: float
    """When it began to wait; monotonic seconds."""
    at: int = 0
    """Which of its waits it is at."""
    began: float = 0.0
    """When it began with that one."""
    looking: bool = False
    """Its check is being tried."""

    @property
    def host(self) -> str:
        """Inventory name."""
        return self.parked.host

    @property
    def wait(self) -> Wait:
        """What it waits for just now."""
        return self.parked.waits[self.at]


@dataclass(frozen=True, slots=True)
class Release:
    """The wait of a host is over."""

    seat: Seat
    refused: str = ""
    """Why what it waited for will not come."""


@dataclass(frozen=True, slots=True)
class Look:
    """A host's check is to be tried until it holds."""

    seat: Seat
    wait: Wait


@dataclass(slots=True)
class GateBoard:
    """Everybody that waits, over all plays.

    Args:
        openings: who opens what.
        now: monotonic seconds.
    """

    openings: Openings
    now: Callable[[], float]
    _seats: dict[tuple[int, str], Seat] = field(default_factory=dict)
    _at_gate: dict[str, dict[int | None, dict[tuple[int, str], Seat]]] = field(default_factory=dict)
    """By gate, and by how many hosts have to open it."""
    _fresh: list[Seat] = field(default_factory=list)
    """Those that nobody has looked at since they began to wait."""
    _looked_at: float = 0.0

    def __bool__(self) -> bool:
        return bool(self._seats)

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats.values())

    @property
    def is_looking(self) -> bool:
        """Whether a check is being tried: things may change without anybody's work."""
        return any(seat.looking for seat in self)

    def park(self, play: int, parked: Parked) -> None:
        """A host begins to wait."""
        now = self.now()
        seat = self._seats[play, parked.host] = Seat(play, parked, now, began=now)
        self._sit(seat)

    def _sit(self, seat: Seat, *, yet: bool = True) -> None:
        if yet:
            self._fresh.append(seat)
        if seat.wait.checks:
            return
        self.openings.waits(seat.play, seat.host, seat.wait.what, yet=yet)
        for name in seat.wait.what:
            known = self._at_gate.setdefault(name, {}).setdefault(seat.wait.any_of, {})
            if yet:
                known[seat.play, seat.host] = seat
            else:
                known.pop((seat.play, seat.host), None)

    def leave(self, play: int, host: str) -> None:
        """A host waits no longer, for a reason of its own."""
        seat = self._seats.pop((play, host), None)
        if seat is not None:
            self._sit(seat, yet=False)

    def moves(self) -> list[Release | Look]:
        """What can be done now; each is given once."""
        kept: dict[tuple[str, int | None], tuple[bool, str, str]] = {}
        found: list[Release | Look] = []
        for seat in self._in_question():
            move = None if seat.looking else self._move(seat, kept)
            if move is not None:
                found.append(move)
        return found

    def _in_question(self) -> list[Seat]:
        """Seats whose wait may have changed: not all of them, whenever anybody does anything."""
        changed = self.openings.changed()
        if changed is None or self.now() - self._looked_at >= LATEST:
            self._looked_at = self.now()
            self._fresh.clear()
            return list(self._seats.values())
        fresh, self._fresh = self._fresh, []
        found = {(seat.play, seat.host): seat for seat in fresh}
        for name in changed & self._at_gate.keys():
            for any_of, seats in self._at_gate[name].items():
                standing = self.openings.standing(name, any_of) if seats else None
                if standing and (standing.is_open or standing.hopeless):
                    found |= seats
        return [seat for key, seat in found.items() if self._seats.get(key) is seat]

    def _move(
        self, seat: Seat, kept: dict[tuple[str, int | None], tuple[bool, str, str]]
    ) -> Release | Look | None:
        while not seat.wait.checks:
            words, is_open = self._gates(seat, kept)
            if not is_open:
                return self._over(seat, words) if words else None
            if not self._next(seat):
                return self._over(seat)
        seat.looking = True
        wait = seat.wait
        limit = CHECK_TIMEOUT if wait.timeout is None else wait.timeout
        return Look(seat, Wait(wait.what, True, wait.any_of, limit))

    def _gates(
        self, seat: Seat, kept: dict[tuple[str, int | None], tuple[bool, str, str]]
    ) -> tuple[str, bool]:
        """Why the wait is in vain, and whether it is over: what the gates of a wait come to."""
        wait, late = seat.wait, self._late(seat)
        for name in wait.what:
            key = name, wait.any_of
            if key not in kept:
                standing = self.openings.standing(name, wait.any_of)
                kept[key] = standing.is_open, standing.hopeless, standing.last
            is_open, hopeless, last = kept[key]
            if is_open:
                continue
            if hopeless:
                return f"gate {name!r} can't open any more: {hopeless}", False
            if late:
                whom = f"; it waits for {last}" if last else ""
                return f"gate {name!r} was not open after {late:g} s{whom}", False
            return "", False
        return "", True

    def _late(self, seat: Seat) -> float:
        """The time that the wait had, once it is over; 0 before that."""
        limit = seat.wait.timeout
        return limit if limit is not None and self.now() - seat.began >= limit else 0.0

    def _next(self, seat: Seat) -> bool:
        """Go on to the next of its waits; whether there is one."""
        if seat.at + 1 == len(seat.parked.waits):
            return False
        self._sit(seat, yet=False)
        seat.at += 1
        seat.began = self.now()
        self._sit(seat)
        return True

    def _over(self, seat: Seat, refused: str = "") -> Release:
        self.leave(seat.play, seat.host)
        return Release(seat, refused)

    def looked(self, seat: Seat, refused: str) -> Release | None:
        """A check holds, or won't (``refused``); what that means for its host."""
        if self._seats.get((seat.play, seat.host)) is not seat:
            # It went elsewhere meanwhile.
            return None
        seat.looking = False
        if refused:
            return self._over(seat, refused)
        return None if self._next(seat) else self._over(seat)

    def last_words(self, seat: Seat) -> str:
        """Whom a host waits for at its gate."""
        standing = self.openings.standing(self._shut(seat), seat.wait.any_of)
        return f"waiting for {standing.last}" if standing.last else ""

    def stuck(self, plays: Mapping[int, str], behind: Mapping[int, set[int]]) -> list[Release]:
        """Nothing else is under way: everybody who waits for a gate waits in vain.

        Args:
            plays: names of all plays, by index.
            behind: by play that has not begun, those that have to end before it does.
        """
        seats = [seat for seat in self if not seat.looking]
        words = self._words(seats, plays, behind)
        return [self._over(seat, words[seat.play, seat.host]) for seat in seats]

    def _words(
        self, seats: list[Seat], plays: Mapping[int, str], behind: Mapping[int, set[int]]
    ) -> dict[tuple[int, str], str]:
        graph = GateGraph()
        asked: set[str] = set()
        for seat in seats:
            for name in seat.wait.what:
                graph.waits(_who(plays, seat.play, seat.host), name)
                if name not in asked:
                    asked.add(name)
                    self._openers(graph, name, plays, seats)
        for play, others in behind.items():
            for seat in seats:
                if seat.play in others:
                    graph.follows(_who(plays, play), _who(plays, seat.play, seat.host))
        found = graph.find_deadlock()
        why = "nothing is under way that would open it" if found is None else str(found)
        return {
            (seat.play, seat.host): f"gate {self._shut(seat)!r} will not open: {why}"
            for seat in seats
        }

    def _openers(
        self, graph: GateGraph, name: str, plays: Mapping[int, str], seats: Sequence[Seat]
    ) -> None:
        first = {seat.play: seat.host for seat in reversed(seats)}
        parked = {(seat.play, seat.host) for seat in seats}
        for play, host in self.openings.openers(name):
            who = _who(plays, play, host)
            graph.opens(who, name)
            if host and play in first and (play, host) not in parked:
                # Of a later batch: had it anything to do, it would be under way.
                graph.follows(who, _who(plays, play, first[play]))

    def _shut(self, seat: Seat) -> str:
        """The first gate of its wait that is not open."""
        names = seat.wait.what
        shut = (name for name in names if not self._is_open(name, seat))
        return next(shut, names[0])

    def _is_open(self, name: str, seat: Seat) -> bool:
        return self.openings.standing(name, seat.wait.any_of).is_open


def _who(plays: Mapping[int, str], play: int, host: str = "") -> str:
    name = f"play {plays.get(play, '')!r}"
    return f"{host} in {name}" if host else name
