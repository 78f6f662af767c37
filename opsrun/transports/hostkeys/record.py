"""Adding a line to a known_hosts file that others may be adding to.

One ``write`` on a descriptor opened for appending, under ``flock``. Not a new file renamed over the
old one: that would drop lines which ssh itself, knowing nothing of our lock, appends meanwhile, and
replace a symbolic link or another owner's file. Appends don't overwrite each other; the lock is for
looking, between opening and writing, whether another opsrun has added the host by now.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import stat
from collections.abc import Callable

from opsrun.transports.hostkeys.index import Stamp, stamp_of
from opsrun.transports.hostkeys.lines import hashed_field

_NAME = re.compile(r"[^\s,*?!|#@\x00-\x1f\x7f][^\s,*?!|\x00-\x1f\x7f]*\Z")
"""A name that reads back as itself, and as one name."""


def line_for(name: str, key_type: str, blob: bytes, *, hashed: bool) -> bytes:
    """The line that records a key.

    Raises:
        ValueError: ``name`` would be read as a pattern, a list or a marker.
    """
    if not _NAME.match(name):
        raise ValueError(f"{name!r} can't stand in a known_hosts file")
    field = hashed_field(name) if hashed else name
    text = f"{field} {key_type} {base64.b64encode(blob).decode()}\n"
    return text.encode("utf-8", "surrogateescape")


def append(path: str, line: bytes, still_wanted: Callable[[Stamp], bool]) -> Stamp | None:
    """Add ``line`` to the file, made with mode 0600 (its directory 0700) where it is missing.

    Args:
        path: the file.
        line: with its newline.
        still_wanted: asked under the lock, with the file's stamp, before anything is written.

    Returns:
        The stamp after the write; None if the line was no longer wanted.

    Raises:
        OSError: it can't be written; nothing of the line is left in the file.
    """
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = stamp_of(descriptor)
        if not still_wanted(before):
            return None
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        size = before[2]
        if regular and size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        _write(descriptor, line, size if regular else None)
        return stamp_of(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, line: bytes, size: int | None) -> None:
    written = os.write(descriptor, line)
    if written == len(line):
        return
    # A disk that is full takes a part; a part of a line would spoil the next one.
    if size is not None and stamp_of(descriptor)[2] == size + written:
        os.ftruncate(descriptor, size)
    raise OSError("only a part could be written")
