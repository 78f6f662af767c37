"""One worker and one job, with all that a run has around them."""

from __future__ import annotations

from typing import Any

from opsrun.adhoc.base import Job, Setting, Worker
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import ConnectionFailed
from opsrun.events import Event, HostStarted, Result, WorkId
from opsrun.remote.capture import MemoryBudget
from opsrun.testing import FakeTransport, ends

LONG = 30.0
WORK = WorkId("web01", ("test",), "0123456789ab")
REFUSED = ConnectionFailed("connection refused", host="web01", phase="tcp", hint="is it up?")


class Bench:
    """Everything around one worker, and what came out of it."""

    def __init__(self, engine: Engine, **settings: Any) -> None:
        self.engine = engine
        self.events: list[Event] = []
        self.stop = Stop(engine)
        self.places = engine.semaphore(1)
        self.setting = Setting(
            engine=engine,
            stop=self.stop,
            emit=self.events.append,
            budget=MemoryBudget(1 << 30, engine.lock()),
            **settings,
        )

    def run(self, worker: Worker, *transports: FakeTransport) -> Result:
        """Have the worker do a job whose attempts get these transports in turn."""
        rest = list(transports)
        job = Job(WORK, lambda: rest.pop(0))
        self.places.acquire()
        good = worker(job, Slot(self.places))
        self.places.release()
        assert [type(event) for event in self.events].count(HostStarted) == 1
        assert isinstance(self.events[0], HostStarted)
        results = [event for event in self.events if isinstance(event, Result)]
        assert len(results) == 1
        assert self.events[-1] is results[0]
        assert good is results[0].outcome.is_good
        assert results[0].work == WORK
        assert results[0].duration >= 0
        assert results[0].started > 0
        assert all(transport.closed for transport in transports if transport.connects)
        return results[0]

    def of(self, kind: type) -> list[Any]:
        """Events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


def host(engine: Engine, *steps: Any, **options: Any) -> FakeTransport:
    """A host on which every command goes through these steps."""
    return FakeTransport(engine, lambda script: steps or ends(0), host="web01", **options)


def refusing(engine: Engine, error: ConnectionFailed = REFUSED) -> FakeTransport:
    """A host that nobody gets in to."""
    return host(engine, login=[error])
