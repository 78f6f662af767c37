"""The journal's file: where it is, whose it is, and what is said if it can't be used."""

from __future__ import annotations

import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from opsrun.errors import JournalError
from opsrun.folders import state_folder
from opsrun.journal.schema import NewerJournal, bring_up_to_date, version_of

VARIABLE = "OPSRUN_JOURNAL"
"""Environment: the file, or ``none`` for no journal."""
BUSY = 20.0
"""Seconds that another run may take for one of its commits."""
LOOK = 0.1
"""Seconds of one look whether it has, in which nobody can end us."""
_WITHOUT = "or go on with --no-journal, and nothing is written down"
_HELD = ("SQLITE_BUSY", "SQLITE_PROTOCOL")


class Held(JournalError):
    """Another program writes to it just now."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a journal is made of, to be known again."""

    found: tuple[tuple[str, int, int], ...]
    """Path, device and number of each."""

    @classmethod
    def of(cls, path: Path) -> Files:
        """Those that are there; a connection that has written keeps all three."""
        names = [f"{path}{end}" for end in ("", "-wal", "-shm")]
        return cls(tuple((name, *_identity(name)) for name in names if os.path.lexists(name)))

    def missing(self) -> str:
        """The first that is gone, or another one by now; what is written would be in no journal."""
        for name, *known in self.found:
            try:
                if [*_identity(name)] != known:
                    return name
            except OSError:
                return name
        return ""


def _identity(name: str) -> tuple[int, int]:
    found = os.stat(name)
    return found.st_dev, found.st_ino


def default_path() -> Path:
    """``journal.sqlite`` in the platform's state directory; on Linux ``~/.local/state/opsrun``."""
    return state_folder() / "journal.sqlite"


def to_write(path: Path) -> sqlite3.Connection:
    """The journal, ready to be written: made if there is none, brought up to date if it is old.

    The file is 0600, and so is what SQLite puts beside it. Every commit is on the disk when it
    returns (https://www.sqlite.org/pragma.html#pragma_synchronous, WAL with FULL).

    Raises:
        Held: not just now.
        JournalError: it can't be; the message says why and what to do.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _claim(path)
        connection = _connect(path, "rw", LOOK)
    except OSError as error:
        raise JournalError(_words(path, str(error.strerror or error))) from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        bring_up_to_date(connection)
    except NewerJournal as error:
        connection.close()
        raise JournalError(f"{path}: {error}; {_WITHOUT}") from error
    except sqlite3.Error as error:
        connection.close()
        kind = Held if is_held(error) else JournalError
        raise kind(_words(path, explained(error))) from error
    return connection


def to_read(path: Path) -> sqlite3.Connection:
    """The journal, to be looked at; nothing is changed by that.

    Raises:
        JournalError: there is none, or it can't be read.
    """
    if not path.exists():
        raise JournalError(f"there is no journal yet: {path} does not exist")
    try:
        connection = _connect(path, _mode_to_read(path))
        connection.execute("PRAGMA query_only = ON")
        if version_of(connection) == 0:
            raise JournalError(f"{path} is no journal of opsrun's")
    except NewerJournal as error:
        raise JournalError(f"{path}: {error}") from error
    except sqlite3.Error as error:
        raise JournalError(f"{path} can't be read: {explained(error)}") from error
    return connection


def _mode_to_read(path: Path) -> str:
    """Readers of a journal keep a file beside it; where none can be made, all is in the one file.

    See https://www.sqlite.org/wal.html#read_only_databases.
    """
    log = path.with_name(f"{path.name}-wal")
    if not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size):
        return "ro&immutable=1"
    return "rw" if os.access(path, os.W_OK) else "ro"


def is_held(error: sqlite3.Error) -> bool:
    """Whether another program was in the way, and may be gone soon."""
    return (getattr(error, "sqlite_errorname", "") or "").startswith(_HELD)


def explained(error: sqlite3.Error) -> str:
    """What SQLite says, in an operator's words where its own are few."""
    code = getattr(error, "sqlite_errorname", "") or ""
    known = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_BUSY": "another program holds it, and does not let go",
        "SQLITE_READONLY": "it may not be written to",
        "SQLITE_CORRUPT": "it is damaged",
        "SQLITE_NOTADB": "it is no journal: it is not a database of SQLite's",
        "SQLITE_CANTOPEN": "it can't be opened",
    }
    for name, words in known.items():
        if code == name or code.startswith(f"{name}_"):
            return f"{words} ({error})"
    return str(error)


def _words(path: Path, why: str) -> str:
    what_now = f"mend that, name another with --journal, {_WITHOUT}"
    return f"the journal can't be written: {path}: {why}; {what_now}"


def _claim(path: Path) -> None:
    """Makes the file, ours alone; what others may read or write is no place for what runs did."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise JournalError(f"the journal can't be written: {path} is not a plain file")
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _connect(path: Path, mode: str, patience: float = BUSY) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        address, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
