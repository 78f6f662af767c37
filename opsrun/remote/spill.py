"""Output past what memory may hold, kept whole in files of its own."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable

_LOOK_EVERY = 32 * 1024 * 1024
"""Bytes written between two looks at the free space."""

_KEEP_FREE = 0.05
"""Share of the file system that is left to others."""


class SpillFolder:
    """A folder of a run's own, made when the first stream needs it.

    The folder is 0700 and its files 0600: a command's output may be anything. They stay when the
    run is over; whoever is shown a path decides.

    Args:
        parent: where it is made; None for the system's directory of temporary files.
    """

    def __init__(self, parent: str | None = None) -> None:
        self._parent = parent
        self._path: str | None = None
        self._count = 0

    def create(self, name: str) -> SpillFile:
        """A new file; ``name`` can be recognised in its name.

        Raises:
            OSError: folder or file can't be made.
        """
        if self._path is None:
            self._path = tempfile.mkdtemp(prefix="opsrun-output-", dir=self._parent)
        self._count += 1
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
        path = os.path.join(self._path, f"{self._count:05d}-{safe}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return SpillFile(os.open(path, flags, 0o600), path)


class SpillFile:
    """One stream's bytes from its beginning."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self.path = path
        self._unseen = 0

    def write(self, data: bytes | bytearray) -> None:
        """Append ``data``.

        Raises:
            OSError: the disk is full, or so nearly full that others would suffer.
        """
        self._unseen += len(data)
        if self._unseen >= _LOOK_EVERY:
            self._unseen = 0
            room = os.fstatvfs(self._descriptor)
            if room.f_bavail < room.f_blocks * _KEEP_FREE:
                raise OSError("too little space is left beside it")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._descriptor)


Spill = Callable[[], SpillFile]
"""Makes the file of one stream."""
