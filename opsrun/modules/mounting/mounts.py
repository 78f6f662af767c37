"""What is mounted on a host, as its kernel has it: proc_pid_mountinfo(5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.modules.mounting.fstab import unescaped


@dataclass(frozen=True, slots=True)
class Mounted:
    """One file system in its place."""

    path: str
    src: str
    fstype: str
    root: str
    """Which directory of the file system is seen there."""


def read_mounts(text: str) -> Iterator[Mounted]:
    """The lines of ``/proc/self/mountinfo``; what makes no sense is passed over."""
    for line in text.splitlines():
        left, found, right = line.partition(" - ")
        fields, rest = left.split(" "), right.split(" ")
        if found and len(fields) > 5 and len(rest) > 1:
            root, path = map(unescaped, fields[3:5])
            yield Mounted(path, unescaped(rest[1]), rest[0], root)


def mounted_at(text: str, path: str) -> Mounted | None:
    """What is seen at a path: the last that was mounted there.

    Args:
        text: of ``/proc/self/mountinfo``.
        path: absolute, without links in it.
    """
    found = [each for each in read_mounts(text) if each.path == path]
    return found[-1] if found else None
