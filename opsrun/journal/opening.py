"""The journal's file: where it is, whose it is, and what is said if it can't be used."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from opsrun.errors import JournalError
from opsrun.folders import state_folder
from opsrun.journal.schema import NewerJournal, bring_up_to_date, version_of

VARIABLE = "OPSRUN_JOURNAL"
"""Environment: the file, or ``none`` for no journal."""
BUSY = 20.0
"""Seconds that another run may take for one of its commits."""
_WITHOUT = "or go on with --no-journal, and nothing is written down"


def default_path() -> Path:
    """``journal.sqlite`` in the platform's state directory; on Linux ``~/.local/state/opsrun``."""
    return state_folder() / "journal.sqlite"


def to_write(path: Path) -> sqlite3.Connection:
    """The journal, ready to be written: made if there is none, brought up to date if it is old.

    The file is 0600, and so is what SQLite puts beside it. Every commit is on the disk when it
    returns (https://www.sqlite.org/pragma.html#pragma_synchronous, WAL with FULL).

    Raises:
        JournalError: it can't be; the message says why and what to do.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _claim(path)
        connection = _connect(path, "rw")
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
        raise JournalError(_words(path, explained(error))) from error
    return connection


def to_read(path: Path) -> sqlite3.Connection:
    """The journal, to be looked at; nothing is changed by that.

    Raises:
        JournalError: there is none, or it can't be read.
    """
    if not path.exists():
        raise JournalError(f"there is no journal yet: {path} does not exist")
    try:
        connection = _connect(path, "rw" if os.access(path, os.W_OK) else "ro")
        connection.execute("PRAGMA query_only = ON")
        if version_of(connection) == 0:
            raise JournalError(f"{path} is no journal of opsrun's")
    except NewerJournal as error:
        raise JournalError(f"{path}: {error}") from error
    except sqlite3.Error as error:
        raise JournalError(f"{path} can't be read: {explained(error)}") from error
    return connection


def explained(error: sqlite3.Error) -> str:
    """What SQLite says, in an operator's words where its own are few."""
    code = getattr(error, "sqlite_errorname", "") or ""
    known = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_BUSY": f"another program holds it, for longer than {BUSY:g} s",
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


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        address, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
