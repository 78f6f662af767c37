"""Bytes on their way: from the controller to a host, back, between two hosts, or within one."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from opsrun.modules.requests import Fetch, Pack, Run, Upload
from opsrun.modules.synchronizing.ends import Asking
from opsrun.modules.synchronizing.here import settled_at, told
from opsrun.modules.synchronizing.planning import Item
from opsrun.modules.synchronizing.there import There
from opsrun.remote.files.delivery import (
    Attributes,
    Delivery,
    FilePart,
    NewDirectory,
    NewLink,
    Segment,
    TarPart,
)
from opsrun.remote.files.tools import SCRIPT, Tar, parse_tools
from opsrun.trees.below import directory_below, split
from opsrun.trees.contents import Contents
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.got import Got, GotDirectory, GotFile, Limits
from opsrun.trees.merge import Placing
from opsrun.trees.place import Stage
from opsrun.trees.single import SingleFile
from opsrun.trees.tarwrite import Member, archive, archive_size
from opsrun.trees.unpack import Unpacker
from opsrun.trees.walk import entry_of, join

FEW = 4
"""So many files go as they are, where more go in an archive."""
LARGE = 1024 * 1024
"""Bytes from which on a file goes as it is, however many there are."""
_SPECIAL = 0o7000


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, and where it is read."""

    items: tuple[Item, ...]
    """Those of which something is made: files, links, new directories."""
    top: bytes
    """Of the source; absolute."""
    alias: Mapping[bytes, bytes]
    """What an entry is called at the source, where that is another name."""
    follow: bool = False
    """Links of the source are what they lead to."""

    def source(self, entry: Entry) -> bytes:
        """The absolute path of an entry at the source."""
        return join(self.top, self.alias.get(entry.path, entry.path))

    def of(self, kind: Kind) -> list[Item]:
        """The items of a kind."""
        return [each for each in self.items if each.entry.kind is kind]

    @property
    def files(self) -> list[Item]:
        """Those that have bytes."""
        return self.of(Kind.FILE)


def _tar(end: There) -> Asking[Tar]:
    answer = yield end.asking(Run(SCRIPT, effect="reads"))
    return parse_tools(answer.stdout.decode("ascii", "replace").split()[1:]).tar


# -- to a host


def deliver(end: There, top: bytes, load: Load, now: int) -> Asking[None]:
    """Put it below a directory of a host, whole or not at all.

    Args:
        now: nanoseconds since the epoch.
    """
    files = load.files
    few = len(files) <= FEW or (yield from _tar(end)) is Tar.NONE
    shipment = _Shipment(load, few, now)
    yield end.asking(Upload(shipment.delivery(top), shipment.chunks(), lambda: shipment.sums))


@dataclass(slots=True)
class _Shipment:
    load: Load
    few: bool
    now: int
    sums: dict[bytes, str] = field(default_factory=dict)
    contents: Contents = field(init=False)

    def __post_init__(self) -> None:
        self.contents = Contents(nullcontext(), budget=0, follow=self.load.follow)

    def delivery(self, top: bytes) -> Delivery:
        """All of it."""
        single, archived = self._sorted()
        links = self.load.of(Kind.LINK)
        parts: list[FilePart | TarPart] = []
        if archived:
            size = archive_size(self._members(archived))
            parts.append(TarPart(size, tuple(each.entry.path for each in archived)))
        parts += [
            FilePart(each.entry.path, each.entry.size, each.mode or 0, self._segments(each))
            for each in single
        ]
        return Delivery(
            top,
            tuple(parts),
            tuple(
                NewDirectory(each.entry.path, each.mode or 0)
                for each in self.load.of(Kind.DIRECTORY)
            ),
            tuple(NewLink(each.entry.path, each.entry.target) for each in links),
            tuple(self._attributes(single, links)),
            replace_links=True,
        )

    def chunks(self) -> Iterator[bytes]:
        """Its bytes."""
        single, archived = self._sorted()
        streams = [archive(self._members(archived))] if archived else []
        streams += [self._read(each, self._segments(each)) for each in single]
        return chain.from_iterable(streams)

    def _sorted(self) -> tuple[list[Item], list[Item]]:
        files = self.load.files
        single = [each for each in files if self.few or each.entry.size >= LARGE]
        names = {each.entry.path for each in single}
        return single, [each for each in files if each.entry.path not in names]

    def _members(self, files: Sequence[Item]) -> list[Member]:
        return [
            Member(
                each.entry.path,
                Kind.FILE,
                each.mode or 0,
                self.now if each.mtime is None else each.mtime,
                each.entry.size,
                read=partial(self._read, each),
            )
            for each in files
        ]

    def _segments(self, item: Item) -> tuple[Segment, ...] | None:
        entry = item.entry
        if entry.allocated is None or entry.allocated >= entry.size:
            return None
        found = self.contents.segments(self.load.source(entry), entry)
        return tuple(Segment(each.offset, each.length) for each in found)

    def _read(self, item: Item, segments: Sequence[Segment] | None = None) -> Iterator[bytes]:
        from opsrun.trees.segments import Segment as Local

        local = None if segments is None else [Local(s.offset, s.length) for s in segments]
        reader = self.contents.read(self.load.source(item.entry), item.entry, local)
        try:
            yield from reader
            self.sums[item.entry.path] = reader.digest
        finally:
            reader.close()

    def _attributes(self, single: Sequence[Item], links: Sequence[Item]) -> Iterator[Attributes]:
        groups: dict[tuple[int | None, int | None, int | None], list[bytes]] = defaultdict(list)
        for each in self.load.items:
            if each.uid is not None or each.gid is not None:
                # chown(2) drops these bits; they are put back.
                mode = each.mode if (each.mode or 0) & _SPECIAL else None
                groups[mode, each.uid, each.gid].append(each.entry.path)
        for (mode, uid, gid), names in groups.items():
            yield Attributes(tuple(names), mode, uid, gid)
        times: dict[int, list[bytes]] = defaultdict(list)
        for each in (*single, *links):
            if each.mtime is not None:
                times[each.mtime].append(each.entry.path)
        for mtime, several in times.items():
            yield Attributes(tuple(several), mtime=mtime)
        # The innermost first: what is put into a directory changes its time.
        for each in reversed(self.load.of(Kind.DIRECTORY)):
            if each.mtime is not None:
                yield Attributes((each.entry.path,), mtime=each.mtime)


