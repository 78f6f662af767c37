"""Folders of jobs that modules left to their hosts (`opsrun.modules.background`)."""

from __future__ import annotations

import os
from pathlib import Path


def running(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def process(job: Path, name: str) -> int:
    """The number of the job's ``keeper`` or ``child``."""
    return int((job / name).read_text().split()[0])


def tidied(job: Path) -> list[str]:
    """What is left in the job's folder once its keeper is gone.

    A job has ended when its ``ending`` is there; its keeper tidies up behind that.
    """
    keeper = process(job, "keeper")
    while running(keeper):
        os.sched_yield()
    return sorted(each.name for each in job.iterdir())
