"""What a source and a destination turn out to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from opsrun.modules.base import ModuleError
from opsrun.modules.synchronizing.ends import Spot
from opsrun.modules.synchronizing.wanted import Wanted
from opsrun.modules.wording import path_of
from opsrun.trees.entry import Entry, Kind


@dataclass(frozen=True, slots=True)
class Tree:
    """The source."""

    top: bytes
    entries: tuple[Entry, ...]
    contents: bool
    """It is what is in a directory that is sent; that is among the entries, as ``b""``."""
    alias: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """The directory that it all goes into."""

    top: bytes
    name: bytes = b""
    """What a single entry is to be called there; empty for as it is called."""
    new: bool = False

    def named(self, tree: Tree) -> Tree:
        """The tree as it is to be called there."""
        if not self.name or not tree.entries:
            return tree
        [only] = tree.entries
        renamed = replace(only, path=self.name)
        return replace(tree, entries=(renamed,), alias={self.name: only.path})


def target_of(tree: Tree, goal: Spot, dest: str, wanted: Wanted) -> Target:
    """What dest means.

    Raises:
        ModuleError: it is something else, or what it is in is missing.
    """
    if goal.real is Kind.DIRECTORY:
        return Target(goal.path)
    single = len(tree.entries) == 1 and tree.entries[0].kind is not Kind.DIRECTORY
    missing = goal.kind is None
    if not missing and not single:
        raise ModuleError(f"{dest} is no directory: nothing was changed", rc=11)
    if missing and not (goal.parent or wanted.mkpath):
        above = path_of(goal.path.rpartition(b"/")[0])
        words = f"{above} is not there: nothing was changed (rsync_opts: --mkpath makes it)"
        raise ModuleError(words, rc=11)
    if single and not dest.endswith("/"):
        top, name = parted(goal.path)
        return Target(top, name, new=not goal.parent)
    if not missing:
        raise ModuleError(f"{dest} is no directory: nothing was changed", rc=11)
    return Target(goal.path, new=True)


def parted(path: bytes) -> tuple[bytes, bytes]:
    above, _, name = path.rpartition(b"/")
    return above or b"/", name
