"""One run: an engine, a collector, a dispatcher, from the first event to the summary."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from opsrun.adhoc.base import Job, Setting, Worker
from opsrun.adhoc.silence import Silence
from opsrun.engine import tasks
from opsrun.engine.base import Engine
from opsrun.engine.canary import Canary
from opsrun.engine.collector import Collector
from opsrun.engine.dispatch import Dispatcher, Plan
from opsrun.engine.limits import Needs, affordable_forks
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError, did_you_mean
from opsrun.events import (
    BridgeCost,
    Event,
    Journal,
    NoJournal,
    Notice,
    Result,
    RunStarted,
    Sink,
    Summary,
)
from opsrun.remote.capture import KEEP_PER_RUN, KEEP_PER_STREAM, MemoryBudget
from opsrun.remote.spill import SpillFolder
from opsrun.report import Report

ENGINES = ("auto", "gevent", "threads")

_FAREWELL = 10.0
"""Seconds that a run waits for its last tasks; every wait in them is shorter."""


def make_engine(name: str) -> Engine:
    """The engine of this name; ``auto`` is gevent in a process that it has patched, else threads.

    Raises:
        UsageError: there is no such engine, or this process can't have it.
    """
    if name not in ENGINES:
        known = ", ".join(ENGINES)
        raise UsageError(f"no engine {name!r}; expected {known}{did_you_mean(name, ENGINES)}")
    if name == "gevent" or (name == "auto" and _is_patched()):
        from opsrun.engine.greenlets import GreenletEngine

        return GreenletEngine()
    from opsrun.engine.threads import ThreadEngine

    if _is_patched():
        raise UsageError("engine 'threads' needs a process that gevent has not patched")
    return ThreadEngine()


def _is_patched() -> bool:
    if "gevent.monkey" not in sys.modules:
        return False
    from opsrun.engine.greenlets import is_patched

    return is_patched()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out, whatever it does."""

    action: str
    command: str
    plan: Plan = field(default_factory=Plan)
    retries: int = 0
    keep: int = KEEP_PER_STREAM
    """Bytes of each stream that memory holds."""
    forgets: bool = False
    """Nobody reads the report's output: what every sink shows as it comes need not be kept."""
    spill: bool = True
    """Whether what is past that goes into a file, where it is not shown as it comes."""
    needs: Needs = field(default_factory=Needs)
    """What one host takes of this machine."""
    stream: bool = False
    """Emit output as it comes even if no sink wants it."""
    journal: Journal = field(default_factory=NoJournal)
    largest_status: bool = False
    early: tuple[Event, ...] = ()
    """Notices from before the run, said at its start."""


class Spending(Protocol):
    """What takes its time within a run."""

    @property
    def cost(self) -> BridgeCost | None:
        """How much so far."""


