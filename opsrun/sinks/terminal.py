"""What the outputs for people have in common: messages as they come, failures at the end."""

from __future__ import annotations

from opsrun.events import (
    Event,
    Notice,
    Output,
    Result,
    Retry,
    RunStarted,
    Summary,
    Waiting,
)
from opsrun.sinks.base import Outlet, OutputOptions, Writer
from opsrun.sinks.messages import Waits, notice_line, retry_line, shows_notice
from opsrun.sinks.names import label
from opsrun.sinks.problems import Problems, summary_line
from opsrun.views.sanitise import sanitise_line


class TerminalSink:
    """Base of ``text``, ``fold`` and ``line``: they fill in `_output`, `_result` and `_finish`.

    The hosts' standard output goes to ``out``, everything else to ``err``.
    """

    wants_output = False
    _tails = True
    """Whether failures repeat the last lines of standard error at the end."""

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        self._options = options
        self._outlet = Outlet(out, err)
        self._problems = Problems(color=options.color_err, tails=self._tails)
        self._waits = Waits()
        self._hosts: tuple[str, ...] = ()
        self._action = ""
        self._ended = False
        self._closed = False

    def handle(self, seq: int, event: Event) -> None:
        """Render one event; nothing is written before `flush`, unless much is waiting."""
        if self._closed:
            return
        if isinstance(event, Waiting):
            self._wait(event)
            return
        self._say(*self._waits.take())
        if isinstance(event, Output):
            self._output(event)
        elif isinstance(event, Result):
            self._result(event)
            if self._repeats(event):
                self._problems.add(event)
        elif isinstance(event, Summary):
            self._end(event)
        elif isinstance(event, (RunStarted, Retry, Notice)):
            self._message(event)

    def flush(self) -> None:
        """Write what was rendered."""
        self._outlet.flush()

    def tick(self, now: float) -> None:
        """Say who is waiting, if that was held back for company."""
        if not self._closed:
            self._say(*self._waits.take())
            self._outlet.flush()

    def close(self) -> None:
        """Say what there is to say, also where the run broke off; later calls do nothing."""
        if self._closed:
            return
        self._say(*self._waits.take())
        self._end(None)
        self._closed = True
        self._outlet.shut()

    def _output(self, event: Output) -> None:
        """Bytes from a host."""

    def _result(self, result: Result) -> None:
        """The end of a host."""

    def _repeats(self, result: Result) -> bool:
        """Whether a host that did not end well is told of at the end."""
        return True

    def _finish(self) -> None:
        """No host will say anything more."""

    def _started(self, event: RunStarted) -> None:
        self._hosts = event.hosts
        self._action = event.action
        if self._options.verbosity >= 1:
            what = sanitise_line(f"run {event.run}: {event.action} {event.command}")
            self._say(f"{what}: {label(event.hosts) or 'no hosts'}")

    def _message(self, event: RunStarted | Retry | Notice) -> None:
        color = self._options.color_err
        if isinstance(event, RunStarted):
            self._started(event)
        elif isinstance(event, Retry):
            if self._options.verbosity >= 0:
                self._say(retry_line(event, color))
        elif shows_notice(event, self._options.verbosity):
            self._say(notice_line(event, color))

    def _wait(self, event: Waiting) -> None:
        if self._options.verbosity >= 0:
            self._say(*self._waits.add(event))

    def _end(self, summary: Summary | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._finish()
        self._say(*self._problems.render(summary is not None and summary.interrupted))
        if summary and self._options.verbosity >= 0:
            self._say(summary_line(summary, self._options.color_err))
            if summary.bridge is not None:
                self._say(summary.bridge.told(summary.duration))

    def _say(self, *lines: str) -> None:
        for line in lines:
            self._outlet.err(line + "\n")
