"""Passwords from files."""

from __future__ import annotations

import os
import stat

from opsrun.errors import UsageError
from opsrun.secret import Secret

_LONGEST = 4096
"""Bytes of a password."""


def password_of(path: str, option: str) -> Secret:
    """The first line of a file that is its owner's alone.

    A pipe will do as well (``<(pass show fleet)``).

    Args:
        path: the file; a leading ``~`` is the home directory.
        option: what asked for it, for messages.

    Raises:
        UsageError: it can't be read, others may read it, or there is no password in it.
    """
    if path == "-":
        raise UsageError(f"{option} takes a file; standard input is for the command (--stdin)")
    try:
        with open(os.path.expanduser(path), "rb") as file:
            # The file that was opened is asked, not the one that has the name by now.
            _check_private(os.fstat(file.fileno()), path, option)
            line = file.readline(_LONGEST + 1).rstrip(b"\r\n")
    except OSError as error:
        raise UsageError(f"{option}: {path}: {error.strerror}") from None
    if not line:
        raise UsageError(f"{option}: {path}: its first line is empty")
    if len(line) > _LONGEST:
        raise UsageError(f"{option}: {path}: its first line is longer than {_LONGEST} bytes")
    return Secret.noted(line.decode("utf-8", "surrogateescape"))


def _check_private(status: os.stat_result, path: str, option: str) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise UsageError(f"{option}: {path}: it is somebody else's file")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise UsageError(
            f"{option}: {path}: others may use it (mode {mode:04o}); run chmod 600 on it"
        )
