"""How one result is put: as a row of a table, as a ``repr``, as an error's message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from opsrun.views.sanitise import sanitise_line
from opsrun.views.table import Row, Table, excerpt, table

_GLIMPSE = 60
"""Characters of an output in a ``repr``."""

COLUMNS = ("host", "outcome", "status", "seconds", "output")


class _Why(Protocol):
    @property
    def phase(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def hint(self) -> str: ...


class Viewed(Protocol):
    """What is looked at of a `opsrun.events.Result`."""

    @property
    def host(self) -> str: ...

    @property
    def outcome(self) -> str: ...

    @property
    def ok(self) -> bool: ...

    @property
    def rc(self) -> int | None: ...

    @property
    def signal(self) -> str | None: ...

    @property
    def duration(self) -> float: ...

    @property
    def error(self) -> _Why | None: ...

    @property
    def out(self) -> str: ...

    @property
    def err(self) -> str: ...


def result_table(title: str, results: Iterable[Viewed]) -> Table:
    """A row for each result."""
    return table(title, COLUMNS, map(_row, results))


def _row(result: Viewed) -> Row:
    cells = (
        result.host,
        str(result.outcome),
        _status(result),
        f"{result.duration:.2f}",
        _output(result),
    )
    return Row(cells, result.ok)


def _status(result: Viewed) -> str:
    if result.signal is not None:
        return f"SIG{result.signal}"
    return "" if result.rc is None else str(result.rc)


def _output(result: Viewed) -> str:
    why = result.error
    said = excerpt(result.out) if result.ok else excerpt(result.err) or excerpt(result.out)
    told = f"{why.phase}: {why.message}" if why is not None else ""
    return "\n".join(filter(None, (told, said)))


def ending(result: Viewed) -> str:
    """How a command ended, and the last line that it said of it: ``exit status 2: no such file``.

    Fit for a terminal: it becomes an error's message.
    """
    if result.signal is not None:
        how = f"killed by SIG{result.signal}"
    elif result.rc is not None:
        how = f"exit status {result.rc}"
    else:
        how = str(result.outcome)
    said = result.err.strip() or result.out.strip()
    last = sanitise_line(said.splitlines()[-1].strip()) if said else ""
    return f"{how}: {last}" if last else how


def glimpse(result: Viewed) -> str:
    """A ``repr`` that stays short, whatever the host has said."""
    words = [f"{result.host}: {result.outcome}"]
    if status := _status(result):
        words.append(status if result.signal else f"rc {status}")
    words.append(f"{result.duration:.2f} s")
    if result.error is not None:
        words.append(f"{result.error.phase}: {_short(result.error.message)}")
    words += [f"{name} {_short(text)}" for name, text in _texts(result) if text]
    return f"<Result {', '.join(words)}>"


def _texts(result: Viewed) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("out", result.out), ("err", result.err)


def _short(text: str) -> str:
    return ascii(text) if len(text) <= _GLIMPSE else f"{text[:_GLIMPSE]!a}…"
