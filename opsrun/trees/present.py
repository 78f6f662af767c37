"""What there is here already, under names that a host may fill."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

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
    for path in paths:
        with suppress(OSError), open(os.path.join(base, path), "rb", buffering=0) as file:
            hashed = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
            found[path] = hashed.hexdigest()
    return found


def set_below(base: bytes, pairs: Sequence[Pair], rules: Rules) -> None:
    """Give what is there the modes and times of its source, innermost first.

    Raises:
        PlaceError: the system refuses.
    """
    for pair in sorted(pairs, key=lambda pair: pair.source.path.count(b"/"), reverse=True):
        path = os.path.join(base, pair.source.path)
        try:
            os.chmod(path, rules.mode(pair.source.mode), follow_symlinks=True)
            mtime = rules.mtime(pair.source.mtime)
            if mtime is not None:
                os.utime(path, ns=(mtime, mtime))
        except OSError as error:
            raise refused("set the mode of", pair.source.path, error) from error
