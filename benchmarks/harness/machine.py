"""What the figures were taken on: no name of a host, a person or a path."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_gib() -> float:
    """Memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def model() -> str:
    """The processor, as the kernel calls it; empty where it doesn't say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, "")


def load() -> float:
    """Processes that wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def ssh_version() -> str:
    """The OpenSSH client's, ``OpenSSH_9.2p1``; empty where there is none."""
    try:
        asked = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stderr.split(",")[0].split(" ")[0]


def describe() -> str:
    """One line for the head of the results."""
    name = f" ({model()})" if model() else ""
    return (
        f"{cores()} cores{name}, {memory_gib():.0f} GiB, {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}"
    )
