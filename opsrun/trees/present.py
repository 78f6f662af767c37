"""What there is here already, under names that a host may fill."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from opsrun.trees.below import DIRECTORY, directory_below, split
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import refused
from opsrun.trees.got import Rules
from opsrun.trees.plan import Pair
from opsrun.trees.walk import entry_of, kind_of

_CHUNK = 1024 * 1024


def present(base: bytes, wanted: Iterable[Entry]) -> list[Entry]:
    """Those of the paths that exist below a directory, over no link.

    Raises:
        PlaceError: one can't be looked at.
    """
    found = []
    try:
        top = os.open(base, DIRECTORY & ~os.O_NOFOLLOW)
    except OSError:
        return []
    try:
        for path in (entry.path for entry in wanted):
            with suppress(FileNotFoundError, NotADirectoryError):
                found.append(_entry(top, path))
    except OSError as error:
        raise refused("look at", path, error) from error
    finally:
        os.close(top)
    return found


def _entry(top: int, path: bytes) -> Entry:
    above, name = split(path)
    with directory_below(top, above) as directory:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        is_link = kind_of(status.st_mode) is Kind.LINK
        target = os.readlink(name, dir_fd=directory) if is_link else b""
    return entry_of(path, status, target)


def digests_below(base: bytes, paths: Sequence[bytes]) -> dict[bytes, str]:
    """SHA-256 of files below a directory; of those that can be read."""
    found = {}
    with _top(base) as top:
        for path in paths:
            with suppress(OSError), _opened(top, path) as descriptor:
                found[path] = _digest(descriptor)
    return found


def _digest(descriptor: int) -> str:
    hashed = hashlib.sha256()
    while chunk := os.read(descriptor, _CHUNK):
        hashed.update(chunk)
    return hashed.hexdigest()


def set_below(base: bytes, pairs: Sequence[Pair], rules: Rules) -> None:
    """Give what is there the modes and times of its source, innermost first.

    Raises:
        PlaceError: the system refuses.
    """
    innermost = sorted(pairs, key=lambda pair: pair.source.path.count(b"/"), reverse=True)
    with _top(base) as top:
        for source in (pair.source for pair in innermost):
            try:
                _set(top, source, rules)
            except OSError as error:
                raise refused("set the mode of", source.path, error) from error


def _set(top: int, source: Entry, rules: Rules) -> None:
    above, name = split(source.path)
    mtime = rules.mtime(source.mtime)
    with directory_below(top, above) as directory:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if kind_of(status.st_mode) is not source.kind:
            raise OSError(errno.ESTALE, f"it is no {source.kind} any more")
        os.chmod(name, rules.mode(source.mode), dir_fd=directory)
        if mtime is not None:
            os.utime(name, ns=(mtime, mtime), dir_fd=directory, follow_symlinks=False)


@contextmanager
def _top(base: bytes) -> Iterator[int]:
    """The directory that everything is below; it may be a link."""
    try:
        top = os.open(base, DIRECTORY & ~os.O_NOFOLLOW)
    except OSError as error:
        raise refused("look at", base, error) from error
    try:
        yield top
    finally:
        os.close(top)


@contextmanager
def _opened(top: int, path: bytes) -> Iterator[int]:
    """A file below it, reached over no link; what has become a fifo is not waited for."""
    above, name = split(path)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with directory_below(top, above) as directory:
        descriptor = os.open(name, flags, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
