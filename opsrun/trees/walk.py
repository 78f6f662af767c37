"""A tree on this machine, entry by entry."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from opsrun.errors import UsageError
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import NOTHING
from opsrun.trees.failures import shown

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
_EFFECTIVE = os.access in os.supports_effective_ids


class Leaving(Protocol):
    """Says what is left out: `Excludes`, and whatever knows more than patterns."""

    def matches(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry is left out, given that no directory above it is."""


@dataclass(frozen=True, slots=True)
class _Above:
    """The directories above an entry, innermost first; what a link must not lead back to."""

    identity: tuple[int, int]
    above: _Above | None

    def holds(self, identity: tuple[int, int]) -> bool:
        place: _Above | None = self
        while place is not None and place.identity != identity:
            place = place.above
        return place is not None


def walk(
    top: Path,
    exclude: Leaving = NOTHING,
    *,
    follow: bool = False,
    follow_top: bool = False,
    contents: bool = True,
) -> Iterator[Entry]:
    """The entries of a tree, sorted by name, directories before what is in them.

    Args:
        top: a directory, or a single file or link, which gives one entry. Its path is ``b""``.
        exclude: is asked for every entry but the top; what is below an excluded directory isn't
            looked at.
        follow: links are what they lead to. A link that leads nowhere, or to a directory that it
            is in, stays a link.
        follow_top: the top is what it leads to.
        contents: files are going to be read, so each must be readable.

    Raises:
        UsageError: the top isn't there, or something can't be read; named. What vanishes while we
            look was never there.
    """
    root = os.fsencode(top)
    first, identity = _look(root, b"", follow or follow_top, None)
    pending: list[tuple[Entry, _Above]] = [(first, _Above(identity, None))]
    while pending:
        entry, above = pending.pop()
        path = join(root, entry.path)
        if contents and entry.kind is Kind.FILE and not _readable(path):
            raise UsageError(f"can't read {shown(path)}: Permission denied")
        yield entry
        if entry.kind is Kind.DIRECTORY:
            pending.extend(_below(root, entry, above, exclude, follow))


def join(top: bytes, path: bytes) -> bytes:
    """The local path of an entry: ``top/path``, or the top itself for ``b""``."""
    return os.path.join(top, path) if path else top


def kind_of(mode: int) -> Kind:
    """What ``st_mode`` says that something is."""
    return _KINDS.get(stat.S_IFMT(mode), Kind.OTHER)


def _below(
    root: bytes, directory: Entry, above: _Above, exclude: Leaving, follow: bool
) -> list[tuple[Entry, _Above]]:
    """What is in a directory, last name first."""
    found = []
    for name in sorted(_names(join(root, directory.path)), reverse=True):
        path = directory.path + b"/" + name if directory.path else name
        try:
            entry, identity = _look(root, path, follow, above)
        except FileNotFoundError:
            continue
        if not exclude.matches(path, directory=entry.kind is Kind.DIRECTORY):
            found.append((entry, _Above(identity, above) if follow else above))
    return found


def _names(path: bytes) -> list[bytes]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"can't read {shown(path)}: {error.strerror}") from error


def _look(
    root: bytes, path: bytes, follow: bool, above: _Above | None
) -> tuple[Entry, tuple[int, int]]:
    """An entry, and what identifies it on this machine.

    Raises:
        FileNotFoundError: it isn't there, and isn't the top.
        UsageError: it can't be looked at.
    """
    place = join(root, path)
    try:
        status = _followed(place, above) if follow else os.lstat(place)
        target = os.readlink(place) if stat.S_ISLNK(status.st_mode) else b""
    except FileNotFoundError as error:
        if above is not None:
            raise
        raise UsageError(f"can't read {shown(place)}: {error.strerror}") from error
    except OSError as error:
        raise UsageError(f"can't read {shown(place)}: {error.strerror}") from error
    return entry_of(path, status, target), (status.st_dev, status.st_ino)


def _followed(place: bytes, above: _Above | None) -> os.stat_result:
    itself = os.lstat(place)
    if not stat.S_ISLNK(itself.st_mode):
        return itself
    try:
        status = os.stat(place)
    except PermissionError:
        raise
    except OSError:
        return itself
    leads_back = above is not None and above.holds((status.st_dev, status.st_ino))
    return itself if leads_back else status


def entry_of(path: bytes, status: os.stat_result, target: bytes = b"") -> Entry:
    """The entry that a look at a file gives."""
    kind = kind_of(status.st_mode)
    return Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        size=status.st_size if kind is Kind.FILE else 0,
        mtime=status.st_mtime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        target=target,
        allocated=status.st_blocks * 512 if kind is Kind.FILE else None,
    )


def _readable(path: bytes) -> bool:
    return os.access(path, os.R_OK, effective_ids=_EFFECTIVE) or not os.path.lexists(path)
