"""What came from a host, put into its place: whole, or not at all.

Everything is written into a directory of its own beside the destination, and renamed from there, so
that whoever looks at the destination sees each file as it was or as it is now, never a part of it.
What goes wrong before the renaming leaves everything as it was.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import Self

from opsrun.trees.below import DIRECTORY, remove_below
from opsrun.trees.failures import PlaceError, refused, shown
from opsrun.trees.got import Got
from opsrun.trees.merge import Merge, Placed, Placing
from opsrun.trees.walk import Path

_PREFIX = b".opsrun-"


class Stage:
    """A directory ``.opsrun-…`` (0700) in the destination, gone at the end of the ``with`` block.

    Args:
        destination: the directory that everything goes into, made where it is missing, and removed
            again if nothing was placed. A link is refused, unless it has a ``/`` behind it.

    Raises:
        PlaceError: the destination is no directory, can't be made, or can't be written to.
    """

    def __init__(self, destination: Path) -> None:
        self._path = os.fsencode(destination)
        self._made = _make_directories(self._path)
        self._placed = False
        self._mtime: int | None = None
        self._name = _PREFIX + secrets.token_hex(8).encode()
        self._destination = self.fd = -1
        self._staged = False
        try:
            self._open()
        except BaseException:
            self._remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._remove()
        except OSError as error:
            if kind is None:
                raise refused("remove", os.path.join(self._path, self._name), error) from error

    def place(self, got: Got, placing: Placing | None = None) -> Placed:
        """Rename everything into its place.

        Directories that are there are merged, files and links that are there are replaced; wholly
        new directories are renamed at once. That something is in the way (a directory where a file
        should be, the reverse, a link where a file should be) is found before the first renaming.

        Args:
            got: what is in the stage.
            placing: backups, modes, fsync.

        Raises:
            PlaceError: something is in the way, or the system refuses.
        """
        placing = placing or Placing()
        merge = Merge(self.fd, self._destination, got, placing)
        merge.survey()
        placed = merge.run()
        self._placed = True
        if b"" in got.directories and not placing.keep_modes:
            self._mtime = got.directories[b""].mtime
        return placed

    def _open(self) -> None:
        try:
            self._destination = os.open(self._path, DIRECTORY)
            os.mkdir(self._name, 0o700, dir_fd=self._destination)
            self._staged = True
            self.fd = os.open(self._name, DIRECTORY, dir_fd=self._destination)
        except OSError as error:
            raise _no_destination(self._path, error) from error

    def _remove(self) -> None:
        """Remove the stage, and what was made for it; more than once is harmless."""
        destination, stage = self._destination, self.fd
        self._destination = self.fd = -1
        try:
            if stage >= 0:
                os.close(stage)
            if self._staged:
                self._staged = False
                remove_below(destination, self._name)
            if self._mtime is not None:
                # Only now: that the stage went was the last change to its directory.
                os.utime(destination, ns=(self._mtime, self._mtime))
        finally:
            if destination >= 0:
                os.close(destination)
            if not self._placed:
                _remove_empty(self._made)


def current_umask() -> int:
    """The process's file mode creation mask, without changing it where that can be avoided."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _make_directories(path: bytes) -> list[bytes]:
    """Make what is missing of a directory's path; what was made, innermost first."""
    missing = []
    above = path.rstrip(b"/") or b"/"
    while above and not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above)
    made: list[bytes] = []
    for directory in reversed(missing):
        try:
            os.mkdir(directory)
        except FileExistsError:
            continue
        except OSError as error:
            _remove_empty(made)
            raise refused("make the directory", directory, error) from error
        made.insert(0, directory)
    return made


def _remove_empty(directories: list[bytes]) -> None:
    # One that isn't empty is somebody else's by now.
    with suppress(OSError):
        for directory in directories:
            os.rmdir(directory)


def _no_destination(path: bytes, error: OSError) -> PlaceError:
    if os.path.islink(path):
        target = shown(os.readlink(path))
        return PlaceError(
            f"{shown(path)} is a link to {target}",
            hint="write a / behind it to mean that directory",
        )
    if os.path.lexists(path) and not os.path.isdir(path):
        return PlaceError(f"{shown(path)} is no directory")
    return refused("write in", path, error)
