"""``opsrun`` as a program that can be made to die: ``PIDFILE POINT WORDS...``.

POINT is empty, or ``before:BEGINNING:NUMBER`` or ``after:BEGINNING:NUMBER``: the process kills
itself around the statement of that number, counted from 1, among those to its journal that begin
so; ``half`` instead of these, once the first row of several is in. Nothing in opsrun knows of it:
the connection that the journal's writer gets is wrapped here.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from opsrun.cli.main import entry_point
from opsrun.journal import opening


class Dying:
    """A connection of SQLite's during which the process ends."""

    def __init__(self, connection: sqlite3.Connection, point: str) -> None:
        self._connection = connection
        self._when, self._beginning, number = point.split(":")
        self._left = int(number)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, words: str, values: Any = ()) -> Any:
        due = self._is_due(words)
        if due and self._when in ("before", "half"):
            die()
        done = self._connection.execute(words, values)
        if due:
            die()
        return done

    def executemany(self, words: str, rows: Any) -> Any:
        due = self._is_due(words)
        if due and self._when == "before":
            die()
        if due and self._when == "half":
            self._connection.executemany(words, rows[: (len(rows) + 1) // 2])
            die()
        done = self._connection.executemany(words, rows)
        if due:
            die()
        return done

    def _is_due(self, words: str) -> bool:
        if not words.startswith(self._beginning):
            return False
        self._left -= 1
        return self._left == 0


def die() -> None:
    """At once, as by the kernel."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    Path(sys.argv[1]).write_text(str(os.getpid()))
    point = sys.argv[2]
    if point:
        real = opening.to_write

        def to_write(path: Path) -> Any:
            return Dying(real(path), point)

        opening.to_write = to_write
    sys.argv = ["opsrun", *sys.argv[3:]]
    entry_point()


if __name__ == "__main__":
    main()
