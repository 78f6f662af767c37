"""A plan as a delivery: what goes in which form, with which modes, and its bytes in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from opsrun.adhoc.local import LocalFiles
from opsrun.adhoc.transfer import Finish
from opsrun.remote.files.cksum import PosixCksum
from opsrun.remote.files.delivery import (
    Attributes,
    Delivery,
    FilePart,
    NewDirectory,
    NewLink,
    TarPart,
)
from opsrun.remote.files.delivery import Segment as RemoteSegment
from opsrun.remote.files.looking import Look
from opsrun.remote.files.tools import Check, Tar
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.modes import PERMISSIONS, SPECIAL
from opsrun.trees.plan import Plan
from opsrun.trees.segments import Segment
from opsrun.trees.sources import Found
from opsrun.trees.tarwrite import Member, archive, archive_size

FEW = 4
"""So many files go as they are, where more go in an archive."""

LARGE = 1024 * 1024
"""Bytes from which on a file goes as it is, however many there are."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Who is to own what is written, as numbers; None for whoever writes it."""

    user: int | None = None
    group: int | None = None

    @property
    def given(self) -> bool:
        """Whether either was asked for."""
        return self.user is not None or self.group is not None

    def differ(self, there: Entry) -> bool:
        """Whether an entry has another one."""
        return self.user not in (None, there.uid) or self.group not in (None, there.gid)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Modes and owners on one host."""

    finish: Finish
    owners: Owners
    umask: int

    def mode(self, source: Entry, there: Entry | None = None) -> int:
        """The permission bits that an entry is to have.

        Args:
            source: what it is made of.
            there: what it takes the place of.
        """
        finish, directory = self.finish, source.kind is Kind.DIRECTORY
        if finish.preserve:
            mode = source.mode & PERMISSIONS
        elif there is not None and there.kind is source.kind:
            mode = there.mode & PERMISSIONS
        else:
            mode = source.mode & PERMISSIONS & ~self.umask
        if finish.keep_setuid:
            mode |= source.mode & SPECIAL
        if finish.mode is None or (directory and there is not None and not finish.preserve):
            return mode
        asked = finish.mode.applied(mode, directory=directory, umask=self.umask)
        if directory and finish.mode.octal is not None:
            # What may be read may be entered: else 0644 would shut everybody out.
            asked = (asked & PERMISSIONS) | (asked & 0o444) >> 2
        return asked if finish.mode.is_special or finish.keep_setuid else asked & PERMISSIONS

    def changed_mode(self, source: Entry, there: Entry) -> int:
        """The same for something that is there already and stays."""
        finish = self.finish
        directory = source.kind is Kind.DIRECTORY
        if not finish.preserve and (finish.mode is None or directory):
            return there.mode
        return self.mode(source, there)


@dataclass(slots=True)
class Shipment:
    """What goes to one host.

    Args:
        plan: what differs.
        found: all sources by their paths below the directory.
        directory: absolute path on the host.
        look: what is known of the host.
        wanted: modes and owners.
        local: reads the sources.
        suffix: of backups; empty for none.
        now: nanoseconds since the epoch.
    """

    plan: Plan
    found: Mapping[bytes, Found]
    directory: bytes
    look: Look
    wanted: Wanted
    local: LocalFiles
    suffix: bytes
    now: int
    sums: dict[bytes, str] = field(default_factory=dict)
    """Checksums of the files, as far as they have been read."""
    _known_segments: dict[bytes, tuple[Segment, ...]] = field(default_factory=dict)
    _replaced: dict[bytes, Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._replaced = {pair.source.path: pair.there for pair in self.plan.changed}

    def files(self) -> list[Found]:
        """The files that are sent."""
        changed = [pair.source for pair in self.plan.changed]
        entries = [*self.plan.new, *changed]
        return [self.found[entry.path] for entry in entries if entry.kind is Kind.FILE]

    def delivery(self) -> Delivery:
        """All of it, for the host."""
        single, archived = self._sorted()
        links = self._links()
        parts: list[FilePart | TarPart] = []
        if archived:
            parts.append(
                TarPart(
                    archive_size(self._members(archived, links)),
                    tuple(one.entry.path for one in archived),
                    tuple(entry.path for entry in links),
                )
            )
        parts += [self._part(one) for one in single]
        loose = () if archived else links
        return Delivery(
            directory=self.directory,
            parts=tuple(parts),
            directories=tuple(
                NewDirectory(entry.path, self._mode(entry))
                for entry in self.plan.new
                if entry.kind is Kind.DIRECTORY
            ),
            links=tuple(NewLink(entry.path, entry.target) for entry in loose),
            attributes=tuple(self._attributes(single)),
            check=self.look.tools.check,
            backup=self.suffix,
            validate=self.wanted.finish.validate,
        )

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the parts, in their order; for where waiting for disks is free."""
        single, archived = self._sorted()
        streams = [archive(self._members(archived, self._links()))] if archived else []
        streams += [self._read(one, self._segments(one)) for one in single]
        return chain.from_iterable(streams)

    # -- what goes how

    def _sorted(self) -> tuple[list[Found], list[Found]]:
        """Files that go as they are, and those that go in an archive."""
        files = self.files()
        few = self.look.tools.tar is Tar.NONE or len(files) <= FEW
        single = [one for one in files if few or one.entry.size >= LARGE]
        names = {one.entry.path for one in single}
        return single, [one for one in files if one.entry.path not in names]

    def _links(self) -> list[Entry]:
        entries = [*self.plan.new, *(pair.source for pair in self.plan.changed)]
        return [entry for entry in entries if entry.kind is Kind.LINK]

    def _members(self, files: Sequence[Found], links: Sequence[Entry]) -> list[Member]:
        times = self.wanted.finish.preserve
        return [
            Member(
                entry.path,
                entry.kind,
                self._mode(entry),
                entry.mtime if times else self.now,
                entry.size,
                entry.target,
                partial(self._read, self.found[entry.path]) if entry.kind is Kind.FILE else None,
            )
            for entry in (*(one.entry for one in files), *links)
        ]

    def _part(self, one: Found) -> FilePart:
        segments = self._segments(one)
        holes = None
        if segments is not None:
            holes = tuple(RemoteSegment(each.offset, each.length) for each in segments)
        return FilePart(one.entry.path, one.entry.size, self._mode(one.entry), holes)

    def _segments(self, one: Found) -> tuple[Segment, ...] | None:
        entry = one.entry
        if entry.allocated is None or entry.allocated >= entry.size:
            return None
        if self.look.tools.check is Check.CKSUM:
            # That sum is made of what is read, holes too.
            return None
        if entry.path not in self._known_segments:
            self._known_segments[entry.path] = self.local.segments(one)
        return self._known_segments[entry.path]

    def _read(self, one: Found, segments: Sequence[Segment] | None = None) -> Iterator[bytes]:
        reader = self.local.read(one, segments)
        crc = PosixCksum() if self.look.tools.check is Check.CKSUM else None
        try:
            for chunk in reader:
                if crc is not None:
                    crc.update(chunk)
                yield chunk
            self.sums[one.entry.path] = reader.digest if crc is None else crc.text()
        finally:
            reader.close()

    # -- modes, owners, times

    def _mode(self, entry: Entry) -> int:
        if entry.kind is Kind.LINK:
            return PERMISSIONS
        return self.wanted.mode(entry, self._replaced.get(entry.path))

    def _attributes(self, single: Sequence[Found]) -> Iterator[Attributes]:
        yield from self._owned()
        if not self.wanted.finish.preserve:
            return
        times: dict[int, list[bytes]] = defaultdict(list)
        for one in single:
            times[one.entry.mtime].append(one.entry.path)
        for entry in reversed(self.plan.new):
            # The innermost first: what is put into a directory changes its time.
            if entry.kind is Kind.DIRECTORY:
                yield Attributes((entry.path,), mtime=entry.mtime)
        for mtime, names in times.items():
            yield Attributes(tuple(names), mtime=mtime)

    def _owned(self) -> Iterator[Attributes]:
        """Owners, in groups; what is replaced keeps its own."""
        groups: dict[tuple[int | None, int | None, int | None], list[bytes]] = defaultdict(list)
        asked = self.wanted.owners
        for entry in (*self.plan.new, *(pair.source for pair in self.plan.changed)):
            there = self._replaced.get(entry.path)
            user, group = asked.user, asked.group
            if there is not None and there.kind is entry.kind:
                user = there.uid if user is None else user
                group = there.gid if group is None else group
            if user is None and group is None:
                continue
            # chown(2) drops these bits; they are put back.
            mode = self._mode(entry) if entry.kind is not Kind.LINK else 0
            groups[user, group, mode if mode & SPECIAL else None].append(entry.path)
        for (owner, owners_group, bits), names in groups.items():
            yield Attributes(tuple(names), bits, owner, owners_group)
