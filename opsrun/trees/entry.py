"""One file, directory or link of a tree, here or on a host: what comparing and copying go by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an entry is. Links are never followed to tell."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"
    """A device, a fifo or a socket: told of, never copied."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one entry of a tree. Both sides of a comparison are made of these."""

    path: bytes
    """Below the tree's top, ``/`` between parts; never absolute, no part empty, ``.`` or ``..``.
    ``b""`` is the top itself."""
    kind: Kind
    mode: int
    """Permission bits with setuid, setgid and sticky: 0o7777."""
    size: int
    """Bytes, of files; 0 of anything else."""
    mtime: int
    """Nanoseconds since the epoch. A host without sub-second times gives whole seconds."""
    uid: int
    gid: int
    target: bytes = b""
    """What a link says, as it says it."""
    allocated: int | None = None
    """Bytes allocated on disk, where known; less than ``size`` says that the file is sparse."""
