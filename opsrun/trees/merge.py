"""A staged tree renamed into a tree that is there."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from opsrun.trees.below import directory_below, joined, open_ours, split
from opsrun.trees.entry import Kind
from opsrun.trees.failures import PlaceError, refused, shown
from opsrun.trees.got import Got
from opsrun.trees.walk import kind_of


@dataclass(frozen=True, slots=True)
class Placing:
    """How files get into their place."""

    backup: bytes | None = None
    """Keep what is replaced under its name with this behind it; what had that name is gone."""
    keep_modes: bool = True
    """A file that is replaced passes its permissions on, but no setuid, setgid or sticky bit.
    Directories that are there stay as they are. False: everything is as it came."""
    fsync: bool = False
    """Be sure that the renaming is on the disk, see fsync(2); `Rules.fsync` is for what is in the
    files."""


@dataclass(slots=True)
class Placed:
    """What was put into its place; paths below the destination."""

    new: list[bytes] = field(default_factory=list)
    """A directory stands for all that is in it."""
    replaced: list[bytes] = field(default_factory=list)
    backups: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Move:
    name: bytes
    kind: Kind
    replaced: os.stat_result | None


class Merge:
    """One staged tree on its way. First `survey`, which changes nothing, then `run`.

    Args:
        stage: descriptor of the directory that the tree is in.
        destination: descriptor of the directory that it goes into, on the same file system.
        got: what is known of the tree.
        placing: see `Placing`.
    """

    def __init__(self, stage: int, destination: int, got: Got, placing: Placing) -> None:
        self._stage = stage
        self._destination = destination
        self._got = got
        self._placing = placing
        # What came from the host may have any name, but not one that it can't know.
        self._second = b".opsrun-" + secrets.token_hex(8).encode()
        self._levels: dict[bytes, list[_Move]] = {}
        self._placed = Placed()

    def survey(self) -> None:
        """Look what is there.

        Raises:
            PlaceError: something is in the way, or can't be looked at.
        """
        pending = [b""]
        while pending:
            path = pending.pop()
            with self._told("look at", path), self._both(path) as (staged, there):
                moves = []
                for name in sorted(map(os.fsencode, os.listdir(staged))):
                    move = _compared(staged, there, path, name)
                    if move is None:
                        pending.append(joined(path, name))
                    else:
                        moves.append(move)
            self._levels[path] = moves

    def run(self) -> Placed:
        """Rename everything, and give directories their modes and times.

        Raises:
            PlaceError: the system refuses. Files that were not renamed yet are as they were.
        """
        for path, moves in self._levels.items():
            with self._told("put in place", path), self._both(path) as (staged, there):
                for move in moves:
                    self._move(staged, there, path, move)
                if self._placing.fsync:
                    os.fsync(there)
        self._finish_directories()
        return self._placed

    def _move(self, staged: int, there: int, level: bytes, move: _Move) -> None:
        path = joined(level, move.name)
        with self._told("put in place", path):
            if move.replaced is not None and self._placing.backup is not None:
                self._back_up(there, level, move.name, self._placing.backup)
            if move.replaced is not None and move.kind is Kind.FILE:
                self._keep_mode(staged, move, move.replaced)
            os.rename(move.name, move.name, src_dir_fd=staged, dst_dir_fd=there)
        (self._placed.new if move.replaced is None else self._placed.replaced).append(path)

    def _keep_mode(self, staged: int, move: _Move, replaced: os.stat_result) -> None:
        if self._placing.keep_modes and stat.S_ISREG(replaced.st_mode):
            os.chmod(move.name, replaced.st_mode & 0o777, dir_fd=staged)

    def _back_up(self, there: int, level: bytes, name: bytes, suffix: bytes) -> None:
        """Give what is there a second name, atomically too."""
        with suppress(FileNotFoundError):
            os.unlink(self._second, dir_fd=self._stage)
        try:
            os.link(
                name, self._second, src_dir_fd=there, dst_dir_fd=self._stage, follow_symlinks=False
            )
        except OSError:
            # Some file systems have no links, and some files must not have a further one.
            _copy(there, name, self._stage, self._second)
        os.rename(self._second, name + suffix, src_dir_fd=self._stage, dst_dir_fd=there)
        self._placed.backups.append(joined(level, name + suffix))

    def _finish_directories(self) -> None:
        """Innermost first: whatever is done in a directory changes its time."""
        for path in sorted(self._got.directories, key=lambda path: path.count(b"/"), reverse=True):
            if self._placing.keep_modes and path in self._levels:
                continue
            attributes = self._got.directories[path]
            with self._told("set the mode of", path), self._placed_directory(path) as descriptor:
                os.fchmod(descriptor, attributes.mode)
                if attributes.mtime is not None:
                    os.utime(descriptor, ns=(attributes.mtime, attributes.mtime))

    @contextmanager
    def _placed_directory(self, path: bytes) -> Iterator[int]:
        """One that was merged, or is in one that was wholly new and is still nobody's but ours."""
        top, rest = path, b""
        while top not in self._levels and split(top)[0] not in self._levels:
            top, name = split(top)
            rest = joined(name, rest) if rest else name
        with directory_below(self._destination, top) as descriptor:
            if not rest:
                yield descriptor
                return
            below = open_ours(descriptor, rest)
            try:
                yield below
            finally:
                os.close(below)

    @contextmanager
    def _both(self, path: bytes) -> Iterator[tuple[int, int]]:
        with (
            directory_below(self._stage, path) as staged,
            directory_below(self._destination, path) as there,
        ):
            yield staged, there

    @contextmanager
    def _told(self, what: str, path: bytes) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(what, path, error) from error


def _compared(staged: int, there: int, level: bytes, name: bytes) -> _Move | None:
    """How an entry gets into its place; None for a directory that is merged."""
    ours = kind_of(os.stat(name, dir_fd=staged, follow_symlinks=False).st_mode)
    try:
        status = os.stat(name, dir_fd=there, follow_symlinks=False)
    except FileNotFoundError:
        return _Move(name, ours, None)
    theirs = kind_of(status.st_mode)
    if ours is theirs is Kind.DIRECTORY:
        return None
    hint = hindrance(ours, theirs)
    if hint:
        raise PlaceError(f"{shown(joined(level, name))} {hint}")
    return _Move(name, ours, status)


def hindrance(ours: Kind, theirs: Kind) -> str:
    """Why an entry can't take the place of another, or nothing.

    A link is never replaced by a file: whoever made it wanted what it leads to, and to follow it
    is to write where nobody said. Links themselves replace links and files.
    """
    if ours is theirs is Kind.DIRECTORY or (
        ours is not Kind.DIRECTORY and theirs in (Kind.FILE, ours)
    ):
        return ""
    names = {
        Kind.DIRECTORY: "a directory",
        Kind.LINK: "a link",
        Kind.OTHER: "a device, fifo or socket",
        Kind.FILE: "a file",
    }
    return f"is {names[theirs]} there, where {names[ours]} should be"


def _copy(there: int, name: bytes, stage: int, copy: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=there)
    with open(source, "rb") as old, open(os.open(copy, flags, 0o600, dir_fd=stage), "wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        status = os.fstat(old.fileno())
        os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
        os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
