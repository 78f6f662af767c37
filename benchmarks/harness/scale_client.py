"""A run over simulated hosts, in a process of its own.

Takes the engine's name, reads a JSON object from standard input and prints one: outcomes, time,
memory. With the output ``bare`` the same hosts are worked through by tasks of the engine's alone:
what the simulation itself takes.
"""

from __future__ import annotations

import sys

from opsrun.engine import greenlets

if __name__ == "__main__" and sys.argv[1] == "gevent":
    greenlets.patch()

import gc
import json
import os
from collections import Counter, deque
from pathlib import Path
from typing import Any

from harness.inside import Meter
from opsrun.adhoc.base import Job
from opsrun.adhoc.run import Exec
from opsrun.cli.main import COLLECTING
from opsrun.composition.run import Run, RunOptions, make_engine
from opsrun.engine.base import Engine, Event
from opsrun.engine.dispatch import Plan
from opsrun.engine.writer import DescriptorWriter
from opsrun.events import NoJournal, Sink, WorkId
from opsrun.journal.about import About
from opsrun.journal.recorder import Recorder
from opsrun.remote.command import Command
from opsrun.sinks import OutputOptions, make_sink
from opsrun.testing import Closed, Data, FakeTransport, Hold, Step, ends

COMMAND = "uptime"
SAID = Data("stdout", b" 10:00:00 up 41 days,  2:11,  0 users,  load average: 0.08, 0.03, 0.01\n")


class Wire:
    """Delivers each packet so many seconds after it was sent: one task for all hosts together."""

    def __init__(self, engine: Engine, latency: float) -> None:
        self._engine = engine
        self._latency = latency
        self._under_way: deque[tuple[float, Packet, Event]] = deque()
        self._over = False
        engine.spawn(self._deliver)

    def send(self, packet: Packet, news: Event) -> None:
        """Have it arrive, and its receiver told, when its time has come."""
        self._under_way.append((self._engine.now() + self._latency, packet, news))

    def end(self) -> None:
        """Deliver no more."""
        self._over = True

    def _deliver(self) -> None:
        pause = self._engine.event()
        while not self._over:
            now = self._engine.now()
            while self._under_way and self._under_way[0][0] <= now:
                _, packet, news = self._under_way.popleft()
                packet.arrived = True
                news.set()
            pause.wait(0.002)


class Packet(Hold):
    """Under way from the first look at it on; everything behind it waits for its arrival."""

    __slots__ = ("_sent", "_wire", "arrived")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._sent = False
        self.arrived = False

    def passes(self, news: Event) -> bool:
        """See `Hold.passes`."""
        if not self._sent:
            self._sent = True
            self._wire.send(self, news)
        return self.arrived


class World:
    """The hosts: each has a login and an answer, both a latency away."""

    def __init__(self, engine: Engine, latency: float) -> None:
        self.engine = engine
        self.wire = Wire(engine, latency)

    def transport(self) -> FakeTransport:
        """A way to a host."""
        return FakeTransport(self.engine, self._steps, login=[Packet(self.wire)])

    def _steps(self, script: str) -> tuple[Step, ...]:
        return Packet(self.wire), SAID, *ends(0)


def whole(engine: Engine, world: World, spec: dict[str, Any], null: int) -> tuple[int, int]:
    """A run as ``opsrun exec`` makes it; how many results there are, and how many are good."""
    jobs = [
        Job(WorkId(f"host{number:06d}", ("exec",), "0123456789ab"), world.transport)
        for number in range(spec["hosts"])
    ]
    output, sinks = spec["output"], list[Sink]()
    if output != "none":
        writer = DescriptorWriter(engine, null)
        sinks.append(make_sink(output, writer, writer, OutputOptions()))
    # As the command line has it: what was shown as it came is not kept.
    plan, path = Plan(forks=spec["forks"]), spec.get("journal")
    journal = Recorder(Path(path), About(("exec", COMMAND))) if path else NoJournal()
    options = RunOptions("exec", COMMAND, plan, forgets=bool(sinks), journal=journal)
    command = Command(COMMAND)
    run = Run(
        engine, options, jobs, lambda setting: Exec(setting, command), sinks, on_end=world.wire.end
    )
    for _ in run.stream():
        pass
    assert run.collector.failures == [], run.collector.failures
    assert run.exit_status == 0
    return len(run.report), len(run.report.ok)


def bare(engine: Engine, world: World, hosts: int, forks: int) -> tuple[int, int]:
    """The same commands by the same number of tasks, and nothing else."""
    left, ended = deque(range(hosts)), Counter[type]()

    def work() -> None:
        while left:
            left.popleft()
            transport = world.transport()
            process = transport.connect().start(COMMAND)
            while not isinstance(packet := process.receive(None), Closed):
                ended[type(packet)] += 1
            process.close()
            transport.close()

    tasks = [engine.spawn(work) for _ in range(min(forks, engine.max_forks))]
    for task in tasks:
        task.join()
    world.wire.end()
    engine.close(10.0)
    return hosts, ended[Data]


def main() -> None:
    spec = json.load(sys.stdin)
    engine = make_engine(sys.argv[1])
    # As the command does; a script that uses the library has what Python's own default costs.
    gc.set_threshold(*COLLECTING)
    with open(os.devnull, "wb") as null:
        world = World(engine, spec["latency"])
        gc.collect()
        meter = Meter()
        if spec["output"] == "bare":
            results, good = bare(engine, world, spec["hosts"], spec["forks"])
        else:
            results, good = whole(engine, world, spec, null.fileno())
        answer: dict[str, Any] = dict(meter.read())
    print(json.dumps(answer | {"results": results, "good": good}))


if __name__ == "__main__":
    main()
