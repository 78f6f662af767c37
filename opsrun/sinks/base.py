"""What every sink stands on: where bytes go, and what the operator asked to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opsrun.events import Event

PENDING_LIMIT = 64 * 1024
"""Bytes that wait in memory before they are written without waiting for `Sink.flush`."""


class Writer(Protocol):
    """Takes finished bytes to a reader, whole and in order."""

    def write(self, data: bytes) -> None:
        """Take all of ``data``.

        Raises:
            SinkClosed: the reader has gone away.
        """


class BytesWriter:
    """Keeps what was written, for tests and for outputs that are wanted as a value."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.writes = 0

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        self.writes += 1
        self.data += data

    def text(self) -> str:
        """All of it as text."""
        return self.data.decode()


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What the operator asked to see, and what the terminal can show."""

    verbosity: int = 0
    """-1 shows the hosts' output and failures only; 1 adds what ended well, 2 debug notices."""
    color: bool = False
    """Colour standard output."""
    color_err: bool = False
    """Colour standard error."""
    width: int | None = None
    """Columns that one-line outputs are cut to; None cuts nothing (no terminal)."""
    diff: bool = False
    """``fold``: show smaller groups as what differs from the largest."""
    custom_stats: bool = False
    """``ansible``: what set_stats left is shown at the end."""
    show_ok: bool = True
    """``ansible``: hosts on which a task ended well, and changed nothing, are named."""
    show_skipped: bool = True
    """``ansible``: hosts that skipped a task are named."""
    output_events: bool = False
    """``jsonl``: an object for each piece of output too."""


class Outlet:
    """Two writers, and what waits for them in the order in which it was rendered.

    Pieces for one writer are joined into one write. The order between the writers is kept, so that
    both may lead to one terminal. After an error nothing is written any more.
    """

    __slots__ = ("_pending", "_size", "_usable", "err_writer", "out_writer")

    def __init__(self, out: Writer, err: Writer) -> None:
        self.out_writer = out
        self.err_writer = err
        self._pending: list[tuple[Writer, list[bytes]]] = []
        self._size = 0
        self._usable = True

    def out(self, text: str) -> None:
        """Text for standard output."""
        self._add(self.out_writer, text)

    def err(self, text: str) -> None:
        """Text for standard error."""
        self._add(self.err_writer, text)

    def flush(self) -> None:
        """Write all that waits.

        Raises:
            SinkClosed: a reader has gone away; what waited is dropped.
        """
        pending, self._pending, self._size = self._pending, [], 0
        try:
            for writer, pieces in pending:
                writer.write(b"".join(pieces))
        except BaseException:
            self._usable = False
            raise

    def shut(self) -> None:
        """Write what waits, unless a write failed before, and take nothing more."""
        try:
            if self._usable:
                self.flush()
        finally:
            self._usable = False

    def _add(self, writer: Writer, text: str) -> None:
        if not self._usable or not text:
            return
        data = text.encode("utf-8", "backslashreplace")
        if not self._pending or self._pending[-1][0] is not writer:
            self._pending.append((writer, []))
        self._pending[-1][1].append(data)
        self._size += len(data)
        if self._size >= PENDING_LIMIT:
            self.flush()


class Discard:
    """A sink that shows nothing."""

    wants_output = False

    def handle(self, seq: int, event: Event) -> None:
        """Ignore the event."""

    def flush(self) -> None:
        """Nothing waits."""

    def tick(self, now: float) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is open."""
