"""What a host has under the names that the operator wants from it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from opsrun.adhoc.fetching import Item
from opsrun.errors import HostError, TransferFailed
from opsrun.remote.files.globbing import Match
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.looking import Look, Place
from opsrun.remote.files.tools import Tools
from opsrun.remote.sftp.globbing import compiled
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import Excludes
from opsrun.trees.failures import shown


@dataclass(frozen=True, slots=True)
class _Named:
    """A path that a source stands for."""

    path: bytes
    """Absolute."""
    contents: bool
    """What is in it is meant, not it itself."""


class Survey:
    """Looks at one host.

    Args:
        files: of the host.
        exclude: what is left out of directories.
    """

    def __init__(self, files: HostFiles, exclude: Excludes) -> None:
        self._files = files
        self._exclude = exclude
        self._look = files.look(b".")

    @property
    def tools(self) -> Tools:
        """What the host has to copy with."""
        return self._look.tools

    def find(self, sources: Sequence[bytes], name: bytes = b"") -> list[Item]:
        """Everything that is under the sources.

        Args:
            sources: paths, with wildcards; a ``/`` behind one means what is in it.
            name: what a single source is to be called; ``b""`` for as it is.

        Raises:
            TransferFailed: nothing is there, or two would get the same name.
        """
        named = list(self._named(sources))
        items: dict[bytes, Item] = {}
        for item in self._items(named, name if len(named) == 1 else b""):
            other = items.setdefault(item.entry.path, item)
            if other is not item and not _are_one(other, item):
                raise TransferFailed(
                    f"{shown(other.path)} and {shown(item.path)} would both become "
                    f"{shown(item.entry.path)}",
                    hint="get them one after the other",
                )
        return list(items.values())

    def digests(self, items: Sequence[Item]) -> dict[bytes, str]:
        """SHA-256 of files, by their paths below the destination."""
        found: dict[bytes, str] = {}
        groups: dict[bytes, list[Item]] = defaultdict(list)
        for item in items:
            groups[item.top].append(item)
        for top, group in groups.items():
            sums = self._files.digests(top, [item.remote for item in group])
            found |= {i.entry.path: sums[i.name] for i in group if i.name in sums}
        return found

    def _named(self, sources: Sequence[bytes]) -> Iterator[_Named]:
        home = self._look.real.path
        stripped = [source.rstrip(b"/") or b"/" for source in sources]
        for source, match in zip(sources, self._files.expand(stripped), strict=True):
            if not match.paths:
                raise self._absent(match)
            last = os.path.basename(source.rstrip(b"/"))
            contents = source.endswith(b"/") or last in (b".", b"..")
            for path in match.paths:
                _check_fits(path, source)
                yield _Named(os.path.join(home, path), contents)

    def _absent(self, match: Match) -> HostError:
        """Why there is nothing; the host says if it is only out of reach."""
        if match.is_glob:
            return TransferFailed(f"no file fits {shown(match.pattern)}")
        above, base = os.path.split(match.pattern)
        if base and above.startswith(b"/"):
            try:
                self._files.entries(above, [base])
            except HostError as error:
                return error
        return TransferFailed(f"there is no {shown(match.pattern)}")

    def _items(self, named: Sequence[_Named], name: bytes) -> Iterator[Item]:
        together: dict[bytes, list[bytes]] = defaultdict(list)
        for each in named:
            if each.contents or os.path.basename(each.path) in (b"", b".", b".."):
                yield from self._tree(self._files.look(each.path), b"" if each.contents else name)
            else:
                above, base = os.path.split(each.path)
                together[above].append(base)
        for above, names in together.items():
            for entry in self._files.entries(above, names):
                yield from self._item(above, entry, name)

    def _item(self, above: bytes, entry: Entry, name: bytes) -> Iterator[Item]:
        path = os.path.join(above, entry.path)
        if entry.kind is Kind.FILE:
            there = replace(entry, path=name or entry.path)
            yield Item(there, above, entry.path, alone=bool(name))
        elif entry.kind is Kind.OTHER:
            raise TransferFailed(f"{shown(path)} is neither a file nor a directory")
        else:
            # A link that was named stands for what it leads to, as with scp.
            yield from self._tree(self._files.look(path), name or entry.path)

    def _tree(self, look: Look, name: bytes) -> Iterator[Item]:
        real = look.real
        if real.place is Place.FILE and look.entry is not None:
            above, base = os.path.split(real.path)
            called = name or base
            yield Item(replace(look.entry, path=called), above, base, alone=called != base)
            return
        if real.place is not Place.DIRECTORY:
            what = "leads nowhere" if real.place is Place.ABSENT else "is no file or directory"
            raise TransferFailed(f"{shown(look.dest.path)} {what}")
        for entry in self._files.entries(real.path):
            if entry.path and self._exclude.covers(
                entry.path, directory=entry.kind is Kind.DIRECTORY
            ):
                continue
            path = b"/".join(part for part in (name, entry.path) if part)
            if path:
                yield Item(replace(entry, path=path), real.path, entry.path, name)


def _check_fits(path: bytes, source: bytes) -> None:
    """What a file is called here is what was asked for, not what the host would have it called.

    Raises:
        TransferFailed: the host gave another name.
    """
    wanted = os.path.basename(source.rstrip(b"/"))
    name = os.path.basename(path)
    is_home = wanted.startswith(b"~") and wanted == source.rstrip(b"/")
    # Characters of several bytes are the host's shell's business.
    if wanted and not is_home and name.isascii() and not compiled(wanted)(name):
        raise TransferFailed(
            f"the host says that {shown(path)} fits {shown(source)}", hint="nothing was fetched"
        )


def _are_one(one: Item, other: Item) -> bool:
    """Whether both can have the same name: two patterns may well fit the same file."""
    return one.entry.kind is other.entry.kind is Kind.DIRECTORY or one.path == other.path
