"""Directories below an open one, opened part by part so that no link leads elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_below(top: int, path: bytes) -> int:
    """A descriptor of a directory.

    Args:
        top: descriptor of the directory that ``path`` is below.
        path: as in `Entry`; ``b""`` is the top itself.

    Raises:
        OSError: part of it isn't there, or is a link or a file.
    """
    current = os.dup(top)
    for part in path.split(b"/") if path else ():
        try:
            below = os.open(part, DIRECTORY, dir_fd=current)
        finally:
            os.close(current)
        current = below
    return current


@contextmanager
def directory_below(top: int, path: bytes) -> Iterator[int]:
    """As `open_below`, closed at the end."""
    descriptor = open_below(top, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_ours(top: int, path: bytes) -> int:
    """As `open_below`, at once: for directories that nobody else could put a link into.

    Raises:
        OSError: it isn't there, or is no directory.
    """
    return os.open(path or b".", DIRECTORY, dir_fd=top)


def split(path: bytes) -> tuple[bytes, bytes]:
    """The path of the directory that an entry is in, and its name there."""
    above, _, name = path.rpartition(b"/")
    return above, name


def joined(above: bytes, name: bytes) -> bytes:
    """The other way round."""
    return above + b"/" + name if above else name


def remove_below(top: int, name: bytes) -> None:
    """Remove a directory and all that is in it, however deep. Links are not followed.

    It has to be one that nobody else can write to.

    Raises:
        OSError: something can't be removed.
    """
    pending = [name]
    while pending:
        path = pending[-1]
        found = _empty(top, path)
        if found:
            pending.extend(joined(path, below) for below in found)
            continue
        os.rmdir(path, dir_fd=top)
        pending.pop()


def _empty(top: int, path: bytes) -> list[bytes]:
    """Remove the files of a directory; the names of the directories in it are left."""
    descriptor = open_ours(top, path)
    try:
        with os.scandir(descriptor) as entries:
            found = [
                (os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries
            ]
        for below, is_directory in found:
            if not is_directory:
                os.unlink(below, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    return [below for below, is_directory in found if is_directory]