class Run:
    """One run. Iterate `stream` to its end; whatever happens, every job gets its one result.

    Args:
        engine: used by this run alone and closed at its end.
        options: see `RunOptions`.
        jobs: what there is to do, a host each.
        make_worker: makes the worker that does every one of them.
        sinks: fed as the events come, closed at the end.
        on_tick: called several times a second, in the task that iterates.
        on_end: called once, when the last worker has ended.
    """

    def __init__(
        self,
        engine: Engine,
        options: RunOptions,
        jobs: Sequence[Job],
        make_worker: Callable[[Setting], Worker],
        sinks: Sequence[Sink] = (),
        *,
        on_tick: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.report = Report()
        self.stop = Stop(engine)
        self.interrupted = False
        self.exit_status = 0
        """Of the summary; a sink that failed makes it 1 at least."""
        self._dispatched = False
        self.engine = self._engine = engine
        self._options = options
        self._jobs = jobs
        self._make_worker = make_worker
        self._on_end = on_end
        self.collector = Collector(engine, sinks, self.stop, on_tick, options.journal)

    def interrupt(self) -> None:
        """End the run early; what is under way is asked to end, and every host gets its result."""
        self.interrupted = True
        self.stop.cancel("interrupted")

    def stream(self) -> Generator[Event, None, None]:
        """Carry the run out; every event, after the sinks have had it.

        Closing the iterator early cancels the run and waits for its end.

        Raises:
            JournalError: the run can't be written down; no host was reached.
        """
        started = time.time(), self._engine.now()
        first = self._first(started[0])
        self._write_down(first)
        try:
            for event in self._events(first):
                self.report.add(event)
                yield event
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        finally:
            try:
                self._wind_up()
            finally:
                summary = self._last_words(started[1])
        yield summary

    def _first(self, started: float) -> RunStarted:
        hosts = tuple(job.host for job in self._jobs)
        return RunStarted(self.id, self._options.action, self._options.command, hosts, started)

    def _write_down(self, first: RunStarted) -> None:
        try:
            pause, stop = self.collector.pause, self.stop
            self._options.journal.begin(self._engine, first, pause, lambda: stop.cancelled)
        except BaseException:
            self._on_end()
            self._engine.close(_FAREWELL)
            self.collector.leave()
            raise

    def _events(self, first: RunStarted) -> Iterator[Event]:
        jobs = self._jobs
        self.collector.expect([job.work for job in jobs])
        self.collector.hand_out(first)
        yield first
        plan, notices = self._affordable(len(jobs))
        for notice in (*self._options.early, *notices):
            self.collector.hand_out(notice)
            yield notice
        canary = Canary(len(list(plan.batches(len(jobs)))), len(jobs)) if plan.canary else None
        worker = self._make_worker(self._setting(canary))
        dispatcher = Dispatcher(
            self._engine,
            self.stop,
            plan,
            worker,
            worker.skip,
            lambda job: job.door,
            lambda batch: self._judge(canary, batch),
            worker.look_back if worker.looks_back else None,
        )
        self._engine.spawn(self._dispatch, dispatcher, jobs)
        self._dispatched = True
        yield from self.collector.stream()

    def _judge(self, canary: Canary | None, batch: Sequence[Job]) -> str:
        if canary is None:
            return ""
        verdict = canary.judge([job.work for job in batch])
        if not verdict.goes_on:
            return verdict.words
        self.collector.emit(Notice("info", verdict.words))
        return ""

    def _dispatch(self, dispatcher: Dispatcher[Job], jobs: Sequence[Job]) -> None:
        try:
            dispatcher.run(jobs)
        except BaseException as error:
            self.collector.emit(Notice("error", f"a bug in opsrun ended the dispatch: {error!r}"))
        finally:
            self.collector.finish()

    def _affordable(self, jobs: int) -> tuple[Plan, list[Notice]]:
        plan = self._options.plan
        wanted = min(plan.forks, max(1, jobs))
        forks = min(wanted, self._engine.max_forks)
        notices = []
        if forks < wanted:
            words = f"the {self._engine.name} engine works on {forks} hosts at once, not {wanted}"
            notices.append(Notice("warning", words))
        for what, affordable, knob in self._limits(forks):
            if affordable < forks:
                words = f"{what} are limited: {affordable} hosts at once instead of {forks}"
                notices.append(Notice("warning", f"{words} (see {knob})"))
            forks = min(forks, affordable)
        return replace(plan, forks=forks), notices

    def _limits(self, forks: int) -> Iterator[tuple[str, int, str]]:
        """What there may be too little of, for how many hosts it is enough, and what to raise."""
        needs, engine = self._options.needs, self._engine
        yield "open files", affordable_forks(forks, needs.files), "ulimit -n"
        per_host = needs.threads * engine.threads_per_task + needs.processes
        enough, knob = tasks.affordable(forks, per_host, engine.own_threads)
        yield "processes and threads", enough, knob

    def _setting(self, canary: Canary | None = None) -> Setting:
        stream = self._options.stream or self.collector.wants_output
        nobody = not (self.collector.reads_results or self._options.journal.keeps)
        forgets = self._options.forgets and stream and nobody
        return Setting(
            engine=self._engine,
            stop=self.stop,
            emit=self.collector.emit if canary is None else self._noting(canary),
            budget=MemoryBudget(KEEP_PER_RUN, self._engine.lock()),
            journal=self._options.journal,
            stream=stream,
            forgets=forgets,
            keep=self._options.keep,
            spill=SpillFolder() if self._options.spill else None,
            retries=self._options.retries,
            hosts=len(self._jobs),
            silence=Silence(self.collector.emit, self._engine.now, self._engine.lock()),
        )

    def _noting(self, canary: Canary) -> Callable[[Event], None]:
        def emit(event: Event) -> None:
            # Before it is handed on: a batch is judged while its results are on their way.
            if isinstance(event, Result):
                canary.note(event)
            self.collector.emit(event)

        return emit

    def _wind_up(self) -> None:
        """Ends the work if the reader broke off, and takes in what is still to come of it."""
        self.stop.cancel("the run was given up")
        if not self._dispatched:
            # Nobody else will say so; every job still gets its result.
            self.collector.finish()
        for event in self.collector.stream():
            self.report.add(event)
        self._on_end()
        if not self._engine.close(_FAREWELL):
            self.collector.hand_out(Notice("warning", "some tasks did not end and were left"))

    def _last_words(self, before: float) -> Summary:
        try:
            # Nothing, unless a second interrupt broke off what winds the run up.
            for event in self.collector.rest():
                self.report.add(event)
            # First what is still to be written: if it can't be, the summary must say so.
            self.collector.flush()
        finally:
            summary = self._summary(self._engine.now() - before)
            self.collector.close(summary)
            if not self.exit_status and self.collector.failures:
                self.exit_status = 1
        return summary

    bridge: Spending | None = None
    """Has ansible-core do tasks, in runs that have such."""

    def _summary(self, duration: float) -> Summary:
        self.report.interrupted = self.interrupted
        status = self.report.exit_status(largest=self._options.largest_status)
        if not status and self.collector.failures:
            status = 1
        self.exit_status = status
        cost = None if self.bridge is None else self.bridge.cost
        counts = self.report.counts()
        summary = Summary(self.id, counts, duration, self.interrupted, status, cost)
        self.report.add(summary)
        return summary
