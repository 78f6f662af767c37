"""One file from a host, as ``cat`` gives it."""

from __future__ import annotations

from typing import Self

from opsrun.trees.below import directory_below, split
from opsrun.trees.entry import Entry
from opsrun.trees.failures import ArchiveError, shown
from opsrun.trees.got import Got, GotFile, Rules
from opsrun.trees.writing import StagedFile


class SingleFile:
    """Takes a file's bytes in pieces of any size; stands where an `Unpacker` would.

    Args:
        stage: descriptor of a directory that nobody else writes to; stays open.
        path: what the file is called there, below directories that are there.
        entry: what the host said of it: mode, time, and size, which is held to.
        rules: modes and times.
        sized: False for what has no size beforehand, such as files in /proc.

    Raises:
        ArchiveError: the name is taken.
        PlaceError: this machine's file system refuses.
    """

    def __init__(
        self,
        stage: int,
        path: bytes,
        entry: Entry,
        *,
        rules: Rules | None = None,
        sized: bool = True,
    ) -> None:
        self._path = path
        self._entry = entry
        self._rules = rules or Rules()
        self._sized = sized
        sparse = entry.allocated is not None and entry.allocated < entry.size
        above, name = split(path)
        with directory_below(stage, above) as directory:
            self._file = StagedFile(directory, name, path, holes=sparse, fsync=self._rules.fsync)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take further bytes of the file.

        Raises:
            ArchiveError: there are more than were promised.
            PlaceError: this machine's file system refuses.
        """
        size = self._file.size + len(data)
        if self._sized and size > self._entry.size:
            raise ArchiveError(f"{shown(self._path)} grew beyond its {self._entry.size} bytes")
        self._file.write(self._file.size, memoryview(data))

    def close(self) -> Got:
        """That was all.

        Raises:
            ArchiveError: bytes are missing.
            PlaceError: this machine's file system refuses.
        """
        size = self._file.size
        if self._sized and size < self._entry.size:
            self.abort()
            text = f"{shown(self._path)} ended after {size} of {self._entry.size} bytes"
            raise ArchiveError(text)
        mode, mtime = self._rules.mode(self._entry.mode), self._rules.mtime(self._entry.mtime)
        digest = self._file.finish(size, mode, mtime)
        return Got(files={self._path: GotFile(size, digest)})

    def abort(self) -> None:
        """Close what is open; for after an error. More than once is harmless."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()
