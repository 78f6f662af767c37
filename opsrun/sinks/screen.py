"""One terminal with a status line below everything else that is written to it."""

from __future__ import annotations

from opsrun.sinks.base import Writer

ERASE = b"\r\x1b[K"
"""Carriage return and EL (ECMA-48): the status line never wraps, so one line is all there is."""


class Screen:
    """Owns a terminal; others write through `out` and `err`, and the status stays below them.

    The status line is taken away before anything else is written and put back behind it in the
    same write, so it neither mixes with the output nor flickers. The cursor is never hidden:
    whatever kills the process leaves a usable terminal.

    Args:
        out: the terminal as standard output.
        err: the terminal as standard error; best the same writer, which keeps their order.
    """

    def __init__(self, out: Writer, err: Writer) -> None:
        self.out: Writer = _Above(self, out)
        self.err: Writer = self.out if err is out else _Above(self, err)
        self.question = ""
        """What somebody is asked on this terminal just now; see `LiveSink`."""
        self._terminal = err
        self._status = b""
        self._shown = False
        self._line_open = False

    def show(self, status: str) -> None:
        """Draw ``status``, one line that fits the terminal; empty takes it away."""
        self._status = status.encode("utf-8", "backslashreplace")
        if self._line_open:
            return
        erase = ERASE if self._shown else b""
        self._shown = bool(self._status)
        if erase or self._status:
            self._write(self._terminal, erase + self._status)

    def write_above(self, writer: Writer, data: bytes) -> None:
        """Write ``data`` above the status line."""
        erase = ERASE if self._shown else b""
        self._line_open = not data.endswith(b"\n")
        status = b"" if self._line_open else self._status
        self._shown = bool(status)
        if writer is self._terminal:
            self._write(writer, erase + data + status)
            return
        for target, part in ((self._terminal, erase), (writer, data), (self._terminal, status)):
            if part:
                self._write(target, part)

    def _write(self, writer: Writer, data: bytes) -> None:
        try:
            writer.write(data)
        except BaseException:
            self._status, self._shown = b"", False
            raise


class _Above:
    """A writer that goes through its screen."""

    def __init__(self, screen: Screen, writer: Writer) -> None:
        self._screen = screen
        self._writer = writer

    def write(self, data: bytes) -> None:
        self._screen.write_above(self._writer, data)
