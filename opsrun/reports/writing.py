"""Where reports go: a file is written beside its place and renamed, and is its owner's alone."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable

from opsrun.errors import OpsrunError


def write(path: str, parts: Iterable[str]) -> None:
    """Write a report; what is at its place is replaced at once, and by the whole of it.

    The file has mode 0600, whatever was there before: it holds what hosts said. What is no regular
    file (a device, a pipe) is written to, and a symbolic link leads to what is replaced.

    Args:
        path: as the operator named it.
        parts: of the text.

    Raises:
        OpsrunError: it can't be written; what was there is there still.
    """
    try:
        real = os.path.realpath(os.path.expanduser(path))
        if os.path.isdir(real):
            raise IsADirectoryError(21, "it is a directory")
        if os.path.exists(real) and not stat.S_ISREG(os.stat(real).st_mode):
            with open(real, "w", encoding="utf-8", newline="\n") as there:
                there.writelines(parts)
            return
        _replace(real, parts)
    except OSError as error:
        raise OpsrunError(f"{path} can't be written: {error.strerror or error}") from error


def _replace(real: str, parts: Iterable[str]) -> None:
    # mkstemp: O_EXCL, mode 0600.
    descriptor, beside = tempfile.mkstemp(prefix=".opsrun-", dir=os.path.dirname(real))
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as there:
            there.writelines(parts)
            there.flush()
            os.fsync(there.fileno())
        os.replace(beside, real)
    except BaseException:
        os.unlink(beside)
        raise
