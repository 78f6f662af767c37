"""What makes one tree like another, by rsync's rules: pure comparison of two lists of entries.

As rsync(1) has it, sections OPTIONS and "--itemize-changes": size and time tell whether a file is
the same, directories that stand where files should be go only with ``--delete`` or ``--force``,
everything else that is in the way is replaced, and what is protected is never removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.synchronizing.wanted import Receiver, Wanted
from opsrun.modules.wording import path_of
from opsrun.trees.entry import Entry, Kind

_SECOND = 1_000_000_000
_LETTERS = {Kind.FILE: "f", Kind.DIRECTORY: "d", Kind.LINK: "L", Kind.OTHER: "S"}
NEW = "+++++++++"


@dataclass(frozen=True, slots=True)
class Item:
    """An entry that is made, replaced, or given other attributes."""

    entry: Entry
    """Of the source; its path is below the destination."""
    there: Entry | None
    """What stays, or gives its place to something of its kind."""
    code: str
    """As ``rsync -i`` shows it, but for its first character."""
    sent: bool
    """Its content is made anew."""
    mode: int | None = None
    """What it is to have in the end; None for as it comes."""
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None

    @property
    def new(self) -> bool:
        """Whether nothing of its kind is there."""
        return self.there is None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is to be done."""

    items: tuple[Item, ...] = ()
    """Directories before what is in them."""
    in_the_way: tuple[Entry, ...] = ()
    """Removed before anything else: topmost."""
    cleared: tuple[Entry, ...] = ()
    """What goes with it, being in it."""
    removed: tuple[Entry, ...] = ()
    """Removed in the end: topmost."""
    gone: tuple[Entry, ...] = ()
    """The same, with all that is in them: innermost first."""
    kept: tuple[bytes, ...] = ()
    """Directories that would go, but hold what is protected."""
    skipped: tuple[bytes, ...] = ()
    """Neither file, directory nor link."""
    untouched: tuple[Item, ...] = ()
    """Directories that are as they should be: their times are put right if something in them
    changes."""


Same = Callable[[Entry, Entry], bool]
"""Whether two files of one size have the same bytes."""


def compared(
    source: Iterable[Entry],
    there: Iterable[Entry],
    wanted: Wanted,
    receiver: Receiver,
    same: Same,
    *,
    emptied: Iterable[bytes] | None = None,
    named: Callable[[bytes], bytes] = lambda path: path,
) -> Changes:
    """What makes ``there`` like ``source``.

    Args:
        source: what is sent; paths as they are to be there.
        there: what is there, at least of those paths; where it is to be emptied, all of it.
        wanted: see `Wanted`.
        receiver: see `Receiver`.
        same: is asked where size and time don't tell.
        emptied: directories in which what the source doesn't have goes; None for all that are sent.
        named: what the filters call a path.

    Raises:
        ModuleError: something is in the way and can't go; or more would go than may.
    """
    return _Comparing(list(source), list(there), wanted, receiver, same, named).changes(emptied)


def unclear(source: Iterable[Entry], there: Iterable[Entry], wanted: Wanted) -> list[Entry]:
    """Files of the source of which only their bytes tell whether they are the same."""
    theirs = {each.path: each for each in there}
    return [
        each
        for each in source
        if (other := theirs.get(each.path)) is not None
        and each.kind is other.kind is Kind.FILE
        and each.size == other.size
        and _by_bytes(each, other, wanted)
    ]


def _by_bytes(source: Entry, there: Entry, wanted: Wanted) -> bool:
    if wanted.size_only or wanted.ignore_times:
        return False
    return wanted.checksum or not (wanted.times or _same_time(source, there))


def _same_time(one: Entry, other: Entry) -> bool:
    return one.mtime // _SECOND == other.mtime // _SECOND


