"""What the journal knows: runs, their events, and what is not known of them."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from opsrun.errors import JournalError, did_you_mean
from opsrun.events import Event, Outcome
from opsrun.journal import opening
from opsrun.journal.about import is_alive
from opsrun.journal.codec import event_of, from_text
from opsrun.journal.outputs import put_together

State = Literal["ended", "running", "cut off"]
_LAST = re.compile(r"last(?:~(\d+))?\Z")
_COLUMNS = (
    "number, id, action, command, hosts, started, ended, duration, exit_status, interrupted, "
    "counts, who, machine, cwd, argv, process, version, parent, about"
)


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run, as the journal has it."""

    number: int
    """Counts the journal's runs; older ones have smaller ones."""
    id: str
    action: str
    command: str
    hosts: tuple[str, ...]
    started: float
    """Seconds since the epoch."""
    ended: float | None
    """The same; None where its end was never written down."""
    duration: float | None
    """Seconds."""
    exit_status: int | None
    interrupted: bool
    counts: Mapping[Outcome, int]
    """Of hosts; empty until it has ended."""
    who: str
    machine: str
    """Where it was run from."""
    cwd: str
    argv: tuple[str, ...]
    """The command line without the program's name; empty where a script ran it."""
    process: str
    """See `opsrun.journal.about.process`."""
    version: str
    """Of opsrun."""
    parent: str
    """Id of the run that this one repeats or goes on with; empty if none."""
    about: Mapping[str, Any]

    @property
    def state(self) -> State:
        """``cut off``: it has not ended, and the process that did it is gone, or can't be seen."""
        if self.ended is not None:
            return "ended"
        return "running" if is_alive(self.process, self.machine) else "cut off"


@dataclass(frozen=True, slots=True)
class KeptEnd:
    """A task's end on a host, for who goes on with the run."""

    host: str
    task: str
    kept: str
    """``whole``, or why there is no message: ``secret``, ``cut``."""
    message: str
    """See `opsrun.playbook.codec`; empty where it was not kept."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something was about to be sent, and how it ended was never written down."""

    host: str
    task: str
    """Id; empty for a run that is no playbook's."""
    work: str
    at: float
    """Seconds since the epoch, when it was about to be sent."""


