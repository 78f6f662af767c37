"""The run on hosts of which many misbehave, in a process of its own, and what it left behind.

Reads a JSON object from standard input and prints one: a result a host, the wall, and what there
was of threads, greenlets, descriptors and processes before and after.
"""

from __future__ import annotations

from opsrun.engine import greenlets

if __name__ == "__main__":
    greenlets.patch()

import gc
import json
import os
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import greenlet

from opsrun import Fleet
from opsrun.engine.limits import raise_open_files
from opsrun.events import Result
from opsrun.remote.deadline import Timeouts
from opsrun.transports.targets import resolved

SETTLE = 5.0
"""Seconds that what was closed has to be gone."""


def left() -> dict[str, int]:
    """What this process has, by kind."""
    gc.collect()
    living = [each for each in gc.get_objects() if isinstance(each, greenlet.greenlet) and each]
    tasks = [Path("/proc/self/task", task) for task in os.listdir("/proc/self/task")]
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return {
        "threads": len(tasks),
        "greenlets": len(living),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(children),
    }


def settled(before: dict[str, int]) -> dict[str, int]:
    """What there is once no more goes away."""
    until = time.monotonic() + SETTLE
    while (now := left()) != before and time.monotonic() < until:
        gevent.sleep(0.1)
    return now


def told(result: Result) -> dict[str, Any]:
    """What is judged of a result."""
    return {
        "outcome": result.outcome.value,
        "phase": result.error.phase if result.error else None,
        "message": result.error.message if result.error else "",
        "signal": result.signal,
        "stdout": result.stdout.decode(errors="replace"),
        "duration": result.duration,
        "attempts": result.attempts,
    }


def main() -> None:
    raise_open_files()
    spec = json.load(sys.stdin)
    # No option sets these three; their defaults are made for networks, not for a rehearsal.
    resolved.Timeouts = partial(Timeouts, **spec["phases"])  # type: ignore[misc,assignment]
    fleet = Fleet(
        spec["inventory"],
        forks=spec["forks"],
        engine="gevent",
        connect_timeout=spec["connect"],
        ssh_config="none",
    )
    # Once, so that what is made at the first use is not taken for something left behind.
    fleet.exec("true", hosts=spec["warm"])
    gevent.sleep(SETTLE)
    before = left()
    began, started, cpu = time.time(), time.monotonic(), time.process_time()
    report = fleet.exec(spec["command"], hosts="all", timeout=spec["timeout"])
    wall, cpu = time.monotonic() - started, time.process_time() - cpu
    results = {result.host: told(result) for result in report}
    ramp = max(result.started for result in report) - began
    del report
    answer = {
        "results": results,
        "wall": wall,
        "cpu": cpu,
        "ramp": ramp,
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "before": before,
        "after": settled(before),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