class _Comparing:
    def __init__(
        self,
        source: list[Entry],
        there: list[Entry],
        wanted: Wanted,
        receiver: Receiver,
        same: Same,
        named: Callable[[bytes], bytes],
    ) -> None:
        self._wanted = wanted
        self._receiver = receiver
        self._same = same
        self._named = named
        self._source = {each.path: each for each in ordered(source)}
        self._there = {each.path: each for each in there}
        self._children: dict[bytes, list[Entry]] = {}
        for each in there:
            if each.path:
                self._children.setdefault(each.path.rpartition(b"/")[0], []).append(each)
        self._items: list[Item] = []
        self._untouched: list[Item] = []
        self._in_the_way: list[Entry] = []
        self._cleared: list[Entry] = []
        self._skipped: list[bytes] = []
        self._absent: set[bytes] = set()
        """Directories that are not made: nothing can be in them."""
        self._replaced: set[bytes] = set()
        """What was below these is gone by then."""

    def changes(self, emptied: Iterable[bytes] | None) -> Changes:
        for path, entry in self._source.items():
            above = path.rpartition(b"/")[0] if path else None
            if above in self._absent:
                self._absent.add(path)
            else:
                self._placed(entry, self._beneath(path))
        gone, kept = self._extraneous(emptied) if self._wanted.delete else ([], [])
        most = self._wanted.max_delete
        count = len(gone) + len(self._cleared)
        if most is not None and count > most:
            words = f"{count} entries would be deleted, and --max-delete allows {most}"
            raise ModuleError(f"{words}: nothing was changed", rc=25)
        tops = {each.path for each in gone}
        return Changes(
            tuple(self._items),
            tuple(self._in_the_way),
            tuple(self._cleared),
            tuple(each for each in gone if each.path.rpartition(b"/")[0] not in tops),
            tuple(gone),
            tuple(kept),
            tuple(self._skipped),
            tuple(self._untouched),
        )

    def _beneath(self, path: bytes) -> Entry | None:
        """What is there, unless what it is in gives way."""
        above = path
        while above and self._replaced:
            above = above.rpartition(b"/")[0]
            if above in self._replaced:
                return None
        return self._there.get(path)

    def _placed(self, source: Entry, there: Entry | None) -> None:
        wanted = self._wanted
        if source.kind is Kind.OTHER:
            self._skipped.append(source.path)
            return
        if there is None and wanted.existing_only:
            self._absent.add(source.path)
            return
        if there is not None and self._left_alone(source, there):
            return
        if source.kind is Kind.FILE and not self._within(source.size):
            return
        if there is not None and there.kind is not source.kind:
            self._make_way(source, there)
            there = None
        if there is None:
            self._add(source, None, NEW, sent=True)
        else:
            self._both(source, there)

    def _left_alone(self, source: Entry, there: Entry) -> bool:
        wanted = self._wanted
        if wanted.ignore_existing and not source.kind is there.kind is Kind.DIRECTORY:
            if source.kind is Kind.DIRECTORY:
                self._absent.add(source.path)
            return True
        files = source.kind is there.kind is Kind.FILE
        return wanted.update and files and there.mtime // _SECOND > source.mtime // _SECOND

    def _within(self, size: int) -> bool:
        most, least = self._wanted.max_size, self._wanted.min_size
        return (most is None or size <= most) and (least is None or size >= least)

    def _make_way(self, source: Entry, there: Entry) -> None:
        if there.kind is Kind.DIRECTORY:
            below = list(self._below(there.path))
            if below and not (self._wanted.delete or self._wanted.force):
                words = "is a directory there that is not empty, and no directory here"
                raise ModuleError(f"{path_of(there.path)} {words} (delete or --force: it goes)")
            held = [each for each in below if self._protected(each)]
            if held:
                words = f"can't give way: {path_of(held[0].path)} in it is protected"
                raise ModuleError(f"{path_of(there.path)} {words}")
            self._cleared += below
        self._in_the_way.append(there)
        self._replaced.add(there.path)

    def _below(self, path: bytes) -> Iterator[Entry]:
        pending = [path]
        while pending:
            for each in self._children.get(pending.pop(), ()):
                yield each
                if each.kind is Kind.DIRECTORY:
                    pending.append(each.path)

    # -- what is in both

    def _both(self, source: Entry, there: Entry) -> None:
        kind, wanted = source.kind, self._wanted
        item = self._item(source, there, "", sent=False)
        differs = False
        marks = [".", ".", ".", ".", ".", ".", ".", ".", "."]
        if kind is Kind.LINK:
            differs = source.target != there.target
            marks[0] = "c" if differs else "."
        elif kind is Kind.FILE:
            differs = self._differs(source, there)
            marks[0] = "c" if differs and wanted.checksum else "."
            marks[1] = "s" if source.size != there.size else "."
        if self._timed(kind):
            marks[2] = "." if _same_time(source, there) else "t"
        elif kind is Kind.FILE and differs:
            marks[2] = "T"
        marks[3] = "." if item.mode is None or item.mode == there.mode else "p"
        marks[4] = "." if item.uid is None or item.uid == there.uid else "o"
        marks[5] = "." if item.gid is None or item.gid == there.gid else "g"
        code = "".join(marks)
        if differs or code != ".........":
            self._add(source, there, code, sent=differs)
        elif kind is Kind.DIRECTORY:
            self._untouched.append(item)

    def _differs(self, source: Entry, there: Entry) -> bool:
        wanted = self._wanted
        if source.size != there.size or wanted.ignore_times:
            return True
        if wanted.size_only:
            return False
        if _by_bytes(source, there, wanted):
            return not self._same(source, there)
        return not _same_time(source, there)

    def _timed(self, kind: Kind) -> bool:
        wanted = self._wanted
        if kind is Kind.DIRECTORY:
            return wanted.times and not wanted.omit_dir_times
        if kind is Kind.LINK:
            return wanted.times and not wanted.omit_link_times
        return wanted.times

    def _add(self, source: Entry, there: Entry | None, code: str, *, sent: bool) -> None:
        self._items.append(self._item(source, there, code, sent=sent))

    def _item(self, source: Entry, there: Entry | None, code: str, *, sent: bool) -> Item:
        wanted, receiver = self._wanted, self._receiver
        mode = None if source.kind is Kind.LINK else self._mode(source, there)
        uid = receiver.user(source.uid) if wanted.owner else None
        gid = receiver.group(source.gid) if wanted.group else None
        mtime = source.mtime if self._timed(source.kind) else None
        shown = f"{_LETTERS[source.kind]}{code}" if code else ""
        return Item(source, there, shown, sent, mode, uid, gid, mtime)

    def _mode(self, source: Entry, there: Entry | None) -> int:
        wanted, umask = self._wanted, self._receiver.umask
        directory = source.kind is Kind.DIRECTORY
        if not wanted.perms and there is not None:
            return there.mode
        mode = wanted.chmod.applied(source.mode, directory=directory, umask=umask)
        return mode if wanted.perms else mode & 0o777 & ~umask

    # -- what goes

    def _extraneous(self, emptied: Iterable[bytes] | None) -> tuple[list[Entry], list[bytes]]:
        kept: list[bytes] = []
        gone: list[Entry] = []
        tops = (
            [path for path, each in self._source.items() if each.kind is Kind.DIRECTORY]
            if emptied is None
            else list(emptied)
        )
        for top in tops:
            found = self._beneath(top)
            if top in self._absent or found is None or found.kind is not Kind.DIRECTORY:
                continue
            for each in self._children.get(top, ()):
                if each.path not in self._source:
                    self._goes(each, gone, kept)
        gone.sort(key=lambda each: each.path.split(b"/"), reverse=True)
        return gone, kept

    def _goes(self, entry: Entry, gone: list[Entry], kept: list[bytes]) -> bool:
        if self._protected(entry):
            return False
        whole = True
        if entry.kind is Kind.DIRECTORY:
            below = [self._goes(each, gone, kept) for each in self._children.get(entry.path, ())]
            whole = all(below)
        if whole:
            gone.append(entry)
        else:
            kept.append(entry.path)
        return whole

    def _protected(self, entry: Entry) -> bool:
        filters = self._wanted.filters
        directory = entry.kind is Kind.DIRECTORY
        return filters.protects(self._named(entry.path), directory=directory)


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """As rsync lists them: in each directory first what is no directory, then each with its own."""
    kinds = {each.path: each.kind for each in entries}

    def key(entry: Entry) -> list[tuple[bool, bytes]]:
        parts = entry.path.split(b"/") if entry.path else []
        return [
            (i < len(parts) - 1 or kinds[entry.path] is Kind.DIRECTORY, part)
            for i, part in enumerate(parts)
        ]

    return sorted(entries, key=key)
