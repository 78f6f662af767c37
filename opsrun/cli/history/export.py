"""``opsrun history export``: a run as JSON lines, whole and exact, and read again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TextIO

import click

from opsrun.cli.journaling import journal_to_read, reading_option
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.events import Event
    from opsrun.journal.history import KnownRun

FORMAT = 1


@click.command("export")
@click.argument("name", metavar="RUN", default="last")
@click.option("--jsonl", is_flag=True, help="An object a line; there is no other format yet.")
@reading_option
def export(name: str, jsonl: bool, journal: str | None) -> None:
    """Print RUN (default: last) as JSON lines: first the run, then each event as it was.

    `opsrun history replay FILE` shows such a file; `replay RUN -o jsonl` gives the events as the
    live commands do.
    """
    from opsrun.journal.history import History

    with History(journal_to_read(journal)) as history:
        run = history.find(name)
        for line in lines(run, history.events(run)):
            click.echo(line)


def lines(run: KnownRun, events: Iterable[tuple[int, Event]]) -> Iterator[str]:
    """A run, exported."""
    from opsrun.journal.codec import to_record, to_text

    about = {each.name: getattr(run, each.name) for each in fields(run)}
    yield to_text({"type": "export", "format": FORMAT, "run": about})
    for seq, event in events:
        yield to_text({"type": event.type, "seq": seq, "event": to_record(event)})


def read(path: str) -> tuple[KnownRun, Iterator[tuple[int, Event]]]:
    """A run and its events, of what `lines` gave.

    Args:
        path: of a file; - for standard input.

    Raises:
        UsageError: it is none; also while the events are read.
    """
    try:
        stream = sys.stdin if path == "-" else open(path, encoding="ascii")  # noqa: SIM115 (read on)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    try:
        return _run_of(stream.readline()), _events(path, stream)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        stream.close()
        raise UsageError(f"{path}: this is no run that was exported: {error}") from error


def _run_of(line: str) -> KnownRun:
    from opsrun.journal.codec import from_text
    from opsrun.journal.history import KnownRun
    from opsrun.results import Outcome

    found = from_text(line)
    if found["type"] != "export" or found["format"] != FORMAT:
        raise ValueError(f"expected an export of format {FORMAT}")
    values: dict[str, Any] = found["run"]
    lists = {name: tuple(values[name]) for name in ("hosts", "argv")}
    counts = {Outcome(name): count for name, count in values["counts"].items()}
    return KnownRun(**{**values, **lists, "counts": counts})


def _events(path: str, stream: TextIO) -> Iterator[tuple[int, Event]]:
    from opsrun.journal.codec import event_of, from_text

    number = 1
    with stream:
        try:
            for number, line in enumerate(stream, 2):  # noqa: B007 (told of the error)
                found = from_text(line)
                yield int(found["seq"]), event_of(found["type"], found["event"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}:{number}: this is no event: {error}") from error
