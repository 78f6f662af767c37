"""put, get and sync on hosts of a test's choosing, one after the other, without a command line."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from support.engines import make_engine
from support.reach import Reach

from opsrun.adhoc.base import Job, Setting
from opsrun.adhoc.get import GetOptions
from opsrun.adhoc.put import PutOptions
from opsrun.adhoc.sync import SyncOptions
from opsrun.adhoc.transfer import Finish
from opsrun.composition.actions import Action
from opsrun.composition.transfers import GetAction, PutAction, SyncAction
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.events import Event, HostStarted, Outcome, Progress, Result, WorkId
from opsrun.remote.capture import MemoryBudget
from opsrun.remote.session import Session

LONG = 300.0
Paths = Any
"""One path or several, as text or bytes."""
PRESERVING = Finish(preserve=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """One script that went to a host."""

    script: str
    bytes: int
    """That it took with it."""


@dataclass
class Copying:
    """Everything around the workers, and what came of them.

    Args:
        reach: makes the way to each host.
        hosts: their names; all of them lead to the same.
        settings: of `Setting`, where they are to be others.
    """

    reach: Reach
    hosts: Sequence[str] = ("web01",)
    settings: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine: Engine = self.reach.engine
        self.stop = Stop(self.engine)

    def put(self, sources: Paths, dest: Any, **options: Any) -> Result:
        """``opsrun put``; options of `PutOptions`, and of `PutAction.prepare`."""
        named = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else sources
        more = {
            name: options.pop(name)
            for name in ("exclude", "dereference", "stdin")
            if name in options
        }
        return self.one(PutAction.prepare(named, dest, PutOptions(**options), **more))

    def get(self, sources: Paths, dest: Any, **options: Any) -> Result:
        """``opsrun get --flat``; options of `GetOptions`."""
        named = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else sources
        return self.one(GetAction.prepare(named, dest, GetOptions(**{"flat": True, **options})))

    def sync(self, source: Any, dest: Any, **options: Any) -> Result:
        """``opsrun sync``; options of `SyncOptions`."""
        return self.one(SyncAction.prepare(source, dest, SyncOptions(**options)))

    def one(self, action: Action) -> Result:
        """The result of the only host."""
        [result] = self.all(action).values()
        return result

    def all(self, action: Action) -> dict[str, Result]:
        """Do it on all hosts at once."""
        self.events.clear()
        self.frames.clear()
        places = self.engine.semaphore(len(self.hosts))
        worker = action.worker(self._setting(), Unneeded())
        jobs = [
            Job(WorkId(host, ("test",), "0123456789ab"), self.reach.make) for host in self.hosts
        ]

        def work(job: Job) -> None:
            places.acquire()
            worker(job, Slot(places))
            places.release()

        with self._counted():
            tasks = [self.engine.spawn(work, job) for job in jobs]
            for task in tasks:
                assert task.join(LONG), "it never came to an end"
        return self._results()

    def of(self, kind: type) -> list[Any]:
        """Events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def _setting(self) -> Setting:
        usual = Setting(
            engine=self.engine,
            stop=self.stop,
            emit=self.events.append,
            budget=MemoryBudget(1 << 30, self.engine.lock()),
            hosts=len(self.hosts),
        )
        return replace(usual, **self.settings)

    def _results(self) -> dict[str, Result]:
        """One start and one result a host, and progress that never goes back."""
        results = {event.host: event for event in self.of(Result)}
        assert sorted(event.host for event in self.of(HostStarted)) == sorted(self.hosts)
        assert sorted(event.host for event in self.of(Result)) == sorted(self.hosts)
        for host, result in results.items():
            mine = [event for event in self.events if getattr(event, "host", "") == host]
            assert mine[-1] is result
            told = [event for event in mine if isinstance(event, Progress)]
            assert [event.done for event in told] == sorted(event.done for event in told)
            assert all(event.total is None or event.done <= event.total for event in told)
        return results

    @contextmanager
    def _counted(self) -> Iterator[None]:
        send = Session.send

        def counting(session: Session, script: str, **options: Any) -> Any:
            stream = options.get("stream")
            self.frames.append(Frame(script, stream.size if stream else 0))
            return send(session, script, **options)

        Session.send = counting  # type: ignore[assignment]
        try:
            yield
        finally:
            Session.send = send  # type: ignore[method-assign]


class Unneeded:
    """Means that no copy asks for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a copy has no use for {name}")


@contextmanager
def copying(
    make: Callable[[Engine], Reach], hosts: Sequence[str] = ("web01",), **settings: Any
) -> Iterator[Copying]:
    """Copies for one test, or one example of one; nothing of them is left."""
    engine = make_engine()
    try:
        yield Copying(make(engine), hosts, settings)
    finally:
        assert engine.close(10.0), "tasks were left behind"


def good(result: Result, outcome: Outcome) -> dict[str, Any]:
    """What a result that went well says."""
    assert result.error is None, result.error
    assert result.outcome is outcome, result.data
    return dict(result.data)


def bad(result: Result, outcome: Outcome = Outcome.FAILED) -> str:
    """The words of a result that did not go well."""
    assert result.error is not None, result.data
    assert result.outcome is outcome, result.error
    return f"{result.error.message} ({result.error.hint})"


def left_behind(top: str | os.PathLike[str]) -> list[str]:
    """Temporaries of ours anywhere below a directory."""
    return [
        os.path.join(where, name)
        for where, directories, files in os.walk(top)
        for name in (*directories, *files)
        if name.startswith(".opsrun-")
    ]


def mode(path: str | os.PathLike[str]) -> int:
    """The permission bits, setuid and its like among them."""
    return stat.S_IMODE(os.lstat(path).st_mode)
