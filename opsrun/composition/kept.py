"""What a `Fleet` that keeps its connections has of them: one `Fleetway` for all of its runs."""

from __future__ import annotations

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.needs import room_beside
from opsrun.engine.base import Engine
from opsrun.engine.limits import Needs
from opsrun.secret import Ask

_FAREWELL = 10.0
"""Seconds that the last tasks have; every wait in them is shorter."""


class Kept:
    """Ways to hosts that outlive a run, with an engine of their own.

    Args:
        engine: what the connections wait with; closed with them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fleetway: Fleetway | None = None
        self.making_ready = engine.lock()
        """Held while a run is made ready: several threads may make some at the same time."""

    def fleetway(self, ask: Ask | None, verbosity: int) -> Fleetway:
        """The ways of all runs; made for the first one, as it is told. Each asks in its own way."""
        if self._fleetway is None:
            self._fleetway = Fleetway(self._engine, ask, verbosity, keeps=True)
        self._fleetway.ask = ask
        return self._fleetway

    def leave_room(self, forks: int, needs: Needs) -> None:
        """Keep no more connections than leave descriptors and threads for so many hosts at once."""
        if self._fleetway is None or self._fleetway.pool is None:
            return
        pool = self._fleetway.pool
        pool.limit(max(0, len(pool) + room_beside(forks, needs, self._engine)))

    def close(self) -> None:
        """Close all connections and wait for what they left under way."""
        if self._fleetway is not None:
            self._fleetway.close()
        self._engine.close(_FAREWELL)
