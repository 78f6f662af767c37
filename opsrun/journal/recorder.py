"""Writes a run down while it goes on: intents before commands go out, outcomes before they show.

Whoever needs something durable puts it into the batch that is open and waits for its turn to
write; the first to have it writes the whole batch in one transaction, and the others find it done.
So a thousand hosts share a commit, and one host waits for one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from opsrun import secret
from opsrun.engine.base import Engine
from opsrun.errors import Cancelled, JournalError
from opsrun.events import (
    Event,
    HandlersPending,
    Output,
    Progress,
    Result,
    RunStarted,
    Summary,
    TaskResult,
    Waiting,
    WorkId,
)
from opsrun.journal import opening, outputs
from opsrun.journal.about import About, machine, process, user
from opsrun.journal.codec import to_record, to_text
from opsrun.journal.patience import Patience, unhurried
from opsrun.journal.redaction import Redactor
from opsrun.version import __version__

_PASSING = (Output, Progress, Waiting)
"""What is shown and not kept: a result has the output, and its end."""
_DURABLE = (Result, TaskResult, Summary, HandlersPending)

Statement = tuple[str, Sequence[Any]]
Pause = Callable[[], bool]
Row = Callable[[], list[Statement]]
"""Works out what is to be written, on the writer's thread."""


class _Batch:
    """Rows that are committed together."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.durable = False
        self.done = False


class Recorder:
    """See `opsrun.events.Journal`: one run, into one journal.

    Args:
        path: of the journal.
        about: see `About`.
        known: gives the secrets that must not be kept.
    """

    keeps = True

    def __init__(
        self,
        path: Path,
        about: About | None = None,
        known: Callable[[], Collection[str]] = secret.known,
    ) -> None:
        self._path = path
        self._about = About() if about is None else about
        self._redactor = Redactor(known)
        self._engine: Engine | None = None
        self._connection: sqlite3.Connection | None = None
        self._number = 0
        self._files = opening.Files(())
        self._seq = 0
        self._place = 0
        self._open: set[tuple[str, str]] = set()
        self._broken: JournalError | None = None
        self._batch = _Batch()
        self._closed: deque[_Batch] = deque()

    def begin(
        self,
        engine: Engine,
        event: RunStarted,
        pause: Pause = unhurried,
        ends: Pause = unhurried,
    ) -> None:
        """See `Journal.begin`."""
        self._engine, self._ends = engine, ends
        self._lock, self._turn = engine.lock(), engine.semaphore(1)
        self._writing = engine.native_lock()
        self._patience = Patience(engine.now)
        while self._connection is None:
            try:
                self._connection = engine.offload(opening.to_write, self._path)
            except opening.Held:
                self._patience.found_held()
                # Nothing is lost by that: no host was reached.
                if pause() or self._patience.is_over(False):
                    raise
        self._run = event
        self._batch.durable = True
        try:
            self.commit(pause)
        except BaseException:
            self.close()
            raise

    def intent(self, work: WorkId) -> None:
        """See `Journal.intent`.

        Raises:
            Cancelled: the journal can't be written any more: nothing may be sent.
        """
        task = "/".join(work.path[1:])
        with self._lock:
            if (work.host, task) in self._open:
                return
            self._put(self._intent_row, work, task, self._seq, time.time())
            self._batch.durable = True
        try:
            done = self._finish(lambda: self._ends() or self._patience.is_over(False))
        except JournalError as error:
            words = f"{error}; nothing was sent for this"
            raise Cancelled(words, host=work.host) from error
        if not done:
            words = "another program holds the journal; nothing was sent for this"
            raise Cancelled(words, host=work.host)
        with self._lock:
            self._open.add((work.host, task))

    def ended(self, host: str, task: str, kept: str, message: str) -> None:
        """Keep what a task's end brings about, for whoever goes on with the run.

        It is durable once the task's result is, if it is told before that.

        Args:
            host, task: whose.
            kept: ``whole``, or why ``message`` is none: ``secret``, ``cut``.
            message: see `opsrun.playbook.codec`.
        """
        with self._lock:
            self._place += 1
            self._put(self._end_row, self._place, host, task, kept, message)

    def record(self, seq: int, event: Event) -> None:
        """See `Journal.record`."""
        if isinstance(event, _PASSING):
            return
        with self._lock:
            self._seq = seq
            self._put(self._event_rows, seq, event)
            self._batch.durable |= isinstance(event, _DURABLE)
            if isinstance(event, TaskResult) and event.item is None:
                self._open.discard((event.host, event.task))

    def commit(self, pause: Pause = unhurried) -> None:
        """See `Journal.commit`."""
        begun = bool(self._number)

        def give_up() -> bool:
            hurried = pause()
            return (hurried and not begun) or self._patience.is_over(hurried)

        if not self._finish(give_up):
            raise self._break("another program holds it, and does not let go")

    def _finish(self, give_up: Pause) -> bool:
        """Have what was put in by now written; whether it is, or ``give_up`` said so before."""
        if self._broken is not None:
            raise self._broken
        if self._connection is None:
            return True
        with self._lock:
            batch = self._batch
            if not batch.durable and not self._closed:
                return True
        while not batch.done and self._broken is None:
            if self._turn.acquire(timeout=opening.LOOK):
                try:
                    self._write_out(batch)
                finally:
                    self._turn.release()
            if not batch.done and self._broken is None and give_up():
                return False
        if self._broken is not None:
            raise self._broken
        return True

    def close(self) -> None:
        """See `Journal.close`."""
        connection, self._connection = self._connection, None
        if connection is not None and self._engine is not None:
            self._engine.offload(self._end, connection)

    def _put(self, make: Callable[..., list[Statement]], *args: Any) -> None:
        self._batch.rows.append(lambda: make(*args))

    def _write_out(self, batch: _Batch) -> None:
        """Have our turn to write: this batch, and what stands before it."""
        if batch.done or self._engine is None:
            return
        with self._lock:
            if self._batch is batch:
                self._closed.append(batch)
                self._batch = _Batch()
        try:
            self._engine.offload(self._write)
        except sqlite3.Error as error:
            if opening.is_held(error):
                self._patience.found_held()
            else:
                self._break(opening.explained(error))
        except Exception as error:
            # Whatever it is: what can't be written down must stop the run in good order.
            self._break(str(error) or type(error).__name__)
        else:
            self._patience.found_free()

    def _break(self, why: str) -> JournalError:
        words = f"the journal can't be written: {self._path}: {why}"
        self._broken = self._broken or JournalError(words)
        return self._broken

    def _write(self) -> None:
        """On a thread of its own: every batch that is closed, in order."""
        with self._writing:
            while self._closed and self._connection is not None:
                self._transact(self._connection, self._closed[0])
                self._closed.popleft().done = True

    def _transact(self, connection: sqlite3.Connection, batch: _Batch) -> None:
        if missing := self._files.missing():
            raise JournalError(f"{missing} was removed or replaced while the run went on")
        # Before the lock is taken: others may want to write, too.
        statements = [statement for row in batch.rows for statement in row()]
        connection.execute("BEGIN IMMEDIATE")
        try:
            number = self._number or self._insert_run(connection)
            for words, values in _together(statements):
                connection.executemany(words, values)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if not self._number:
            self._number, self._files = number, opening.Files.of(self._path)

    def _end(self, connection: sqlite3.Connection) -> None:
        with self._writing:
            connection.close()

    def _insert_run(self, connection: sqlite3.Connection) -> int:
        about, event, clean = self._about, self._run, self._redactor.text
        row = {
            "id": event.run,
            "action": event.action,
            "command": self._redactor.words(event.command),
            "hosts": clean(json.dumps(list(event.hosts))),
            "started": event.started,
            "who": user(),
            "machine": machine(),
            "cwd": _cwd(),
            "argv": clean(json.dumps([str(word) for word in about.argv])),
            "process": process(),
            "version": __version__,
            "parent": about.parent or None,
            "about": clean(to_text(about.more)),
        }
        marks = ", ".join("?" * len(row))
        text = f"INSERT INTO runs ({', '.join(row)}) VALUES ({marks})"
        return int(connection.execute(text, tuple(row.values())).lastrowid or 0)

    def _intent_row(self, work: WorkId, task: str, seq: int, at: float) -> list[Statement]:
        clean = self._redactor.words
        values = (self._number, clean(work.host), clean(str(work)), task, seq, at)
        names = "run, host, work, task, after, at"
        return [(f"INSERT INTO intents ({names}) VALUES (?, ?, ?, ?, ?, ?)", values)]

    def _end_row(
        self, place: int, host: str, task: str, kept: str, message: str
    ) -> list[Statement]:
        data = None
        if kept == "whole":
            if self._redactor.text(message) != message:
                kept = "secret"
            elif len(message) > outputs.CAP:
                kept = "cut"
            else:
                data = zlib.compress(message.encode("ascii"), 1)
        values = (self._number, place, host, task, kept, data)
        names = "run, place, host, task, kept, message"
        return [(f"INSERT INTO ends ({names}) VALUES (?, ?, ?, ?, ?, ?)", values)]

    def _event_rows(self, seq: int, event: Event) -> list[Statement]:
        record, large = outputs.taken_apart(to_record(event), self._redactor)
        rows: list[Statement] = []
        for each in large:
            rows += self._output_rows(each)
        body = self._redactor.text(to_text(record))
        host = getattr(event, "host", "")
        values = (
            self._number,
            seq,
            event.type,
            self._redactor.words(host) if host else None,
            getattr(event, "task", None),
            str(event.outcome) if isinstance(event, (Result, TaskResult)) else None,
            getattr(event, "duration", None),
            body,
        )
        names = "run, seq, type, host, task, outcome, duration, body"
        rows.append((f"INSERT INTO events ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values))
        if isinstance(event, Summary):
            rows.append(self._summary_row(event))
        return rows

    def _output_rows(self, output: outputs.Output) -> list[Statement]:
        keep = "INSERT OR IGNORE INTO outputs (hash, size, data) VALUES (?, ?, ?)"
        use = "INSERT OR IGNORE INTO uses (run, hash) VALUES (?, ?)"
        return [
            (keep, (output.hash, output.size, output.data)),
            (use, (self._number, output.hash)),
        ]

    def _summary_row(self, event: Summary) -> Statement:
        counts = {str(outcome): count for outcome, count in event.counts.items()}
        ended = (time.time(), event.duration, event.exit_status, int(event.interrupted))
        values = (*ended, json.dumps(counts), self._number)
        names = "ended = ?, duration = ?, exit_status = ?, interrupted = ?, counts = ?"
        return f"UPDATE runs SET {names} WHERE number = ?", values


def _together(statements: list[Statement]) -> Iterable[tuple[str, list[Sequence[Any]]]]:
    """The values of each statement; no table's rows wait for another's within a transaction."""
    found: dict[str, list[Sequence[Any]]] = {}
    for words, values in statements:
        found.setdefault(words, []).append(values)
    return found.items()


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""
