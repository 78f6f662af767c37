"""Measurements from inside: each in a process of its own, so that its peak of memory is its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BENCHMARKS = Path(__file__).resolve().parents[1]
ENGINES = ("gevent", "threads")


def ask(module: str, engine: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Run ``harness.MODULE`` on an engine with ``spec`` on its standard input; what it prints.

    Raises:
        SystemExit: it failed; what it said is on stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"harness.{module}", engine],
        input=json.dumps(spec).encode(),
        stdout=subprocess.PIPE,
        cwd=_BENCHMARKS,
        check=False,
    )
    if done.returncode:
        sys.exit(f"harness.{module} ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def memory() -> int:
    """Bytes of memory that this process has just now (VmRSS, proc(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak() -> int:
    """The most that it ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(slots=True)
class Meter:
    """Time and memory from its making on."""

    wall: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)
    memory: int = field(default_factory=memory)

    def read(self) -> dict[str, float]:
        """Seconds of wall clock and of processor time, and bytes that the peak lies above."""
        return {
            "wall": time.monotonic() - self.wall,
            "cpu": time.process_time() - self.cpu,
            "memory": max(0, peak() - self.memory),
        }