class History:
    """A journal, to be read. Close it, or use it in a ``with`` block.

    Raises:
        JournalError: there is none, or it can't be read; so do all methods.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = opening.to_read(path)

    def __enter__(self) -> History:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def runs(self, where: str = "", values: Sequence[Any] = (), most: int = -1) -> list[KnownRun]:
        """Runs, the newest first.

        Args:
            where: a condition in SQL over the columns of ``runs``; never a user's own words.
            values: of its question marks.
            most: so many; -1 for all.
        """
        condition = f"WHERE {where}" if where else ""
        text = f"SELECT {_COLUMNS} FROM runs {condition} ORDER BY number DESC LIMIT ?"
        return self._runs(text, (*values, most))

    def find(self, name: str) -> KnownRun:
        """The run that ``name`` means: an id, the beginning of one, ``last``, ``last~2``.

        Raises:
            JournalError: none, or several.
        """
        if match := _LAST.match(name):
            text = f"SELECT {_COLUMNS} FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?"
            if runs := self._runs(text, (int(match[1] or 0),)):
                return runs[0]
            [(count,)] = self._rows("SELECT count(*) FROM runs", ())
            raise JournalError(f"no run {name!r}: the journal has {count}")
        if not re.fullmatch(r"[0-9A-Za-z_-]+", name):
            raise JournalError(f"no run {name!r}: expected an id, its beginning, last or last~2")
        text = f"SELECT {_COLUMNS} FROM runs WHERE id >= ? AND id < ? ORDER BY number DESC LIMIT 9"
        runs = self._runs(text, (name, name + "{"))
        found = [run for run in runs if run.id.startswith(name)]
        exact = [run for run in found if run.id == name]
        if len(found) == 1 or exact:
            return (exact or found)[0]
        if found:
            raise JournalError(f"{name!r} begins several runs: {', '.join(r.id for r in found)}")
        ids = [id for (id,) in self._rows("SELECT id FROM runs", ())]
        raise JournalError(f"no run {name!r}{did_you_mean(name, ids)}")

    def events(
        self,
        run: KnownRun,
        types: Sequence[str] = (),
        where: str = "",
        values: Sequence[Any] = (),
    ) -> Iterator[tuple[int, Event]]:
        """The events of a run, numbered as they were; of some types alone, if they are named.

        Args:
            run: which.
            types: of the events.
            where: a further condition over the columns of ``events``, as in `runs`.
            values: of its question marks.
        """
        condition = f"AND type IN ({', '.join('?' * len(types))})" if types else ""
        condition += f" AND ({where})" if where else ""
        text = f"SELECT seq, type, body FROM events WHERE run = ? {condition} ORDER BY seq"
        for seq, kind, body in self._cursor(text, (run.number, *types, *values)):
            try:
                yield seq, event_of(kind, put_together(body, self._output))
            except (ValueError, KeyError, TypeError, zlib.error) as error:
                raise JournalError(f"{self._path}: event {seq} of {run.id}: {error}") from error

    def ends(self, run: KnownRun) -> list[KeptEnd]:
        """What was kept of tasks' ends, in the order in which they came."""
        text = "SELECT host, task, kept, message FROM ends WHERE run = ? ORDER BY place"
        with self.reading():
            return [
                KeptEnd(host, task, kept, zlib.decompress(data).decode() if data else "")
                for host, task, kept, data in self._rows(text, (run.number,))
            ]

    def unknown(self, run: KnownRun) -> list[Unknown]:
        """What may have been done on hosts, and nobody knows; the oldest first."""
        ends = (
            "SELECT host, type, task, max(seq) FROM events WHERE run = ? AND (type = 'result' OR "
            "(type = 'task_result' AND json_extract(body, '$.item') IS NULL "
            "AND json_extract(body, '$.retries_left') IS NULL)) GROUP BY host, type, task"
        )
        last: dict[tuple[str, str | None], int] = {}
        with self.reading():
            for host, kind, task, seq in self._rows(ends, (run.number,)):
                place = (host, None if kind == "result" else task)
                last[place] = max(seq, last.get(place, 0))
        text = "SELECT host, task, work, at, after FROM intents WHERE run = ? ORDER BY rowid"
        with self.reading():
            return [
                Unknown(host, task, work, at)
                for host, task, work, at, after in self._rows(text, (run.number,))
                if max(last.get((host, None), 0), last.get((host, task), 0)) <= after
            ]

    def query(self, text: str, values: Sequence[Any] = ()) -> Iterator[Sequence[Any]]:
        """Rows of a question in SQL, for what else the journal is asked.

        Args:
            text: never a user's own words.
            values: of its question marks.
        """
        return self._cursor(text, values)

    def output(self, mark: bytes) -> bytes:
        """What is kept under a hash. ValueError: nothing is."""
        return self._output(mark)

    def _output(self, mark: bytes) -> bytes:
        rows = self._rows("SELECT data FROM outputs WHERE hash = ?", (mark,))
        if not rows:
            raise ValueError(f"output {mark.hex()} is not in the journal")
        return zlib.decompress(rows[0][0])

    def _runs(self, text: str, values: Sequence[Any]) -> list[KnownRun]:
        with self.reading():
            return [_run(row) for row in self._rows(text, values)]

    def _rows(self, text: str, values: Sequence[Any]) -> list[Any]:
        return list(self._cursor(text, values))

    def _cursor(self, text: str, values: Sequence[Any]) -> Iterator[Any]:
        with self.reading():
            yield from self._connection.execute(text, values)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What the block makes of rows may make no sense: the journal is damaged then.

        Raises:
            JournalError: so it is.
        """
        try:
            yield
        except sqlite3.Error as error:
            words = f"{self._path} can't be read: {opening.explained(error)}"
            raise JournalError(words) from error
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
            raise JournalError(f"{self._path} can't be read: it is damaged ({error})") from error


def _run(row: Sequence[Any]) -> KnownRun:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    counts = json.loads(values["counts"] or "{}")
    return KnownRun(
        **values
        | {
            "hosts": tuple(json.loads(values["hosts"])),
            "argv": tuple(json.loads(values["argv"])),
            "interrupted": bool(values["interrupted"]),
            "counts": {Outcome(name): count for name, count in counts.items()},
            "parent": values["parent"] or "",
            "about": from_text(values["about"]),
        }
    )
