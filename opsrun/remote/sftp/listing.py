"""What is on a host, as entries: whole trees, or some names of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opsrun.errors import TransferFailed
from opsrun.remote.files.words import joined
from opsrun.remote.sftp import operations
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused, shown
from opsrun.remote.sftp.packets import Name
from opsrun.remote.sftp.wire import Attributes
from opsrun.trees.entry import Entry, Kind

MOST_ENTRIES = 2_000_000
"""Of one tree. More are no tree but a server that never ends."""

MOST_LEVELS = 1_000
"""Directories within directories."""

_LETTERS = {b"-": Kind.FILE, b"d": Kind.DIRECTORY, b"l": Kind.LINK}
UNKNOWN = -1
"""A user or group that the server doesn't tell."""


def entry_of(path: bytes, told: Attributes, kind: Kind | None = None, target: bytes = b"") -> Entry:
    """An entry from what the server told; times are whole seconds."""
    kind = told.kind or kind or Kind.OTHER
    return Entry(
        path=path,
        kind=kind,
        mode=(told.mode or 0) & 0o7777,
        size=(told.size or 0) if kind is Kind.FILE else 0,
        mtime=(told.mtime or 0) * 10**9,
        uid=UNKNOWN if told.uid is None else told.uid,
        gid=UNKNOWN if told.gid is None else told.gid,
        target=target,
    )


def tree(sftp: SFTP, top: bytes) -> list[Entry]:
    """All that is below ``top``, and ``top`` itself; level by level, each in the order of names.

    Raises:
        TransferFailed: a directory can't be read, or there is no end to them.
    """
    itself = entry_of(b"", sftp.run(operations.lstat(top)))
    found = [itself]
    level = [b""] if itself.kind is Kind.DIRECTORY else []
    for _ in range(MOST_LEVELS):
        if not level:
            return found
        new: list[Entry] = []
        for directory, names in zip(level, _listings(sftp, top, level), strict=True):
            new += _entries(directory, names or ())
            if len(found) + len(new) > MOST_ENTRIES:
                raise TransferFailed(
                    f"can't list {shown(top)}: over {MOST_ENTRIES:,} entries", host=sftp.host
                )
        found += _with_targets(sftp, top, new)
        level = [each.path for each in new if each.kind is Kind.DIRECTORY]
    raise TransferFailed(
        f"can't list {shown(top)}: over {MOST_LEVELS:,} directories in each other", host=sftp.host
    )


def names_below(sftp: SFTP, top: bytes, names: Iterable[bytes]) -> list[Entry]:
    """Those of the names that exist."""
    asked = list(names)
    told = sftp.stream(operations.found(joined(top, name)) for name in asked)
    found = [
        entry_of(name, each) for name, each in zip(asked, told, strict=True) if each is not None
    ]
    return list(_with_targets(sftp, top, found))


def _listings(sftp: SFTP, top: bytes, level: Sequence[bytes]) -> Iterator[list[Name] | None]:
    return sftp.stream(_there(operations.listdir(joined(top, each))) for each in level)


def _there(operation: Operation[list[Name]]) -> Operation[list[Name] | None]:
    """What vanishes meanwhile is no failure."""
    try:
        return (yield from operation)
    except Refused as error:
        if error.absent:
            return None
        raise


def _entries(directory: bytes, names: Iterable[Name]) -> Iterator[Entry]:
    unique = {each.name: each for each in names}
    for name in sorted(unique):
        path = directory + b"/" + name if directory else name
        yield entry_of(path, unique[name].attributes, _LETTERS.get(unique[name].long[:1]))


def _with_targets(sftp: SFTP, top: bytes, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The same entries, links with what they say; a link that has gone is left out."""
    links = (each.path for each in entries if each.kind is Kind.LINK)
    targets = sftp.stream(_target(joined(top, path)) for path in links)
    for each in entries:
        if each.kind is not Kind.LINK:
            yield each
        elif (target := next(targets)) is not None:
            yield Entry(each.path, each.kind, each.mode, 0, each.mtime, each.uid, each.gid, target)


def _target(path: bytes) -> Operation[bytes | None]:
    try:
        return (yield from operations.readlink(path))
    except Refused as error:
        if error.absent:
            return None
        raise
