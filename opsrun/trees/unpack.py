"""Archives from hosts, unpacked member by member below one directory.

A host is not trusted to be honest. Its archive ends in an `ArchiveError` where it names what no tar
that was asked for these files would name: absolute paths, ``..``, names that were not asked for,
names that come twice, members below a link or a file, hard links to anything but a file of the same
archive. Left out and told are links that lead out of the tree, devices and fifos, and setuid bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Self

from opsrun.trees.below import DIRECTORY, joined, open_below, split
from opsrun.trees.failures import ArchiveError, refused, shown
from opsrun.trees.got import Got, GotDirectory, GotFile, Limits, Rules, Told
from opsrun.trees.guard import Guard, clean, leads_out
from opsrun.trees.tarheaders import Header, Type
from opsrun.trees.tarread import TarReader
from opsrun.trees.writing import StagedFile

_TOLD = 1000


class Unpacker:
    """Takes an archive in pieces of any size, and writes what is in it below a directory.

    Owners are never changed. Directories are left 0700, because nobody could be sure to get
    anything into, or out of, one that isn't writable: `Got.directories` has what they should be.

    Args:
        stage: descriptor of an empty directory that nobody else writes to; stays open.
        allowed: whether a path was asked for; asked of every member but the top itself.
        rules: modes, times, links.
        limits: see `Limits`.
        sparse: whether a file should have holes where zeros come; sparse members have them anyway.
    """

    def __init__(
        self,
        stage: int,
        *,
        allowed: Callable[[bytes], bool] | None = None,
        rules: Rules | None = None,
        limits: Limits | None = None,
        sparse: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.got = Got()
        """Grows as the archive comes."""
        self._stage = stage
        self._allowed = allowed
        self._rules = rules or Rules()
        self._sparse = sparse
        self._guard = Guard(limits or Limits())
        self._reader = TarReader(self)
        self._file: StagedFile | None = None
        self._member: tuple[bytes, Header] | None = None
        self._parent: tuple[bytes, int] | None = None
        self._left_out: set[bytes] = set()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take further bytes of the archive.

        Raises:
            ArchiveError: it is not one, or one that is refused.
            PlaceError: this machine's file system refuses.
        """
        self._reader.feed(data)

    def close(self) -> Got:
        """That was all; what there is now is whole.

        Raises:
            ArchiveError: the archive isn't.
        """
        self.abort()
        self._reader.close()
        return self.got

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()

    def abort(self) -> None:
        """Close what is open; for after an error. More than once is harmless."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._close_parent()

    def _close_parent(self) -> None:
        parent, self._parent = self._parent, None
        if parent is not None:
            os.close(parent[1])

    def begin(self, header: Header) -> None:
        """A member begins; see `opsrun.trees.tarread.Receiver`."""
        path = clean(header.path, directory=header.type is Type.DIRECTORY)
        self._guard.member(path, header)
        if path and self._allowed is not None and not self._allowed(path):
            raise ArchiveError(f"the host sent {shown(path)}, which it was not asked for")
        self._member = (path, header)
        if header.type is Type.DIRECTORY:
            self._directory(path, header)
        elif not path:
            raise ArchiveError(f"the host sent a {header.type} in place of the tree's top")
        elif header.type is Type.FILE:
            holes = header.sparse or (self._sparse is not None and self._sparse(path))
            self._file = self._new_file(path, holes)
            self._tell_bits(path, header.mode)
        elif header.type is Type.LINK:
            self._link(path, header)
        elif header.type is Type.HARD_LINK:
            self._hard_link(path, header)
        else:
            self._leave_out(path, f"a {header.type} is not copied")

    def data(self, offset: int, data: memoryview) -> None:
        """Bytes of a file."""
        if self._file is not None:
            self._guard.written(len(data))
            self._file.write(offset, data)

    def end(self) -> None:
        """A member is whole."""
        file, self._file = self._file, None
        if file is None or self._member is None:
            return
        path, header = self._member
        mode, mtime = self._rules.mode(header.mode), self._rules.mtime(header.mtime)
        digest = file.finish(header.size, mode, mtime)
        self.got.files[path] = GotFile(header.size, digest)

    def _new_file(self, path: bytes, holes: bool) -> StagedFile:
        above, name = split(path)
        return StagedFile(self._open(above), name, path, holes=holes, fsync=self._rules.fsync)

    def _directory(self, path: bytes, header: Header) -> None:
        if path:
            self._open(path)
        mode, mtime = self._rules.mode(header.mode), self._rules.mtime(header.mtime)
        self.got.directories[path] = GotDirectory(mode, mtime)

    def _link(self, path: bytes, header: Header) -> None:
        if not header.target or b"\0" in header.target:
            raise ArchiveError(f"the link {shown(path)} leads nowhere")
        if not self._rules.unsafe_links and leads_out(path, header.target):
            self._leave_out(path, f"a link that leads out of the tree, to {shown(header.target)}")
            return
        above, name = split(path)
        parent = self._open(above)
        try:
            os.symlink(header.target, name, dir_fd=parent)
            mtime = self._rules.mtime(header.mtime)
            if mtime is not None:
                os.utime(name, ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)
        except FileExistsError as error:
            raise ArchiveError(f"{shown(path)} comes twice") from error
        except OSError as error:
            raise refused("make the link", path, error) from error
        self.got.links[path] = header.target

    def _hard_link(self, path: bytes, header: Header) -> None:
        other = clean(header.target, directory=False)
        if other not in self.got.files:
            text = f"{shown(path)} is a hard link to {shown(other)}"
            raise ArchiveError(f"{text}, which is no file of this archive")
        (above, name), (other_above, other_name) = split(path), split(other)
        parent = self._open(above)
        try:
            source = open_below(self._stage, other_above)
            try:
                os.link(
                    other_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False
                )
            finally:
                os.close(source)
        except FileExistsError as error:
            raise ArchiveError(f"{shown(path)} comes twice") from error
        except OSError as error:
            raise refused("write", path, error) from error
        self.got.files[path] = self.got.files[other]

    def _open(self, path: bytes) -> int:
        """A directory of the stage, made where it is missing; the one before is closed."""
        if self._parent is not None and self._parent[0] == path:
            return self._parent[1]
        self._close_parent()
        current = os.dup(self._stage)
        try:
            made = b""
            for part in path.split(b"/") if path else ():
                made = joined(made, part)
                below = self._step(current, part, made)
                os.close(current)
                current = below
        except BaseException:
            os.close(current)
            raise
        self._parent = (path, current)
        return current

    def _step(self, above: int, name: bytes, path: bytes) -> int:
        if path in self._left_out:
            raise ArchiveError(f"{shown(path)} is a directory and something else, too")
        try:
            if path not in self.got.directories:
                self._guard.implied(path)
                os.mkdir(name, 0o700, dir_fd=above)
                mode = self._rules.mode(0o777) & ~self._rules.umask
                self.got.directories[path] = GotDirectory(mode, None)
            return os.open(name, DIRECTORY, dir_fd=above)
        except FileExistsError as error:
            raise ArchiveError(f"{shown(path)} is a directory and something else, too") from error
        except OSError as error:
            raise refused("make the directory", path, error) from error

    def _tell_bits(self, path: bytes, mode: int) -> None:
        if mode & 0o6000 and not self._rules.keep_setuid:
            self._tell(path, f"its setuid or setgid bit is not copied (mode {mode:04o})")

    def _leave_out(self, path: bytes, why: str) -> None:
        self._left_out.add(path)
        self._tell(path, why)

    def _tell(self, path: bytes, why: str) -> None:
        if len(self.got.told) < _TOLD:
            self.got.told.append(Told(path, why))
        else:
            self.got.untold += 1
