"""What it takes to make one tree like another: pure comparison of two lists of entries.

One of them is the source, the other the destination; which is here and which on a host doesn't
matter. Nothing is read and nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import NOTHING, Excludes
from opsrun.trees.merge import hindrance

_SECOND = 1_000_000_000

SameContent = Callable[[Entry, Entry], bool]
"""Whether two files, of source and destination, have the same bytes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry that is in both trees."""

    source: Entry
    there: Entry


@dataclass(frozen=True, slots=True)
class Conflict:
    """An entry that can't get into its place."""

    source: Entry
    there: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done. Directories come before what is in them, everywhere."""

    new: tuple[Entry, ...] = ()
    """Of the source; what is not there."""
    changed: tuple[Pair, ...] = ()
    """Files of other bytes, links to elsewhere, links where a file was."""
    attributes: tuple[Pair, ...] = ()
    """The same but for mode or time."""
    conflicts: tuple[Conflict, ...] = ()
    """What is in them is in no other list."""
    in_the_way: tuple[Entry, ...] = ()
    """Of the destination: to be removed before anything else, see `Comparison.replace`."""
    extraneous: tuple[Entry, ...] = ()
    """Of the destination: not in the source. Topmost only: removing it removes what is in it."""
    skipped: tuple[Entry, ...] = ()
    """Of the source: devices, fifos, sockets. They are never copied."""
    unchanged: tuple[Pair, ...] = ()
    """As they should be."""

    @property
    def same(self) -> int:
        """How many entries are as they should be."""
        return len(self.unchanged)

    @property
    def is_empty(self) -> bool:
        """Whether nothing needs to be done, but perhaps something removed."""
        return not (self.new or self.changed or self.attributes or self.conflicts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What counts as a difference."""

    same_content: SameContent
    """Is asked about files of the same size; see `by_time` and `by_digest`."""
    mode: Callable[[Entry, Entry], int] | None = None
    """The mode that a file or directory should have, of its source and of what is there; None if
    modes don't matter."""
    times: bool = False
    """Times of files and directories should be those of the source, in whole seconds."""
    replace: bool = False
    """What is in the way is removed, unless something in it is excluded."""
    exclude: Excludes = NOTHING
    """Entries that are in neither tree; in the destination they are not touched."""


def by_time(source: Entry, there: Entry) -> bool:
    """The same size and time, in whole seconds, is the same content: what rsync goes by."""
    return source.size == there.size and source.mtime // _SECOND == there.mtime // _SECOND


def by_digest(source: Mapping[bytes, str], there: Mapping[bytes, str]) -> SameContent:
    """The same digest is the same content; one that isn't known is another.

    Args:
        source: digests by path, at least of `candidates`.
        there: the same of the destination.
    """

    def same(ours: Entry, theirs: Entry) -> bool:
        digest = source.get(ours.path)
        return digest is not None and digest == there.get(theirs.path)

    return same


def candidates(
    source: Iterable[Entry], there: Iterable[Entry], exclude: Excludes = NOTHING
) -> tuple[Pair, ...]:
    """Files of the same size in both trees: those whose digests tell something."""
    theirs = _kept(there, exclude)
    pairs = [
        Pair(entry, theirs[path])
        for path, entry in _kept(source, exclude).items()
        if path in theirs and entry.kind is theirs[path].kind is Kind.FILE
    ]
    return tuple(pair for pair in pairs if pair.source.size == pair.there.size)


def compare(source: Iterable[Entry], there: Iterable[Entry], comparison: Comparison) -> Plan:
    """What makes ``there`` like ``source``.

    Args:
        source: entries in any order, none of the same path.
        there: the same of the destination; empty if there is nothing.
        comparison: what counts.
    """
    return _Comparing(list(source), list(there), comparison).plan()


@dataclass(slots=True)
class _Lists:
    new: list[Entry] = field(default_factory=list)
    changed: list[Pair] = field(default_factory=list)
    attributes: list[Pair] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    in_the_way: list[Entry] = field(default_factory=list)
    skipped: list[Entry] = field(default_factory=list)
    unchanged: list[Pair] = field(default_factory=list)


