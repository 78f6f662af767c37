"""What a host sends, written into a stage and held against its checksums."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opsrun.adhoc.meter import Meter
from opsrun.adhoc.sending import FEW, LARGE
from opsrun.engine.base import Engine
from opsrun.errors import TransferFailed
from opsrun.remote.files.cksum import PosixCksum
from opsrun.remote.files.host_files import HostFiles, OnData
from opsrun.remote.files.tools import Check, Tar, Tools
from opsrun.trees.below import directory_below, joined, open_below, split
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import ArchiveError, shown
from opsrun.trees.got import Got, Limits, Rules
from opsrun.trees.single import SingleFile
from opsrun.trees.tarwrite import Member, archive
from opsrun.trees.unpack import Unpacker

_BATCH = 1024 * 1024
"""Bytes that are written at once."""

_CHUNK = 1024 * 1024

UNSIZED = 64 * 1024 * 1024
"""Bytes after which a file without a size is no file: what /proc has is never that large."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a host's tree, and where it is to be."""

    entry: Entry
    """Its path is below the destination: ``prefix/name``."""
    top: bytes
    """A directory of the host, absolute."""
    name: bytes
    """The entry's path below that; ``b""`` is the directory itself."""
    prefix: bytes = b""
    """What ``top`` is called below the destination."""
    alone: bool = False
    """It has another name here than there, so that it comes in no archive."""

    @property
    def remote(self) -> Entry:
        """The entry as the host knows it."""
        return replace(self.entry, path=self.name)

    @property
    def path(self) -> bytes:
        """The whole path on the host."""
        return self.top.rstrip(b"/") + b"/" + self.name


class Fetch:
    """One host's files on their way into a stage.

    Args:
        engine: writes where it holds up nobody.
        files: of the host.
        tools: of the host.
        meter: counts what comes.
        rules: modes and times.
    """

    def __init__(
        self, engine: Engine, files: HostFiles, tools: Tools, meter: Meter, rules: Rules
    ) -> None:
        self._engine = engine
        self._files = files
        self._tools = tools
        self._meter = meter
        self._rules = rules
        self.grown: list[bytes] = []
        """Files that were written to meanwhile: of these there is what they began with."""
        self.unchecked: list[bytes] = []
        """Files without a size, as in /proc: each reading of them may be another one."""

    def fetch(self, stage: int, items: Sequence[Item]) -> Got:
        """Everything, in the stage; each file's checksum is the one that the host has made.

        Args:
            stage: descriptor of an empty directory.
            items: directories before what is in them.

        Raises:
            TransferFailed: a file keeps changing while it is read, or its checksum is another one.
            ArchiveError, PlaceError: see `Unpacker`.
            HostError: see `HostFiles`.
        """
        files = [item for item in items if item.entry.kind is Kind.FILE]
        few = self._tools.tar is Tar.NONE or len(files) <= FEW
        alone = {i.entry.path for i in files if i.alone or self._goes_alone(i.entry, few)}
        self._meter.expect(sum(item.entry.size for item in files))
        got = Got()
        again: list[Item] = []
        for (top, prefix), group in _by_place(items).items():
            again += self._unpack(stage, top, prefix, group, alone, got)
        for item in again:
            self._engine.offload(_forget, stage, got, item.entry.path)
        for item in [*(item for item in files if item.entry.path in alone), *again]:
            self._read(stage, item, got)
        return got

    def _goes_alone(self, entry: Entry, few: bool) -> bool:
        # What has no size looks like an empty file to tar. GNU's leaves holes out, cat doesn't.
        sparse = entry.allocated is not None and entry.allocated < entry.size
        if not entry.size or (sparse and entry.size >= LARGE and self._tools.tar is Tar.GNU):
            return not entry.size
        return few or entry.size >= LARGE

    # -- many

    def _unpack(
        self,
        stage: int,
        top: bytes,
        prefix: bytes,
        group: Sequence[Item],
        alone: set[bytes],
        got: Got,
    ) -> list[Item]:
        """Directories, links, and files in archives; those files that changed meanwhile."""
        packed = [i for i in group if i.entry.kind is Kind.FILE and i.entry.path not in alone]
        names = {item.name for item in group}
        below = self._engine.offload(_make_below, stage, prefix)
        try:
            bounds = _bounds(packed)
            with Unpacker(
                below, allowed=names.__contains__, rules=self._rules, limits=bounds
            ) as unpacker:
                self._engine.offload(_make, unpacker, group)
                sums: dict[bytes, str] = {}
                if packed:
                    with self._feeding(unpacker.feed) as take:
                        entries = [item.remote for item in packed]
                        sums = self._files.pack(top, entries, take, self._tools.check)
                unpacked = self._engine.offload(unpacker.close)
        finally:
            os.close(below)
        _merge(got, unpacked, prefix)
        return [item for item in packed if not self._is_same(item, unpacked, sums)]

    def _is_same(self, item: Item, unpacked: Got, sums: dict[bytes, str]) -> bool:
        file = unpacked.files.get(item.name)
        # Without SHA-256 the archive proves nothing; read alone, cksum has a word on it.
        sha = self._tools.check is Check.SHA256
        return sha and file is not None and file.digest == sums.get(item.name)

    # -- one

    def _read(self, stage: int, item: Item, got: Got) -> None:
        """One file as it is; what is written to meanwhile is read once more, up to its old end."""
        if not item.entry.size:
            self._read_unsized(stage, item, got)
            return
        try:
            if self._read_whole(stage, item, got):
                return
        except ArchiveError:
            pass
        self._engine.offload(_forget, stage, got, item.entry.path)
        self._meter.expect(item.entry.size)
        if not self._read_beginning(stage, item, got):
            raise TransferFailed(
                f"{shown(item.path)} changes while it is read", hint="nothing was put in place"
            )
        self.grown.append(item.entry.path)

    def _read_whole(self, stage: int, item: Item, got: Got) -> bool:
        with self._staged(stage, item, got) as take:
            theirs = self._files.read(item.path, take, self._tools.check)
        return self._agrees(stage, item, got, theirs)

    def _read_beginning(self, stage: int, item: Item, got: Got) -> bool:
        with self._staged(stage, item, got) as take:
            theirs = self._files.read_beginning(item.path, item.entry.size, take, self._tools.check)
        return self._agrees(stage, item, got, theirs)

    def _read_unsized(self, stage: int, item: Item, got: Got) -> None:
        came = 0

        def bounded(data: bytes) -> None:
            nonlocal came
            came += len(data)
            if came > UNSIZED:
                raise TransferFailed(
                    f"{shown(item.path)} was said to be empty, and doesn't end",
                    hint="nothing was put in place",
                )
            take(data)

        with self._staged(stage, item, got, sized=False) as take:
            theirs = self._files.read(item.path, bounded, self._tools.check)
        if not self._agrees(stage, item, got, theirs):
            self.unchecked.append(item.entry.path)

    def _agrees(self, stage: int, item: Item, got: Got, theirs: str) -> bool:
        path = item.entry.path
        if self._tools.check is Check.SHA256:
            return got.files[path].digest == theirs
        return self._engine.offload(_cksum, stage, path) == theirs

    @contextmanager
    def _staged(self, stage: int, item: Item, got: Got, *, sized: bool = True) -> Iterator[OnData]:
        path = item.entry.path
        file = SingleFile(stage, path, item.entry, rules=self._rules, sized=sized)
        with file:
            with self._feeding(file.feed) as take:
                yield take
            got.files |= self._engine.offload(file.close).files

    @contextmanager
    def _feeding(self, feed: Callable[[bytes], None]) -> Iterator[OnData]:
        """Takes bytes as they come, and writes them where that holds up nobody."""
        waiting: list[bytes] = []
        size = 0

        def write() -> None:
            nonlocal size
            self._engine.offload(_feed, feed, waiting)
            waiting.clear()
            size = 0

        def take(data: bytes) -> None:
            nonlocal size
            self._meter.add(len(data))
            waiting.append(data)
            size += len(data)
            if size >= _BATCH:
                write()

        yield take
        if waiting:
            write()


