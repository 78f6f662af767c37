"""Files that hold secrets, replaced whole; and a private place for what is edited."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping

from opsrun.errors import UsageError

_PRIVATE = 0o600
_OTHERS = 0o007
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


def replace_whole(path: str, data: bytes, *, clear: bool = False) -> None:
    """`replace_all` for one file."""
    replace_all({path: data}, clear=clear)


def replace_all(files: Mapping[str, bytes], *, clear: bool = False) -> None:
    """Put data into the places of files: into all of them, or, unless a rename fails, into none.

    A file that is there keeps its permissions and its owner; a new one is its owner's alone. A link
    stays, and what it leads to is replaced. Until the last step a new file is nobody else's.

    Args:
        files: data by path.
        clear: it is a secret in clear text: whatever others may do with a file, this they can't.

    Raises:
        UsageError: one can't be written; with those that are written already.
    """
    staged: list[tuple[str, str, str]] = []
    try:
        for path, data in files.items():
            real = os.path.realpath(path)
            staged.append((path, _staged(path, real, data, clear), real))
        _moved(staged)
    finally:
        for _, beside, _ in staged:
            with contextlib.suppress(OSError):
                os.unlink(beside)


def _moved(staged: list[tuple[str, str, str]]) -> None:
    done: list[str] = []
    for path, beside, real in staged:
        try:
            os.replace(beside, real)
        except OSError as error:
            already = f"; written already: {', '.join(done)}" if done else ""
            raise UsageError(f"{path}: {error.strerror}; it is as it was{already}") from None
        done.append(path)


def _staged(path: str, real: str, data: bytes, clear: bool) -> str:
    try:
        before = os.stat(real) if os.path.lexists(real) else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise UsageError(f"{path}: not a regular file")
        return _beside(real, data, before, clear)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; nothing was written") from None


def _beside(real: str, data: bytes, before: os.stat_result | None, clear: bool) -> str:
    # mkstemp: O_EXCL, mode 0600.
    descriptor, beside = tempfile.mkstemp(prefix=".opsrun-", dir=os.path.dirname(real))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if before is not None:
                _as_before(file.fileno(), before, clear)
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    return beside


def _as_before(descriptor: int, before: os.stat_result, clear: bool) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        # Raises where it isn't ours to give: better not done than owned by somebody else.
        os.fchown(descriptor, before.st_uid, before.st_gid)
    mode = stat.S_IMODE(before.st_mode)
    os.fchmod(descriptor, mode & ~_OTHERS if clear else mode)


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
