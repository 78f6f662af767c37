"""The journal's tables: made, brought up to date, refused if they are a later version's.

``PRAGMA user_version`` says which version a file is of. A migration is one script for each step,
run in one transaction; a file is never half of two versions.
"""

from __future__ import annotations

import sqlite3

VERSION = 1

_FIRST = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  action TEXT NOT NULL,
  command TEXT NOT NULL,
  hosts TEXT NOT NULL,
  started REAL NOT NULL,
  ended REAL,
  duration REAL,
  exit_status INTEGER,
  interrupted INTEGER,
  counts TEXT,
  who TEXT NOT NULL,
  machine TEXT NOT NULL,
  cwd TEXT NOT NULL,
  argv TEXT NOT NULL,
  process TEXT NOT NULL,
  version TEXT NOT NULL,
  parent TEXT,
  about TEXT NOT NULL
);
CREATE TABLE events (
  run INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  host TEXT,
  task TEXT,
  outcome TEXT,
  duration REAL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE intents (
  run INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
  host TEXT NOT NULL,
  work TEXT NOT NULL,
  task TEXT NOT NULL,
  after INTEGER NOT NULL,
  at REAL NOT NULL
);
CREATE INDEX intents_of_run ON intents (run, host);
CREATE TABLE ends (
  run INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  host TEXT NOT NULL,
  task TEXT NOT NULL,
  kept TEXT NOT NULL,
  message BLOB,
  PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE outputs (
  hash BLOB PRIMARY KEY,
  size INTEGER NOT NULL,
  data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE uses (
  run INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
  hash BLOB NOT NULL,
  PRIMARY KEY (run, hash)
) WITHOUT ROWID;
CREATE INDEX uses_of_output ON uses (hash);
"""

STEPS = (_FIRST,)
"""``STEPS[n]`` makes version n + 1 of version n."""


class NewerJournal(Exception):
    """The file is of a version that this program doesn't know."""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or what newer versions have more of.

    Raises:
        NewerJournal: a later opsrun has written the file.
        sqlite3.Error: it can't be read or written.
    """
    if version_of(connection) == VERSION:
        return
    # Whoever comes second waits here, and finds it done.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version_of(connection), VERSION):
            for statement in STEPS[number].split(";\n"):
                if statement.strip():
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """Of the file; 0 for an empty one.

    Raises:
        NewerJournal: above `VERSION`.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise NewerJournal(
            f"the journal is of version {found}, and this opsrun knows versions up to {VERSION}"
        )
    return found
