"""Files that hold secrets, replaced whole; and a private place for what is edited."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator

from opsrun.errors import UsageError

_PRIVATE = 0o600
_LARGEST = 256 * 1024 * 1024


def read_whole(path: str) -> bytes:
    """A file's bytes. Raises UsageError where it is none, or can't be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: larger than {_LARGEST} bytes")
    return data


def replace_whole(path: str, data: bytes) -> None:
    """Put ``data`` in a file's place, all of it or nothing.

    A file that is there keeps its permissions and its owner; a new one is its owner's alone. A link
    stays, and what it leads to is replaced. Until the last step the new file is nobody else's.

    Raises:
        UsageError: it can't be written; the old one is still there.
    """
    real = os.path.realpath(path)
    try:
        before = os.stat(real) if os.path.lexists(real) else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise UsageError(f"{path}: not a regular file")
        _replaced(real, data, before)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; it is as it was") from None


def _replaced(real: str, data: bytes, before: os.stat_result | None) -> None:
    # mkstemp: O_EXCL, mode 0600.
    descriptor, beside = tempfile.mkstemp(prefix=".opsrun-", dir=os.path.dirname(real))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if before is not None:
                _as_before(file.fileno(), before)
            os.fsync(file.fileno())
        os.replace(beside, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _as_before(descriptor: int, before: os.stat_result) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        # Raises where it isn't ours to give: better not done than owned by somebody else.
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """A directory that nobody else may enter, whose files are overwritten and removed at the end,
    whatever the end is.

    Overwriting helps on disks that write in place; ``TMPDIR`` on a tmpfs helps everywhere.
    """
    folder = tempfile.mkdtemp(prefix="opsrun-vault-")
    try:
        yield folder
    finally:
        _forget(folder)


def _forget(folder: str) -> None:
    # What editors leave beside the file (backups, undo) goes, too.
    for parent, _, names in os.walk(folder):
        for name in names:
            _overwrite(os.path.join(parent, name))
    shutil.rmtree(folder, ignore_errors=True)


def _overwrite(path: str) -> None:
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
        with open(path, "r+b", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))
            os.fsync(file.fileno())


def write_private(path: str, data: bytes) -> None:
    """A new file that is its owner's alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
