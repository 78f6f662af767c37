"""``-o line``: one line a host, as hosts end: ``web01 | ok | rc=0 | first line (+12 lines)``."""

from __future__ import annotations

from itertools import islice

from opsrun.events import Outcome, Result, RunStarted
from opsrun.sinks.base import OutputOptions, Writer
from opsrun.sinks.cells import cut, pad, width
from opsrun.sinks.lines import Line, lines_of
from opsrun.sinks.problems import last_lines, reason
from opsrun.sinks.style import describe, host_style, outcome_word, paint
from opsrun.sinks.terminal import TerminalSink
from opsrun.sinks.transfers import body, is_transfer
from opsrun.views.sanitise import sanitise_line

MAX_NAME = 40
"""Columns to which names are aligned."""
_OUTCOME_COLUMNS = max(len(outcome) for outcome in Outcome)
_STATUS_COLUMNS = len("rc=255")
_LEAST_TEXT = 20


class LineSink(TerminalSink):
    """One line a host; see the module."""

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        super().__init__(out, err, options)
        self._name_width = 0

    def _started(self, event: RunStarted) -> None:
        super()._started(event)
        widths = (width(sanitise_line(host)) for host in event.hosts)
        self._name_width = max((w for w in widths if w <= MAX_NAME), default=0)

    def _result(self, result: Result) -> None:
        color = self._options.color
        name, status = sanitise_line(result.host), _status(result)
        gap = " " * (self._name_width - width(name))
        word_gap = " " * (_OUTCOME_COLUMNS - len(result.outcome))
        head = f"{paint(name, host_style(result.host), color)}{gap} | "
        head += f"{outcome_word(result.outcome, color)}{word_gap} | {pad(status, _STATUS_COLUMNS)}"
        columns = max(self._name_width, width(name)) + _OUTCOME_COLUMNS + 9
        columns += max(_STATUS_COLUMNS, width(status))
        text = self._fit(_gist(result), _more(result), columns)
        self._outlet.out((f"{head} | {text}" if text else head.rstrip()) + "\n")

    def _fit(self, text: str, more: str, used: int) -> str:
        if self._options.width is None:
            return text + more
        room = self._options.width - used - width(more)
        return cut(text, max(room, _LEAST_TEXT)) + more


def _status(result: Result) -> str:
    if result.signal:
        return sanitise_line(f"SIG{result.signal}")
    return "-" if result.rc is None else f"rc={result.rc}"


def _gist(result: Result) -> str:
    """The one line that tells most: why it failed, the output, or what was said on stderr."""
    if result.error:
        return sanitise_line(reason(result))
    first = next((line for line in map(_text, islice(lines_of(result.stdout), 50)) if line), "")
    if not first and is_transfer(result):
        return body(result, 0).decode().splitlines()[-1]
    if first or result.data:
        return first or describe(result.data)
    said = last_lines(result.stderr, 1)
    return f"stderr: {said[0]}" if said else ""


def _text(line: Line) -> str:
    return line.text().strip()


def _more(result: Result) -> str:
    """``(+12 lines)``: what there is on standard output beside the line that is shown."""
    lines = result.stdout.count(b"\n") + (not result.stdout.endswith(b"\n"))
    shown = 0 if result.error else 1
    hidden = (lines if result.stdout else 0) - shown
    words = [f"+{hidden} line{'s' if hidden > 1 else ''}"] if hidden > 0 else []
    words += ["truncated"] if result.truncated else []
    return f" ({', '.join(words)})" if words else ""
