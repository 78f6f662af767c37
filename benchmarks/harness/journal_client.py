"""``opsrun`` with its journal's commits counted: ``FILE WORDS...`` writes their number to FILE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from opsrun.cli.main import entry_point
from opsrun.journal import opening

_COUNTED: list[int] = [0]


class Counting:
    """A connection of SQLite's."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, words: str, values: Any = ()) -> Any:
        """The connection's own."""
        _COUNTED[0] += words == "COMMIT"
        return self._connection.execute(words, values)


def main() -> None:
    where = Path(sys.argv[1])
    sys.argv = ["opsrun", *sys.argv[2:]]
    real = opening.to_write
    opening.to_write = lambda path: Counting(real(path))  # type: ignore[assignment, return-value]
    try:
        entry_point()
    finally:
        where.write_text(str(_COUNTED[0]))


if __name__ == "__main__":
    main()
