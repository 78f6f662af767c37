"""Whole runs over hosts whose work does as a test wishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.adhoc.base import Job, Setting
from opsrun.composition.run import Run, RunOptions
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan, Slot
from opsrun.engine.limits import Needs
from opsrun.events import Event, HostStarted, Outcome, Result, Sink, Summary, WorkId

Behaviour = Callable[["Scripted", Job, Slot], bool]


def work(host: str) -> WorkId:
    """The work of one host."""
    return WorkId(host, ("test",), "0123456789ab")


def job(host: str) -> Job:
    """A job that no transport is ever asked for."""

    def nowhere() -> Any:
        raise AssertionError("these workers reach no host")

    return Job(work(host), nowhere)


def hosts(number: int) -> list[str]:
    """Names of so many hosts."""
    return [f"h{position:03}" for position in range(number)]


def result(job: Job, outcome: Outcome = Outcome.OK) -> Result:
    """A result of this job's."""
    return Result(job.host, job.work, outcome, rc=0 if outcome.is_good else 1)


@dataclass
class Scripted:
    """A worker for `Run`: each host behaves as its entry says."""

    setting: Setting
    behaviours: dict[str, Behaviour]
    ran: list[str] = field(default_factory=list)
    looks_back: bool = False

    def __call__(self, job: Job, slot: Slot) -> bool:
        self.ran.append(job.host)
        return self.behaviours[job.host](self, job, slot)

    def skip(self, job: Job) -> None:
        self.setting.emit(result(job, Outcome.CANCELLED))


def good(worker: Scripted, job: Job, slot: Slot) -> bool:
    """Start, result, and well."""
    worker.setting.emit(HostStarted(job.host, job.work, 1.0))
    worker.setting.emit(result(job))
    return True


def bad(worker: Scripted, job: Job, slot: Slot) -> bool:
    """Start, result, and not well."""
    worker.setting.emit(HostStarted(job.host, job.work, 1.0))
    worker.setting.emit(result(job, Outcome.FAILED))
    return False


def scripted_run(
    engine: Engine,
    behaviours: dict[str, Behaviour],
    plan: Plan | None = None,
    sinks: Sequence[Sink] = (),
    needs: Needs | None = None,
    **options: Any,
) -> tuple[Run, list[Scripted]]:
    """A run over the hosts of ``behaviours``, and (once it is under way) its one worker."""
    made: list[Scripted] = []

    def make(setting: Setting) -> Any:
        made.append(Scripted(setting, behaviours))
        return made[0]

    settings = RunOptions("test", "test", plan or Plan(), needs=needs or Needs())
    return Run(engine, settings, [job(host) for host in behaviours], make, sinks, **options), made


class Recorder:
    """A sink that keeps all it is given, and tells when it is used against its contract."""

    wants_output = False

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.seqs: list[int] = []
        self.flushed_at: list[int] = []
        self.closed = 0

    def handle(self, seq: int, event: Event) -> None:
        assert not self.closed, "an event after close"
        self.seqs.append(seq)
        self.events.append(event)

    def flush(self) -> None:
        assert not self.closed, "a flush after close"
        self.flushed_at.append(len(self.events))

    def tick(self, now: float) -> None:
        assert not self.closed, "a tick after close"

    def close(self) -> None:
        self.closed += 1

    def results(self) -> list[Result]:
        """The results, in the order in which they came."""
        return [event for event in self.events if isinstance(event, Result)]


def check_stream(recorder: Recorder, names: Sequence[str]) -> None:
    """What holds for a whole stream, whatever happened."""
    assert recorder.seqs == list(range(1, len(recorder.seqs) + 1)), "numbers with a gap"
    assert Counter(each.work for each in recorder.results()) == Counter(map(work, names))
    assert [type(event) for event in recorder.events].count(Summary) == 1
    summary = recorder.events[-1]
    assert isinstance(summary, Summary)
    assert summary.counts == Counter(each.outcome for each in recorder.results())
    assert recorder.closed == 1
