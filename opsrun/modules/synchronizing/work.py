"""One synchronization: both trees are looked at, compared, and what differs is done."""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.errors import HostError, TransferFailed
from opsrun.modules.base import Context, Diff, ModuleError, ModuleResult, Steps
from opsrun.modules.synchronizing.carrying import (
    Load,
    deliver,
    gather,
    place_here,
    relay,
    sorted_attributes,
)
from opsrun.modules.synchronizing.ends import Asking, End, Reading, Spot
from opsrun.modules.synchronizing.filters import MERGED, from_files
from opsrun.modules.synchronizing.here import Here
from opsrun.modules.synchronizing.itemized import lines_of
from opsrun.modules.synchronizing.planning import (
    Changes,
    Item,
    compared,
    unclear,
)
from opsrun.modules.synchronizing.shapes import Target, Tree, parted, target_of
from opsrun.modules.synchronizing.there import There
from opsrun.modules.synchronizing.wanted import Receiver, Wanted
from opsrun.modules.synchronizing.within import copy_within
from opsrun.modules.wording import path_of
from opsrun.remote.files.delivery import Attributes
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import TreeError
from opsrun.trees.walk import join

_ELSEWHERE = re.compile(r"[^/:\s]+::?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task says of the two ends."""

    src: str
    dest: str
    pulls: bool
    words: tuple[str, ...]
    """Of rsync's command line, for whoever reads results."""


@dataclass(slots=True)
class Work:
    """One synchronization."""

    said: Asked
    context: Context
    wanted: Wanted
    source: End = field(init=False)
    end: End = field(init=False)
    same: bool = field(init=False)
    """Both ends are one machine that is asked over one session."""

    def __post_init__(self) -> None:
        origin, here = self.context.origin, self.context.here
        host = There(elsewhere=origin == "delegate")
        first: End = {"controller": Here(self.context), "delegate": There()}.get(origin, host)
        self.same = origin == "host" or here
        if self.same:
            first = host
        pulls = self.said.pulls
        self.source, self.end = (host, first) if pulls else (first, host)

    # -- where

    def _paths(self) -> tuple[str, str]:
        """Both, as their ends understand them."""
        src, dest = self.said.src, self.said.dest
        if not src or not dest:
            raise ModuleError("src and dest are no empty texts")
        for name, path in (("src", src), ("dest", dest)):
            if _ELSEWHERE.match(path):
                raise ModuleError(f"{name} {path!r} names another host: say delegate_to")
        here = Here(self.context)
        if isinstance(self.source, Here) or (self.context.here and not self.said.pulls):
            src = here.source(src)
        if isinstance(self.end, Here) or self.context.here:
            dest = here.dest(dest)
        if self.context.here and self.said.pulls:
            src = here.dest(src)
        return src, dest

    def steps(self) -> Steps:
        """See `Synchronize.steps`."""
        data: dict[str, Any] = {}
        try:
            src, dest = self._paths()
            trial = ["--dry-run"] if self.context.check else []
            data["cmd"] = " ".join(["rsync", *trial, *self.said.words, src, dest])
            lines, changed = yield from self._done(src, dest)
        except ModuleError as error:
            error.data = {**data, "rc": 23, **error.data}
            raise
        except HostError as error:
            if type(error) not in (HostError, TransferFailed) and not isinstance(error, TreeError):
                raise
            words = f"{error.message} ({error.hint})" if error.hint else error.message
            raise ModuleError(words, **{**data, "rc": 23}) from error
        msg = "".join(f"{line}\n" for line in lines)
        data |= {"rc": 0, "stdout_lines": lines}
        diffs = (Diff(prepared=msg, alone=True),) if self.context.diff else ()
        return ModuleResult(changed, msg=msg, data=data, diff=diffs, warnings=self._warnings)

    _warnings: tuple[str, ...] = ()

    def _done(self, src: str, dest: str) -> Asking[tuple[list[str], bool]]:
        wanted = self.wanted
        contents = src.endswith("/") or posixpath.basename(src) in (".", "..")
        spot = yield from self.source.look(src, contents=contents)
        tree = yield from self._tree(spot, src, contents=contents)
        if not tree.entries:
            return [], False
        goal = yield from self.end.look(dest, contents=True)
        target = target_of(tree, goal, dest, wanted)
        tree = target.named(tree)
        there = yield from self._there(target, tree)
        self._alone(spot, goal)
        receiver = yield from self._receiver(goal, tree.entries)
        if wanted.delete:
            wanted = yield from self._protecting(tree, target, there)
        same = yield from self._same(tree, target.top, there)
        changes = compared(
            tree.entries,
            there,
            wanted,
            receiver,
            same,
            emptied=None if wanted.recursive else [b""] if tree.contents else [],
            named=lambda path: tree.alias.get(path, path),
        )
        self._sound(changes, spot, target)
        self._tell(changes)
        arrow = "<" if not self.said.pulls and not self.same else ">"
        lines = lines_of(changes, arrow, tree.alias)
        changed = bool(changes.items or changes.gone or changes.in_the_way)
        if target.new:
            if wanted.existing_only:
                return [], False
            lines.insert(0, f"created directory {path_of(target.top)}")
        if (changed or target.new) and not (self.context.check or wanted.dry_run):
            yield from self._carried(tree, target, changes, receiver, goal)
        return lines, changed

    # -- looking

    def _tree(self, spot: Spot, src: str, *, contents: bool) -> Asking[Tree]:
        wanted = self.wanted
        if spot.kind is None or (contents and spot.real is None):
            raise ModuleError(f"there is no {src}: nothing was changed", rc=23)
        directory = spot.real is Kind.DIRECTORY
        if src.endswith("/") and not directory:
            raise ModuleError(f"{src} is no directory: nothing was changed", rc=23)
        contents = contents and directory
        top, start = (spot.path, b"") if contents else parted(spot.path)
        depth = None if wanted.recursive else int(wanted.dirs and contents)
        reading = Reading(top, start, wanted.copy_links, depth, wanted.filters)
        entries = yield from self.source.listing(reading)
        passed_over = contents or spot.kind is Kind.DIRECTORY
        if directory and passed_over and not (wanted.recursive or wanted.dirs):
            entries = []
        return Tree(top, tuple(self._kept(entries)), contents=contents)

    def _kept(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        left_out = []
        for each in entries:
            if each.kind is Kind.LINK:
                if self.wanted.copy_links:
                    words = f"{path_of(each.path)} is a link that leads to nothing"
                    raise ModuleError(f"{words}: nothing was changed", rc=23)
                if not self.wanted.links:
                    left_out.append(path_of(each.path))
                    yield replace(each, kind=Kind.OTHER)
                    continue
            yield each
        self._links_left_out = tuple(left_out)

    _links_left_out: tuple[str, ...] = ()

    def _there(self, target: Target, tree: Tree) -> Asking[list[Entry]]:
        """What is at the destination: all where something may be deleted, or make way."""
        if target.new:
            return []
        wanted = self.wanted
        names = [each.path for each in tree.entries]
        found = yield from self.end.named(target.top, names)
        theirs = {each.path: each for each in found}
        whole: list[bytes] = []
        if wanted.delete:
            if b"" in names:
                whole = [b""]
            else:
                whole = [n for n in names if b"/" not in n and _is_directory(theirs.get(n))]
        whole += [
            each.path
            for each in tree.entries
            if each.kind is not Kind.DIRECTORY and _is_directory(theirs.get(each.path))
        ]
        for start in whole:
            reading = Reading(target.top, start, protected=wanted.filters)
            below = yield from self.end.listing(reading)
            theirs |= {each.path: each for each in below}
        return list(theirs.values())

    def _alone(self, spot: Spot, goal: Spot) -> None:
        """Files of rules above the two trees would be heeded by rsync."""
        for each in (*spot.ruled, *(goal.ruled if self.wanted.delete else ())):
            words = f"{path_of(each)} has a .rsync-filter: rules above a tree can't be heeded"
            raise ModuleError(f"{words}: nothing was changed")

    def _protecting(self, tree: Tree, target: Target, there: Sequence[Entry]) -> Asking[Wanted]:
        """With the rules of files, as the destination is going to have them."""
        files: dict[bytes, bytes] = {}
        sides = ((self.end, target.top, there), (self.source, tree.top, tree.entries))
        for end, top, entries in sides:
            for each in entries:
                above, _, name = each.path.rpartition(b"/")
                if name == MERGED and each.kind is Kind.FILE:
                    files[above] = yield from end.content(join(top, each.path))
        if not files:
            return self.wanted
        filters = self.wanted.filters.reading(from_files(files))
        return replace(self.wanted, filters=filters)

    def _receiver(self, goal: Spot, entries: Sequence[Entry]) -> Asking[Receiver]:
        """Who writes there, and what the owners are called."""
        wanted = self.wanted
        made = Receiver(goal.umask, goal.uid, goal.gids)
        user, group = wanted.chown
        if not (wanted.owner or wanted.group):
            return made
        users = {each.uid for each in entries} if wanted.owner and goal.uid == 0 else set()
        groups = {each.gid for each in entries} if wanted.group else set()
        mapped = yield from self._mapped(users, groups)
        chosen = yield from self._chosen(user if users else "", group if groups else "")
        if chosen[0] is not None:
            mapped = dict.fromkeys(users, chosen[0]), mapped[1]
        if chosen[1] is not None:
            mapped = mapped[0], dict.fromkeys(groups, chosen[1])
        return replace(made, users=mapped[0], groups=mapped[1])

    def _mapped(
        self, users: set[int], groups: set[int]
    ) -> Asking[tuple[dict[int, int], dict[int, int]]]:
        """Numbers of the source by numbers of the destination that have the same name."""
        # 0 is 0 everywhere.
        users, groups = users - {0}, groups - {0}
        if self.same or self.wanted.numeric_ids or not (users or groups):
            return {}, {}
        ours = yield from self.source.names(sorted(users), sorted(groups))
        theirs = yield from self.end.numbers(ours[0].values(), ours[1].values())
        return (
            {uid: theirs[0][name] for uid, name in ours[0].items() if name in theirs[0]},
            {gid: theirs[1][name] for gid, name in ours[1].items() if name in theirs[1]},
        )

    def _chosen(self, user: str, group: str) -> Asking[tuple[int | None, int | None]]:
        """What ``--chown`` says."""
        names = [user] if user and not user.isdigit() else []
        others = [group] if group and not group.isdigit() else []
        users, groups = yield from self.end.numbers(names, others)
        found = []
        for name, known in ((user, users), (group, groups)):
            if name and not name.isdigit() and name not in known:
                raise ModuleError(f"--chown: nobody is called {name} there: nothing was changed")
            found.append(None if not name else int(name) if name.isdigit() else known[name])
        return found[0], found[1]

    def _same(self, tree: Tree, top: bytes, there: Sequence[Entry]) -> Asking[Any]:
        """Whether files have the same bytes, of those that only these tell of."""
        asked = unclear(tree.entries, there, self.wanted)
        if not asked:
            return lambda one, other: False
        names = {each.path for each in asked}
        renamed = [replace(each, path=tree.alias.get(each.path, each.path)) for each in asked]
        ours = yield from self.source.digests(tree.top, renamed)
        wanted = [each for each in there if each.path in names]
        theirs = yield from self.end.digests(top, wanted)

        def same(one: Entry, other: Entry) -> bool:
            digest = ours.get(tree.alias.get(one.path, one.path))
            return digest is not None and digest == theirs.get(other.path)

        return same

    # -- judging

    def _sound(self, changes: Changes, spot: Spot, target: Target) -> None:
        """The source is never deleted for the sake of its copy."""
        if not self.same:
            return
        for each in (*changes.removed, *changes.in_the_way):
            gone = target.top.rstrip(b"/") + b"/" + each.path
            if f"{path_of(spot.path)}/".startswith(f"{path_of(gone)}/"):
                words = f"{path_of(gone)} would be deleted, and the source is in it"
                raise ModuleError(f"{words}: nothing was changed")

    def _tell(self, changes: Changes) -> None:
        links = set(self._links_left_out)
        special = [path_of(each) for each in changes.skipped if path_of(each) not in links]
        found = []
        if special:
            words = "neither files, directories nor links, and not copied"
            found.append(f"{', '.join(special[:10])}: {words}")
        self._warnings = tuple(found)

    # -- doing

    def _carried(
        self, tree: Tree, target: Target, changes: Changes, receiver: Receiver, goal: Spot
    ) -> Asking[None]:
        end, top = self.end, target.top
        made = tuple(each for each in changes.items if each.sent and each.entry.path)
        if target.new:
            # What gets its mode in the end is closed to others till then.
            mode = 0o700 if tree.contents else 0o777 & ~receiver.umask
            yield from end.make(top, mode, parents=self.wanted.mkpath)
        if changes.in_the_way:
            yield from end.remove(top, [each.path for each in changes.in_the_way])
        if made:
            load = Load(made, tree.top, tree.alias, self.wanted.copy_links)
            yield from self._sent(load, top, (receiver.uid, goal.gid))
        # Only now that all has arrived.
        if changes.removed:
            yield from end.remove(top, [each.path for each in changes.removed])
        yield from end.settle(top, self._settling(changes, target))

    def _sent(self, load: Load, top: bytes, owner: tuple[int, int]) -> Asking[None]:
        source, end = self.source, self.end
        now = time.time_ns()
        if isinstance(end, Here):
            assert isinstance(source, There)
            far = source
            yield from place_here(top, load, lambda stage: gather(far, load, stage))
        elif self.same:
            assert isinstance(end, There)
            yield from copy_within(end, top, load, owner)
        elif isinstance(source, Here):
            assert isinstance(end, There)
            yield from deliver(end, top, load, now)
        else:
            assert isinstance(source, There)
            assert isinstance(end, There)
            yield from relay(source, end, top, load, now)

    def _settling(self, changes: Changes, target: Target) -> list[Attributes]:
        """What is there and stays; and directories whose times change with what is in them."""
        touched = {
            each.path.rpartition(b"/")[0]
            for each in (
                *(item.entry for item in changes.items if item.sent),
                *changes.gone,
                *changes.in_the_way,
            )
            if each.path
        }
        found: list[tuple[Entry, Attributes]] = []
        for item in (*changes.items, *changes.untouched):
            entry = item.entry
            directory = entry.kind is Kind.DIRECTORY
            if item.sent and not (directory and (self.same or not entry.path)):
                continue
            again = directory and entry.path in touched
            found.append((entry, _left(item, again=again)))
        return sorted_attributes(pair for pair in found if pair[1] != Attributes(pair[1].names))


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY


def _left(item: Item, *, again: bool) -> Attributes:
    """What is still to be set."""
    there, path = item.there, item.entry.path
    if there is None:
        return Attributes((path,), item.mode, item.uid, item.gid, item.mtime)
    timed = again or (item.mtime is not None and item.mtime // 10**9 != there.mtime // 10**9)
    owned = item.uid not in (None, there.uid) or item.gid not in (None, there.gid)
    special = owned and item.mode is not None and item.mode & 0o7000
    return Attributes(
        (path,),
        item.mode if item.mode != there.mode or special else None,
        item.uid if item.uid != there.uid else None,
        item.gid if item.gid != there.gid else None,
        item.mtime if timed else None,
    )
