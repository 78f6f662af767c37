"""A file that comes from a host, written where nobody sees it yet."""

from __future__ import annotations

import hashlib
import os

from opsrun.trees.failures import ArchiveError, refused, shown
from opsrun.trees.reading import hash_zeros

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HOLE = 4096
_ZEROS = bytes(_HOLE)


class StagedFile:
    """One new file; what isn't written to is a hole.

    Args:
        directory: descriptor of the directory that it is made in.
        name: of the file there.
        path: for messages.
        holes: leave holes where zeros come, too.
        fsync: wait at the end until it is on the disk.

    Raises:
        ArchiveError: the name is taken.
        PlaceError: the file can't be made.
    """

    def __init__(
        self, directory: int, name: bytes, path: bytes, *, holes: bool = False, fsync: bool = False
    ) -> None:
        self._path = path
        self._fsync = fsync
        self._holes = holes
        self._hash = hashlib.sha256()
        self._end = 0
        try:
            self._descriptor = os.open(name, _NEW, 0o600, dir_fd=directory)
        except FileExistsError as error:
            raise ArchiveError(f"{shown(path)} comes twice") from error
        except OSError as error:
            raise refused("write", path, error) from error

    @property
    def size(self) -> int:
        """Bytes up to the end of what came last."""
        return self._end

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write behind, never before, what was written so far.

        Raises:
            PlaceError: the system refuses: no space, most of all.
        """
        hash_zeros(self._hash, offset - self._end)
        self._hash.update(data)
        self._end = offset + len(data)
        try:
            if self._holes:
                self._write_around_zeros(offset, bytes(data))
            else:
                self._write_all(offset, memoryview(data))
        except OSError as error:
            raise refused("write", self._path, error) from error

    def finish(self, size: int, mode: int, mtime: int | None) -> str:
        """Give the file its size, mode and time, and close it.

        Args:
            size: in bytes; what is missing at the end is a hole.
            mode: permission bits.
            mtime: nanoseconds since the epoch; None for now.

        Returns:
            SHA-256 of all of it, in hexadecimal digits.

        Raises:
            PlaceError: the system refuses.
        """
        hash_zeros(self._hash, size - self._end)
        try:
            os.ftruncate(self._descriptor, size)
            os.fchmod(self._descriptor, mode)
            if mtime is not None:
                os.utime(self._descriptor, ns=(mtime, mtime))
            if self._fsync:
                os.fsync(self._descriptor)
        except OSError as error:
            raise refused("write", self._path, error) from error
        finally:
            self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close it as it is. More than once is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _write_all(self, offset: int, rest: memoryview) -> None:
        while rest:
            written = os.pwrite(self._descriptor, rest, offset)
            offset += written
            rest = rest[written:]

    def _write_around_zeros(self, offset: int, data: bytes) -> None:
        """Write all but the aligned blocks that are nothing but zeros."""
        begin = 0
        at = -offset % _HOLE
        while at + _HOLE <= len(data):
            if data[at : at + _HOLE] == _ZEROS:
                self._write_all(offset + begin, memoryview(data)[begin:at])
                begin = at + _HOLE
            at += _HOLE
        self._write_all(offset + begin, memoryview(data)[begin:])
