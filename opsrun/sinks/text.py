"""``-o text``: every line as it comes, behind the name of its host.

The mark between name and line tells where the line is from: ``|`` standard output, ``!`` standard
error, ``+`` the same line goes on (it was longer than 64 KiB), ``x`` the host did not end well,
``.`` it did (said at ``-v``).
Nothing that a host writes can begin a line, so no host can pretend to be another one.
"""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.events import Output, Result, RunStarted, StreamName
from opsrun.sinks.base import OutputOptions, Writer
from opsrun.sinks.cells import width
from opsrun.sinks.lines import LIMIT, Line, LineBuffer
from opsrun.sinks.problems import ended
from opsrun.sinks.style import DIM, RED, YELLOW, describe, duration, host_style, outcome_word, paint
from opsrun.sinks.terminal import TerminalSink
from opsrun.sinks.transfers import body, is_transfer
from opsrun.views.sanitise import decode, sanitise_line

_MARKS: dict[StreamName, str] = {"stdout": "|", "stderr": "!"}
MAX_PREFIX = 40
"""Columns to which names are aligned; longer ones stand out and are never cut."""


class TextSink(TerminalSink):
    """Streams the hosts' lines; see the module."""

    wants_output = True
    reads_results = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        super().__init__(out, err, options)
        self._buffers: dict[tuple[str, StreamName], LineBuffer] = {}
        self._prefix_width = 0

    def _started(self, event: RunStarted) -> None:
        super()._started(event)
        widths = (width(sanitise_line(host)) for host in event.hosts)
        self._prefix_width = max((w for w in widths if w <= MAX_PREFIX), default=0)

    def _output(self, event: Output) -> None:
        self._feed(event.host, event.stream, event.data)

    def _result(self, result: Result) -> None:
        host = result.host
        self._drain(host, "stdout", result.stdout)
        self._drain(host, "stderr", result.stderr)
        if is_transfer(result):
            self._feed(host, "stdout", body(result, self._options.verbosity))
            self._drain(host, "stdout", b"")
        # What a command's result has beside its output was told in notices.
        elif result.data and result.outcome.is_good and self._action != "exec":
            self._write("stdout", f"{self._prefix(host, 'stdout', '|')}{describe(result.data)}\n")
        if result.outcome.is_good:
            self._say_good(result)
        elif self._options.verbosity >= 0 and len(self._hosts) != 1:
            self._mark(host, "x", ended(result, self._options.color_err))

    def _finish(self) -> None:
        for host, stream in list(self._buffers):
            self._drain(host, stream, b"")

    def _feed(self, host: str, stream: StreamName, data: bytes) -> None:
        buffer = self._buffers.get((host, stream))
        if buffer is None:
            buffer = self._buffers[host, stream] = LineBuffer()
        if buffer.holds_part():
            first = data.find(b"\n") + 1 or len(data)
            self._lines(host, stream, buffer.feed(data[:first]))
            data = data[first:]
        end = data.rfind(b"\n") + 1
        whole = data[:end].replace(b"\r\n", b"\n")
        if 0 < len(whole) <= LIMIT and b"\r" not in whole:
            self._whole_lines(host, stream, whole)
            data = data[end:]
        self._lines(host, stream, buffer.feed(data))

    def _drain(self, host: str, stream: StreamName, kept: bytes) -> None:
        """The stream is over; ``kept`` stands in where its output never came as events."""
        if (host, stream) not in self._buffers and kept:
            self._feed(host, stream, kept)
        buffer = self._buffers.pop((host, stream), None)
        last = buffer.end() if buffer is not None else None
        if last:
            self._lines(host, stream, [last])

    def _whole_lines(self, host: str, stream: StreamName, data: bytes) -> None:
        """The usual case, all lines in one go: none too long, none overwritten."""
        prefix = self._prefix(host, stream, _MARKS[stream])
        text = decode(data).removesuffix("\n")
        self._write(stream, prefix + text.replace("\n", f"\n{prefix}") + "\n")

    def _lines(self, host: str, stream: StreamName, lines: Iterable[Line]) -> None:
        usual, going_on = (self._prefix(host, stream, mark) for mark in (_MARKS[stream], "+"))
        for line in lines:
            self._write(stream, f"{going_on if line.continues else usual}{line.text()}\n")

    def _write(self, stream: StreamName, text: str) -> None:
        (self._outlet.out if stream == "stdout" else self._outlet.err)(text)

    def _say_good(self, result: Result) -> None:
        if self._options.verbosity >= 1:
            word = outcome_word(result.outcome, self._options.color_err)
            self._mark(result.host, ".", f"{word}, {duration(result.duration)}")

    def _mark(self, host: str, mark: str, text: str) -> None:
        self._say(f"{self._prefix(host, 'stderr', mark)}{text}")

    def _prefix(self, host: str, stream: StreamName, mark: str) -> str:
        color = self._options.color if stream == "stdout" else self._options.color_err
        name = sanitise_line(host)
        gap = " " * (max(self._prefix_width - width(name), 0) + 1)
        style = DIM if mark in "|." else RED if mark in "!x" else YELLOW
        return f"{paint(name, host_style(host), color)}{gap}{paint(mark, style, color)} "
