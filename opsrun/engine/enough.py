"""A gate that opens when so many of several others have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opsrun.engine.base import Engine
from opsrun.engine.gates import Gate, State
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError


class Enough(Gate):
    """Open once ``least`` of these gates have been; failed once too few of them can be any more.

    Args:
        name: see `Gate`.
        gates: whoever made them starts and ends their probers.
        least: from 1 to how many there are.
        engine, stop: see `Gate`.

    Raises:
        UsageError: it could never open, or would be open before any of them.
    """

    def __init__(
        self, name: str, gates: Sequence[Gate], least: int, engine: Engine, stop: Stop
    ) -> None:
        if not 1 <= least <= len(gates):
            raise UsageError(f"{name}: {least} of {len(gates)} gates can't be waited for")
        super().__init__(name, None, engine, stop)
        self._gates = gates
        self._least = least
        self._counting = engine.lock()
        self.opened: dict[int, float] = {}
        """Which of them have been open, by their places, and when: seconds of the engine's."""
        self._failed: set[int] = set()
        self._ends = [
            gate.subscribe(partial(self._told, place)) for place, gate in enumerate(gates)
        ]

    def _told(self, place: int, state: State) -> None:
        with self._counting:
            if state is State.OPEN:
                self.opened.setdefault(place, self._engine.now())
            if state is State.FAILED and place not in self.opened:
                self._failed.add(place)
            else:
                self._failed.discard(place)
            enough = len(self.opened) >= self._least
            too_few = len(self._gates) - len(self._failed) < self._least
        if enough:
            self.open()
        elif too_few:
            self.abandon(self.last_words or "too few of them can hold")

    def leave(self) -> None:
        """Listen to them no more."""
        for end in self._ends:
            end()

    @property
    def attempt(self) -> int:
        """How often that one was tried which was tried most."""
        return max(gate.attempt for gate in self._gates)

    @property
    def last_words(self) -> str:
        """What keeps those shut that are."""
        shut = [
            (gate.name, gate.last_words)
            for place, gate in enumerate(self._gates)
            if place not in self.opened
        ]
        return "; ".join(f"{name}: {words}" for name, words in shut if words)
