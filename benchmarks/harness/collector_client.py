"""A run whose workers do nothing but emit, in a process of its own.

Takes the engine's name, reads a JSON object from standard input and prints one: events in and out,
time, memory.
"""

from __future__ import annotations

import sys

from opsrun.engine import greenlets

if __name__ == "__main__" and sys.argv[1] == "gevent":
    greenlets.patch()

import json
import os
from collections import Counter
from typing import Any

from harness.inside import Meter
from opsrun.adhoc.base import Job, Setting
from opsrun.composition.run import Run, RunOptions, make_engine
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan, Slot
from opsrun.engine.writer import DescriptorWriter
from opsrun.events import Event, HostStarted, Outcome, Output, Result, Sink, WorkId
from opsrun.sinks import OutputOptions, make_sink

LINE = b"Filesystem     1K-blocks    Used Available Use% /\n"
CROWD = 50


class Emitter:
    """A worker that emits lines, and then its result."""

    looks_back = False

    def __init__(self, setting: Setting, lines: int) -> None:
        self._emit = setting.emit
        self._lines = lines
        self.emitted: Counter[str] = Counter()

    def __call__(self, job: Job, slot: Slot) -> bool:
        emit, work = self._emit, job.work
        emit(HostStarted(job.host, work, 1.0))
        for _ in range(self._lines):
            emit(Output(job.host, work, "stdout", LINE))
        emit(Result(job.host, work, Outcome.OK, rc=0, started=1.0, stdout=LINE))
        self.emitted[job.host] += self._lines
        return True

    def skip(self, job: Job) -> None:
        raise AssertionError("nobody is skipped")


class Count:
    """Counts; with a pause, it is a reader that can't keep up."""

    wants_output = True

    def __init__(self, engine: Engine, pause_each: int = 0) -> None:
        self._engine = engine
        self._pause_each = pause_each
        self.outputs = 0

    def handle(self, seq: int, event: Event) -> None:
        if isinstance(event, Output):
            self.outputs += 1
            if self._pause_each and self.outputs % self._pause_each == 0:
                self._engine.event().wait(0.001)

    def flush(self) -> None: ...

    def tick(self, now: float) -> None: ...

    def close(self) -> None: ...


def sinks(names: list[str], engine: Engine, fd: int) -> list[Sink]:
    """Outputs by name; ``slow`` is one that pauses for a millisecond at each hundredth event."""
    made: list[Sink] = []
    for name in names:
        if name == "slow":
            made.append(Count(engine, 100))
        else:
            writer = DescriptorWriter(engine, fd)
            made.append(make_sink(name, writer, writer, OutputOptions(output_events=True)))
    return made


def nowhere() -> Any:
    raise AssertionError("no host is reached")


def main() -> None:
    spec = json.load(sys.stdin)
    engine = make_engine(sys.argv[1])
    hosts = [f"h{number:03d}" for number in range(spec["hosts"])]
    jobs = [Job(WorkId(host, ("exec",), "0123456789ab"), nowhere) for host in hosts]
    emitters: list[Emitter] = []

    def make(setting: Setting) -> Any:
        emitters.append(Emitter(setting, spec["events"] // len(hosts)))
        return emitters[0]

    with open(os.devnull, "wb") as null:
        count = Count(engine)
        outputs = [*sinks(spec["sinks"], engine, null.fileno()), count]
        options = RunOptions("exec", "df", Plan(forks=CROWD))
        meter = Meter()
        run = Run(engine, options, jobs, make, outputs)
        events = sum(1 for _ in run.stream())
        answer = meter.read()
    into = sum(emitters[0].emitted.values())
    assert run.collector.failures == [], run.collector.failures
    print(json.dumps(answer | {"in": into, "out": count.outputs, "events": events}))


if __name__ == "__main__":
    main()