class _Comparing:
    """One comparison."""

    def __init__(self, source: list[Entry], there: list[Entry], comparison: Comparison) -> None:
        self._comparison = comparison
        self._source = _kept(source, comparison.exclude)
        self._there = _kept(there, comparison.exclude)
        self._excluded = {entry.path: entry for entry in there if entry.path not in self._there}
        self._holding = {above for path in self._excluded for above in _above(path)}
        self._blocked: set[bytes] = set()
        """Conflicts: nothing in them can be done."""
        self._dealt_with: set[bytes] = set()
        """What goes anyway: nothing in it is extraneous by itself."""
        self._lists = _Lists()

    def plan(self) -> Plan:
        for path, entry in self._source.items():
            if self._blocked.isdisjoint(_above(path)):
                self._place(entry, self._there.get(path))
        lists = self._lists
        return Plan(
            new=tuple(lists.new),
            changed=tuple(lists.changed),
            attributes=tuple(lists.attributes),
            conflicts=tuple(lists.conflicts),
            in_the_way=tuple(lists.in_the_way),
            extraneous=tuple(self._extraneous()),
            skipped=tuple(lists.skipped),
            unchanged=tuple(lists.unchanged),
        )

    def _place(self, source: Entry, there: Entry | None) -> None:
        lists = self._lists
        if source.kind is Kind.OTHER:
            lists.skipped.append(source)
        elif source.path in self._excluded:
            # As with "name/" where the source has a file of that name.
            excluded = Conflict(source, self._excluded[source.path], "is excluded there")
            lists.conflicts.append(excluded)
            self._blocked.add(source.path)
        elif there is None:
            lists.new.append(source)
        elif why := hindrance(source.kind, there.kind):
            self._hindered(Conflict(source, there, why))
        elif self._differs(source, there):
            lists.changed.append(Pair(source, there))
        elif self._attributes_differ(source, there):
            lists.attributes.append(Pair(source, there))
        else:
            lists.unchanged.append(Pair(source, there))

    def _hindered(self, conflict: Conflict) -> None:
        path = conflict.source.path
        if self._comparison.replace and path and path not in self._holding:
            self._lists.in_the_way.append(conflict.there)
            self._lists.new.append(conflict.source)
            self._dealt_with.add(path)
        else:
            self._lists.conflicts.append(conflict)
            self._blocked.add(path)

    def _differs(self, source: Entry, there: Entry) -> bool:
        if source.kind is not there.kind:
            return True
        if source.kind is Kind.LINK:
            return source.target != there.target
        if source.kind is Kind.DIRECTORY:
            return False
        return source.size != there.size or not self._comparison.same_content(source, there)

    def _attributes_differ(self, source: Entry, there: Entry) -> bool:
        if source.kind is Kind.LINK:
            return False
        mode = self._comparison.mode
        if mode is not None and mode(source, there) != there.mode:
            return True
        return self._comparison.times and source.mtime // _SECOND != there.mtime // _SECOND

    def _extraneous(self) -> Iterator[Entry]:
        needed = {above for path in self._source for above in _above(path)} | self._source.keys()
        gone = self._dealt_with | self._blocked
        for path, entry in self._there.items():
            if not path or path in needed or path in self._holding:
                continue
            if gone.isdisjoint(_above(path)):
                gone.add(path)
                yield entry


def _kept(entries: Iterable[Entry], exclude: Excludes) -> dict[bytes, Entry]:
    """By path, in the order of a walk; without what is excluded."""
    kept = {
        entry.path: entry
        for entry in entries
        if not exclude.covers(entry.path, directory=entry.kind is Kind.DIRECTORY)
    }
    return {path: kept[path] for path in sorted(kept, key=lambda path: path.split(b"/"))}


def _above(path: bytes) -> list[bytes]:
    """The paths of all directories that an entry is in, the top first."""
    found = [b""] if path else []
    at = path.find(b"/")
    while at >= 0:
        found.append(path[:at])
        at = path.find(b"/", at + 1)
    return found