def _feed(feed: Callable[[bytes], None], pieces: Sequence[bytes]) -> None:
    feed(b"".join(pieces))


def _by_place(items: Iterable[Item]) -> dict[tuple[bytes, bytes], list[Item]]:
    groups: dict[tuple[bytes, bytes], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.top, item.prefix].append(item)
    return groups


def _make(unpacker: Unpacker, group: Sequence[Item]) -> None:
    """Directories and links, by the rules that hold for those of an archive."""
    members = [
        Member(item.name, entry.kind, entry.mode, entry.mtime, target=entry.target)
        for item in group
        if (entry := item.entry).kind in (Kind.DIRECTORY, Kind.LINK) and not item.alone
    ]
    for chunk in archive(members):
        unpacker.feed(chunk)


def _bounds(packed: Sequence[Item]) -> Limits:
    """No more than was announced, but for what is appended to logs meanwhile."""
    sizes = [item.entry.size for item in packed]
    return Limits(
        largest=2 * max(sizes, default=0) + UNSIZED, total=2 * sum(sizes, start=0) + UNSIZED
    )


def _make_below(stage: int, prefix: bytes) -> int:
    """A descriptor of a directory of the stage, made where it is missing."""
    made = b""
    for part in prefix.split(b"/") if prefix else ():
        made = joined(made, part)
        above, name = split(made)
        with directory_below(stage, above) as directory:
            try:
                os.mkdir(name, 0o700, dir_fd=directory)
            except FileExistsError:
                continue
    return open_below(stage, prefix)


def _merge(got: Got, unpacked: Got, prefix: bytes) -> None:
    """What one group came to, by its paths below the destination."""
    for path, file in unpacked.files.items():
        got.files[joined(prefix, path)] = file
    for path, directory in unpacked.directories.items():
        got.directories[joined(prefix, path) if path else prefix] = directory
    for path, target in unpacked.links.items():
        got.links[joined(prefix, path)] = target
    got.told += [replace(told, path=joined(prefix, told.path)) for told in unpacked.told]
    got.untold += unpacked.untold


def _forget(stage: int, got: Got, path: bytes) -> None:
    """Remove a staged file."""
    got.files.pop(path, None)
    above, name = split(path)
    with directory_below(stage, above) as directory:
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            pass


def _cksum(stage: int, path: bytes) -> str:
    """POSIX's checksum of a staged file."""
    above, name = split(path)
    crc = PosixCksum()
    with directory_below(stage, above) as directory:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
        with open(descriptor, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                crc.update(chunk)
    return crc.text()
