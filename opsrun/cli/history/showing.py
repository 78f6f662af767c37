"""Events that were kept, given to the outputs that the live commands have."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from opsrun.cli.history.columns import color_here, width_here
from opsrun.errors import UsageError
from opsrun.sinks import KINDS, PLAYBOOK_KINDS, make_sink
from opsrun.sinks.base import OutputOptions

if TYPE_CHECKING:
    from opsrun.events import Event, Sink
    from opsrun.journal.history import KnownRun

OUTPUTS = ("text", "fold", "line", "json", "jsonl", "ansible")
_FLUSH = 64
"""Events after which what was rendered is written."""


class Stream:
    """Takes finished bytes to one of our standard streams."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Write all of ``data``."""
        self._stream.write(data)
        self._stream.flush()


@dataclass(frozen=True, slots=True)
class Look:
    """How events are shown."""

    output: str | None = None
    """One of `OUTPUTS`; None for what the run's command shows by itself."""
    fold: bool = False
    diff: bool = False
    verbosity: int = 0

    def kind(self, run: KnownRun) -> str:
        """The sink's name.

        Raises:
            UsageError: a run of that kind is never shown so.
        """
        plays = is_of_plays(run)
        if (self.fold or self.diff) and not plays:
            return "fold"
        output = self.output or ("text" if plays or not run.argv else _usual(run))
        known = PLAYBOOK_KINDS if plays else KINDS
        if output not in known:
            what = "a playbook" if plays else run.action
            raise UsageError(f"a run of {what} has no output {output!r}: {', '.join(known)}")
        if output == "text" and run.action == "trust":
            return "keylist" if self.output == "text" else "keys"
        return "playbook" if plays and output == "text" else output

    def is_data(self) -> bool:
        """Whether a program reads it."""
        return self.output in ("json", "jsonl")


def is_of_plays(run: KnownRun) -> bool:
    """Whether it is shown as plays and tasks."""
    return run.action == "playbook" and not _is_one_task(run)


def show(run: KnownRun, events: Iterable[tuple[int, Event]], look: Look) -> None:
    """Show events of a run on our standard streams, as the live command would.

    Raises:
        UsageError: a run of that kind is never shown so.
    """
    sink = _sink(run, look)
    try:
        for count, (seq, event) in enumerate(events):
            sink.handle(seq, event)
            if count % _FLUSH == 0:
                sink.flush()
    finally:
        sink.close()


def _sink(run: KnownRun, look: Look) -> Sink:
    kind = look.kind(run)
    options = OutputOptions(
        verbosity=look.verbosity,
        color=color_here(1),
        color_err=color_here(2),
        width=width_here(),
        diff=look.diff,
    )
    sink = make_sink(kind, Stream(sys.stdout.buffer), Stream(sys.stderr.buffer), options)
    if not _is_one_task(run):
        return sink
    in_words = kind not in ("json", "jsonl")
    if run.argv[0] == "facts":
        from opsrun.sinks.facts import FactsSink

        return FactsSink(sink, "facts", run.hosts, in_words, (), lambda host: {})
    from opsrun.sinks.one_task import OneTaskSink

    return OneTaskSink(sink, run.command, run.hosts, in_words)


def _is_one_task(run: KnownRun) -> bool:
    return run.action == "playbook" and bool(run.argv) and run.argv[0] in ("exec", "facts")


def _usual(run: KnownRun) -> str:
    return "fold" if run.action == "playbook" else "text"