# -- from a host


def gather(end: There, load: Load, stage: int) -> Asking[None]:
    """Files from a host, checked, in a directory of the controller's.

    Args:
        stage: descriptor of an empty directory that nobody else writes to.
    """
    files = load.files
    few = len(files) <= FEW or (yield from _tar(end)) is Tar.NONE
    single = [each.entry for each in files if few or load.alias or each.entry.size >= LARGE]
    alone = {each.path for each in single}
    packed = [each.entry for each in files if each.entry.path not in alone]
    if packed:
        single += yield from _unpacked(end, load, packed, stage)
    for entry in single:
        yield from _read(end, load, entry, stage)


def _unpacked(end: There, load: Load, packed: list[Entry], stage: int) -> Asking[list[Entry]]:
    """Those that are to be read once more, alone: they changed meanwhile."""
    names = {each.path for each in packed}
    spare = 64 * LARGE
    total = sum(each.size for each in packed)
    bounds = Limits(largest=LARGE + spare, total=2 * total + spare)
    with Unpacker(stage, allowed=names.__contains__, limits=bounds) as unpacker:
        sums = yield end.asking(Pack(load.top, packed, unpacker.feed))
        got = unpacker.close()
    again = []
    for each in packed:
        file: GotFile | None = got.files.get(each.path)
        if file is None or file.digest != sums.get(each.path):
            again.append(each)
            if file is not None:
                with directory_below(stage, split(each.path)[0]) as directory:
                    os.unlink(split(each.path)[1], dir_fd=directory)
    return again


def _read(end: There, load: Load, entry: Entry, stage: int) -> Asking[None]:
    with told(entry.path):
        make_above(stage, entry.path)
    file = SingleFile(stage, entry.path, entry)
    with file:
        yield end.asking(Fetch(load.source(entry), take=file.feed))
        file.close()


def make_above(stage: int, path: bytes) -> None:
    """The directories that an entry is in."""
    above, _ = split(path)
    made = b""
    for part in above.split(b"/") if above else ():
        with directory_below(stage, made) as directory:
            try:
                os.mkdir(part, 0o700, dir_fd=directory)
            except FileExistsError:
                pass
        made = b"/".join(each for each in (made, part) if each)


def place_here(top: bytes, load: Load, fill: Callable[[int], Asking[None]]) -> Asking[None]:
    """Put it below a directory of the controller's.

    Args:
        fill: puts the files into a stage.
    """
    with Stage(top) as stage:
        yield from fill(stage.fd)
        got = Got()
        with told(top):
            for each in load.items:
                _staged(stage.fd, each, got)
        stage.place(got, Placing(keep_modes=False))


def _staged(stage: int, item: Item, got: Got) -> None:
    """Attributes of a file, a link, a directory."""
    entry, path = item.entry, item.entry.path
    make_above(stage, path)
    above, name = split(path)
    with directory_below(stage, above) as directory:
        if entry.kind is Kind.DIRECTORY:
            try:
                os.mkdir(name, 0o700, dir_fd=directory)
            except FileExistsError:
                pass
            got.directories[path] = GotDirectory(item.mode or 0o700, item.mtime)
        elif entry.kind is Kind.LINK:
            os.symlink(entry.target, name, dir_fd=directory)
            got.links[path] = entry.target
        wanted = Attributes((path,), item.mode, item.uid, item.gid, item.mtime)
        if entry.kind is Kind.DIRECTORY:
            wanted = replace(wanted, mode=None, mtime=None)
        settled_at(directory, name, wanted)


# -- from one host to another


def relay(source: There, end: There, top: bytes, load: Load, now: int) -> Asking[None]:
    """By way of a directory of the controller's, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="opsrun-") as spool:
        descriptor = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield from gather(source, load, descriptor)
        finally:
            os.close(descriptor)
        items = tuple(_spooled(os.fsencode(spool), each) for each in load.items)
        yield from deliver(end, top, Load(items, os.fsencode(spool), {}), now)


def _spooled(spool: bytes, item: Item) -> Item:
    if item.entry.kind is not Kind.FILE:
        return item
    with told(item.entry.path):
        status = os.lstat(join(spool, item.entry.path))
    return replace(item, entry=entry_of(item.entry.path, status))


def sorted_attributes(items: Iterable[tuple[Entry, Attributes]]) -> list[Attributes]:
    """Equal ones of several names become one; directories come last, the innermost first."""
    groups: dict[tuple[object, ...], list[Attributes]] = defaultdict(list)
    for entry, each in items:
        directory = entry.kind is Kind.DIRECTORY
        depth = entry.path.count(b"/") + bool(entry.path)
        order = (1, -depth) if directory else (0, 0)
        groups[(order, each.mode, each.owner, each.group, each.mtime)].append(each)
    ordered = sorted(groups.items(), key=lambda pair: pair[0][0])  # type: ignore[arg-type, return-value]
    return [
        replace(several[0], names=tuple(name for each in several for name in each.names))
        for _, several in ordered
    ]
