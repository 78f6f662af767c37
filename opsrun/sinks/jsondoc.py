"""``-o json``: one document for the whole run, on standard output."""

from __future__ import annotations

from typing import Any

from opsrun.events import (
    SCHEMA_VERSION,
    CustomStats,
    Event,
    HandlersPending,
    Notice,
    PlaybookStarted,
    PlayStarted,
    Result,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
)
from opsrun.sinks.base import Outlet, OutputOptions, Writer
from opsrun.sinks.encode import encode
from opsrun.sinks.messages import notice_line, shows_notice

_OF_PLAYBOOKS = (
    *(PlaybookStarted, PlayStarted, TaskStarted, TaskResult, HandlersPending, CustomStats),
)


class JsonSink:
    """``{"schema": 1, "run": …, "results": […], "notices": […], "summary": …}``.

    Of playbooks there is ``"events": […]`` before the results: what plays and tasks came to, in
    order and with their types.

    Results go out as they come, one a line, and are not kept; the document is whole once the run
    is over, also where it broke off (``summary`` is null then). Notices are said on standard error
    too; the document holds the warnings and errors.
    """

    wants_output = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        self._options = options
        self._outlet = Outlet(out, err)
        self._run: dict[str, Any] | None = None
        self._summary: dict[str, Any] | None = None
        self._notices: list[dict[str, Any]] = []
        self._begun = self._results = self._closed = self._events = False

    def handle(self, seq: int, event: Event) -> None:
        """Fold one event in."""
        if self._closed:
            return
        if isinstance(event, RunStarted):
            self._run = _without(event.to_dict(), "type", "schema")
        elif isinstance(event, _OF_PLAYBOOKS):
            self._event(event.to_dict())
        elif isinstance(event, Result):
            self._result(event)
        elif isinstance(event, Summary):
            self._summary = _without(event.to_dict(), "type", "run")
        elif isinstance(event, Notice):
            self._notice(event)

    def flush(self) -> None:
        """Write what was rendered."""
        self._outlet.flush()

    def tick(self, now: float) -> None:
        """Nothing happens while nothing happens."""

    def close(self) -> None:
        """Complete the document; later calls do nothing."""
        if self._closed:
            return
        self._closed = True
        self._begin()
        tail = f'],"notices":{encode(self._notices)},"summary":{encode(self._summary)}}}\n'
        self._outlet.out("\n" + tail if self._results else tail)
        self._outlet.shut()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._outlet.out("\n]" if self._events else self._head())
            self._outlet.out(',"results":[')

    def _head(self) -> str:
        return f'{{"schema":{SCHEMA_VERSION},"run":{encode(self._run)}'

    def _event(self, fields: dict[str, Any]) -> None:
        if self._begun:
            # Hosts have ended: nothing of a play comes behind that.
            return
        self._outlet.out(",\n" if self._events else self._head() + ',"events":[\n')
        self._events = True
        self._outlet.out(encode(fields))

    def _result(self, result: Result) -> None:
        self._begin()
        self._outlet.out(",\n" if self._results else "\n")
        self._results = True
        self._outlet.out(encode(_without(result.to_dict(), "type")))

    def _notice(self, notice: Notice) -> None:
        if notice.level in ("warning", "error"):
            self._notices.append(_without(notice.to_dict(), "type"))
        if shows_notice(notice, self._options.verbosity):
            self._outlet.err(notice_line(notice, self._options.color_err) + "\n")


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
