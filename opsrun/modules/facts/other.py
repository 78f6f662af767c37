"""Systems other than Linux, as far as their own programs tell: macOS and the BSDs.

Unproven: made after uname(1), sysctl(8) and sw_vers(1), and run on recorded answers alone.
"""

from __future__ import annotations

import re
from typing import Any

from opsrun.modules.looking import Answers

_FAMILIES = {"Darwin": "Darwin", "FreeBSD": "FreeBSD", "OpenBSD": "OpenBSD", "NetBSD": "NetBSD"}
_FAMILIES |= {"DragonFly": "DragonFly"}
_SYSCTL = re.compile(r"^([\w.]+)(?:: | ?= ?)(.*)$", re.MULTILINE)


def is_known(system: str) -> bool:
    """Whether a kernel is that of one of these systems."""
    return system in _FAMILIES


def distribution(system: str, kernel: str, answers: Answers) -> dict[str, Any]:
    """Name, versions and family.

    Args:
        system: ``uname -s``.
        kernel: ``uname -r``.
        answers: with what sw_vers(1) said, if this is macOS.
    """
    name, version, release = system, kernel, kernel
    if system == "Darwin":
        told = dict(re.findall(r"^(\w+):\s*(\S+)", answers.text("swvers"), re.MULTILINE))
        name, version = "MacOSX", told.get("ProductVersion", kernel)
    elif found := re.match(r"(\d+\.\d+)", kernel):
        version = found[1]
    return {
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0],
        "distribution_release": release,
        "os_family": _FAMILIES[system],
    }


def hardware(answers: Answers, now: float) -> dict[str, Any]:
    """Processors, memory and uptime, as sysctl(8) tells them; ``now`` is the host's clock."""
    told = dict(_SYSCTL.findall(answers.text("sysctl")))
    found: dict[str, Any] = {}
    count = told.get("hw.ncpu", "")
    if count.isdecimal():
        model = told.get("machdep.cpu.brand_string") or told.get("hw.model", "")
        found |= {"processor": [model], "processor_count": int(count)}
        found |= {"processor_cores": int(count), "processor_vcpus": int(count)}
    memory = told.get("hw.memsize") or told.get("hw.physmem", "")
    if memory.isdecimal():
        found["memtotal_mb"] = int(memory) // 1024 // 1024
    started = re.search(r"\bsec ?= ?(\d{1,12})|^(\d{9,12})$", told.get("kern.boottime", ""))
    if started is not None and now:
        found["uptime_seconds"] = max(int(now) - int(started[1] or started[2]), 0)
    return found


def epoch(date: str) -> float:
    """Seconds since the epoch, of what date(1) printed; 0 where it makes no sense."""
    first = date.split(" ")[0]
    return float(first) if first.isascii() and first.isdigit() and len(first) < 13 else 0.0
