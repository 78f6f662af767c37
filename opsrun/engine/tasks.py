"""How many processes and threads this user may still start, counted as the kernel does.

To Linux both are tasks. RLIMIT_NPROC bounds those of a user, in all of the machine (setrlimit(2));
a control group's pids.max those of whatever is in it, root's too (cgroups(7)): that is what
systemd's TasksMax and a container's limit set.
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")

_ADMIN, _RESOURCE = 21, 24
"""Numbers of CAP_SYS_ADMIN and CAP_SYS_RESOURCE, see capabilities(7)."""

_WHOLE_MACHINE = ["0", "0", "4294967295"]
"""The mapping of user ids where they are the machine's own, see user_namespaces(7)."""


@dataclass(frozen=True, slots=True)
class Room:
    """So many tasks more, and what to raise for others."""

    left: int
    knob: str


def room(enough: int) -> Room | None:
    """What is left of the tightest limit; None where there is none, or none that is known.

    Args:
        enough: more than so many need not be counted exactly.
    """
    found = [each for each in (_of_user(enough), *_of_groups()) if each is not None]
    return min(found, key=lambda each: each.left, default=None)


def affordable(wanted: int, per_host: int, reserve: int) -> tuple[int, str]:
    """How many of ``wanted`` hosts there is room for at once, at least 1; and what limits them.

    Args:
        wanted: hosts.
        per_host: tasks of the kernel's that each takes.
        reserve: tasks that are needed beside them.
    """
    if per_host <= 0:
        return wanted, ""
    found = room(wanted * per_host + reserve)
    if found is None:
        return wanted, ""
    return max(1, min(wanted, (found.left - reserve) // per_host)), found.knob


def _of_user(enough: int) -> Room | None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft == resource.RLIM_INFINITY or not (_PROC / "loadavg").exists() or _is_exempt():
        return None
    # Whoever they belong to: one read in place of one for each process, and mostly enough.
    left = soft - _of_machine()
    if left < enough:
        left = soft - _running(os.getuid())
    return Room(left, "ulimit -u")


def _is_exempt() -> bool:
    """As in copy_process(): the machine's root, or its means to pass over limits."""
    if _words(_PROC / "self/uid_map") != _WHOLE_MACHINE:
        return False
    if os.getuid() == 0:
        return True
    held = re.search(r"^CapEff:\s*([0-9a-f]+)", (_PROC / "self/status").read_text(), re.M)
    capabilities = int(held[1], 16) if held else 0
    return bool(capabilities & (1 << _ADMIN | 1 << _RESOURCE))


def _of_machine() -> int:
    """All tasks that there are: the fourth field of /proc/loadavg, see proc(5)."""
    return int(_words(_PROC / "loadavg")[3].partition("/")[2])


def _running(user: int) -> int:
    """Tasks whose real user this is, as far as they can be seen."""
    found = 0
    for entry in list(os.scandir(_PROC)):
        if entry.name.isdigit():
            try:
                status = Path(entry.path, "status").read_text(errors="replace")
            except OSError:
                continue  # it has ended
            owner = re.search(r"^Uid:\s*(\d+)", status, re.M)
            threads = re.search(r"^Threads:\s*(\d+)", status, re.M)
            if owner and threads and int(owner[1]) == user:
                found += int(threads[1])
    return found


def _of_groups() -> Iterator[Room]:
    for folder in _groups():
        limit, used = _words(folder / "pids.max"), _words(folder / "pids.current")
        if limit and used and limit[0].isdigit():
            yield Room(int(limit[0]) - int(used[0]), f"pids.max in {folder}")


def _groups() -> Iterator[Path]:
    """Our control group and those around it, in the hierarchies that can count tasks."""
    try:
        lines = (_PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "pids" not in controllers.split(","):
            continue
        top = _CGROUPS / controllers if controllers else _CGROUPS
        inner = top / path.lstrip("/")
        # In a container the path may be the machine's, of which only the end is to be seen here.
        yield from (inner, *(each for each in inner.parents if each.is_relative_to(top)))


def _words(path: Path) -> list[str]:
    """The words of a file's; none where there is no such file."""
    try:
        return path.read_text().split()
    except OSError:
        return []
