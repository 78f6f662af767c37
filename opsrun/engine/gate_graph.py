"""Who waits for which gate, and who opens it: can all of them get on? Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator, Set
from dataclasses import dataclass
from itertools import chain

from opsrun.errors import UsageError


@dataclass(frozen=True, slots=True)
class Edge:
    """One reason why somebody can't go on."""

    who: str
    gate: str
    opener: str
    """Who would have to get on first; empty where nobody ever opens the gate."""
    is_barrier: bool = False
    """There is no gate: ``who`` comes behind ``opener``."""

    def __str__(self) -> str:
        if self.is_barrier:
            return f"{self.who} comes behind {self.opener}"
        if not self.opener:
            return f"{self.who} waits for gate {self.gate}, which nobody opens"
        return f"{self.who} waits for gate {self.gate}, which {self.opener} opens"


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Edges that lead back to their beginning, or to a gate that nobody opens."""

    edges: tuple[Edge, ...]

    @property
    def is_cycle(self) -> bool:
        """Whether they lead back."""
        return bool(self.edges[-1].opener)

    def __str__(self) -> str:
        return "; ".join(map(str, self.edges))


class GateGraph:
    """Waits and openings of everything that a run is to do.

    A gate is open for good once any of its openers has ended, or by itself if it has a check.
    """

    def __init__(self) -> None:
        self._waits: dict[str, list[str]] = {}
        self._openers: dict[str, list[str]] = {}
        self._behind: dict[str, list[str]] = {}
        self._probed: set[str] = set()

    def waits(self, who: str, gate: str) -> None:
        """``who`` doesn't begin before ``gate`` is open."""
        self._waits.setdefault(who, []).append(gate)

    def opens(self, who: str, gate: str) -> None:
        """``gate`` is open once ``who`` has ended."""
        self._openers.setdefault(gate, []).append(who)

    def probed(self, gate: str) -> None:
        """``gate`` has a check: it opens whatever others do."""
        self._probed.add(gate)

    def follows(self, who: str, before: str) -> None:
        """``who`` doesn't begin before ``before`` has ended: a barrier, the order of tasks."""
        self._behind.setdefault(who, []).append(before)

    def check(self) -> None:
        """Refuse what could only end in waiting.

        Raises:
            UsageError: draws who waits for whom.
        """
        found = self.find_deadlock()
        if found is not None:
            head = "these wait for each other" if found.is_cycle else "this would wait for ever"
            raise UsageError(f"{head}: {found}")

    def find_cycle(self) -> Deadlock | None:
        """A circle of those who could only wait for each other; None if there is none."""
        # As if gates that nobody opens were open: whoever is still stuck stands behind a circle.
        opened = frozenset(self._gates()) - self._openers.keys()
        stuck = self._stuck(self._probed | opened)
        return self._walk(next(iter(stuck)), stuck, self._probed | opened) if stuck else None

    def find_deadlock(self) -> Deadlock | None:
        """As `find_cycle`; or, if there is no circle, what a gate that nobody opens holds up."""
        stuck = self._stuck(self._probed)
        if not stuck:
            return None
        return self.find_cycle() or self._walk(next(iter(stuck)), stuck, self._probed)

    def _gates(self) -> Iterator[str]:
        return chain.from_iterable(self._waits.values())

    def _stuck(self, opened: Set[str]) -> dict[str, None]:
        """Those who can't begin, whatever happens, in the order in which they were named."""
        stuck = dict.fromkeys((*self._waits, *self._behind))
        behind = self._dependents()
        to_look = deque(stuck)
        while to_look:
            who = to_look.popleft()
            if who in stuck and self._reason(who, stuck, opened) is None:
                del stuck[who]
                to_look.extend(behind.get(who, ()))
        return stuck

    def _dependents(self) -> dict[str, list[str]]:
        """Whose beginning hangs on each one's end."""
        found: dict[str, list[str]] = {}
        for who, gates in self._waits.items():
            for gate in gates:
                for opener in self._openers.get(gate, ()):
                    found.setdefault(opener, []).append(who)
        for who, others in self._behind.items():
            for before in others:
                found.setdefault(before, []).append(who)
        return found

    def _reason(self, who: str, stuck: Container[str], opened: Set[str]) -> Edge | None:
        """The first thing that keeps ``who`` from beginning while all these are stuck."""
        for before in self._behind.get(who, ()):
            if before in stuck:
                return Edge(who, "", before, is_barrier=True)
        for gate in self._waits.get(who, ()):
            openers = self._openers.get(gate, ())
            if gate not in opened and all(opener in stuck for opener in openers):
                return Edge(who, gate, openers[0] if openers else "")
        return None

    def _walk(self, start: str, stuck: Container[str], opened: Set[str]) -> Deadlock:
        edges: list[Edge] = []
        seen: dict[str, int] = {}
        who = start
        while who and who not in seen:
            seen[who] = len(edges)
            edge = self._reason(who, stuck, opened)
            assert edge is not None
            edges.append(edge)
            who = edge.opener
        return Deadlock(tuple(edges[seen[who] :] if who else edges))
