"""Where ``OPSRUN_REQUIRE_ALL`` is set, as in continuous integration, nothing is skipped for want.

A test that is skipped there fails, unless its reason is one of those below: what it asks for can't
be had together with what another test asks for, or it takes rights that this process does not have.
A reason that nobody has thought of fails, so that it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

REQUIRED = bool(os.environ.get("OPSRUN_REQUIRE_ALL"))
"""Read before the environment is cleared."""

_BY_DESIGN = re.compile(
    r"the fake has no "
    r"|ssh\(1\) (waits for the child|keeps the signal's name)"
    r"|so it does for this one$"
    r"|nothing can be killed here$"
    r"|it gives no terminal$"
    r"|nothing ends a thread from outside$"
    r"|gevent hands these to the main greenlet"
    r"|a patched process has no real threads"
    r"|only where (gevent patched|nothing is patched)$"
    r"|root may write everywhere$"
    r"|SELinux is on here$"
    r"|there is no (PostgreSQL server|MariaDB server|firewalld): its answers are replayed"
    r"|there is no (npm|apk): its answers are replayed"
    r"|ANSIBLE_SOURCE names no |ansible-core is not installed$"
)
"""One of two ways, engines or worlds, of which the same test is held in the other."""

_RIGHTS = re.compile(
    r"needs root$|no disposable |.*\b(takes?|needed|only) root\b|only root |root's word "
    r"|becomes another user$|giving files away "
    r"|.*\bcan('t)? be mounted\b|can't mount |no UTS namespaces |nothing can be traced "
    r"|sshd gives no terminals |port 22 of further addresses "
)
"""What takes root, and root's right to mount (CAP_SYS_ADMIN)."""

_ATTRIBUTES = re.compile(
    r"nothing can be made immutable |attributes can't be changed |no attributes here$"
    r"|no extended attributes there$|there is no setfacl, or no file system "
)
"""What takes CAP_LINUX_IMMUTABLE, and a file system that can."""

# capability.h
_LINUX_IMMUTABLE, _SYS_ADMIN = 9, 21


def capabilities(status: str | None = None) -> int:
    """The effective ones of this process as bits, see proc(5); 0 where that can't be told."""
    if status is None:
        path = Path("/proc/self/status")
        status = path.read_text() if path.exists() else ""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def excused(reason: str, user: int, rights: int) -> bool:
    """Whether a test may be skipped where everything is required.

    Args:
        reason: of the skip.
        user: number of the user we are.
        rights: see `capabilities`.
    """
    reason = reason.removeprefix("Skipped: ")
    if _BY_DESIGN.match(reason):
        return True
    if _RIGHTS.match(reason):
        return user != 0 or not rights >> _SYS_ADMIN & 1
    return bool(_ATTRIBUTES.match(reason)) and not rights >> _LINUX_IMMUTABLE & 1


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _judged(report: Report) -> Report:
    """The report, a failure if it was a skip for want."""
    if not REQUIRED or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return report
    told = report.longrepr
    reason = told[2] if isinstance(told, tuple) else str(told)
    if not excused(reason, os.geteuid(), capabilities()):
        report.outcome = "failed"
        report.longrepr = f"OPSRUN_REQUIRE_ALL is set, and this was skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))
