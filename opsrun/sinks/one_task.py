"""A playbook of one task, shown as a command: what the task came to is the host's result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from opsrun.events import (
    CustomStats,
    ErrorInfo,
    Event,
    HandlersPending,
    Outcome,
    PlaybookStarted,
    PlayStarted,
    Result,
    RunStarted,
    Sink,
    TaskResult,
    TaskStarted,
)
from opsrun.sinks.playbook.diffs import diff_lines, entries

_LEFT_OUT = (PlaybookStarted, PlayStarted, TaskStarted, HandlersPending, CustomStats)
_UNTOLD = ("changed", "failed", "skipped", "diff", "warnings", "invocation", "exception")
_OUTPUT = ("rc", "stdout", "stderr")
_COMMAND = (*_OUTPUT, "stdout_lines", "stderr_lines", "cmd", "start", "end", "delta", "msg")


class OneTaskSink:
    """Gives another sink the events of a run of one task as those of a command.

    Args:
        inner: shows them.
        command: what is done, for the first event.
        in_words: whether ``inner`` shows text: a result without output of its own becomes lines.
        hosts: that take part.
    """

    action = "exec"

    def __init__(self, inner: Sink, command: str, hosts: tuple[str, ...], in_words: bool) -> None:
        self.wants_output = inner.wants_output
        self._inner = inner
        self._command = command
        self._hosts = hosts
        self._in_words = in_words
        self._ended: dict[str, TaskResult] = {}
        self._seq = 0

    def handle(self, seq: int, event: Event) -> None:
        """See `Sink`; what only playbooks have is left out."""
        if isinstance(event, TaskResult):
            if event.item is None and event.retries_left is None:
                self._ended[event.host] = event
            return
        if isinstance(event, _LEFT_OUT):
            return
        if isinstance(event, RunStarted):
            event = replace(event, action=self.action, command=self._command, hosts=self._hosts)
        elif isinstance(event, Result):
            event = self._of_task(event)
        self._seq += 1
        self._inner.handle(self._seq, event)

    def flush(self) -> None:
        """See `Sink`."""
        self._inner.flush()

    def tick(self, now: float) -> None:
        """See `Sink`."""
        self._inner.tick(now)

    def close(self) -> None:
        """See `Sink`."""
        self._inner.close()

    def _of_task(self, result: Result) -> Result:
        ended = self._ended.pop(result.host, None)
        if ended is None:
            return replace(result, data={})
        told = ended.result
        error = result.error
        rc = told.get("rc")
        status = rc if isinstance(rc, int) and not isinstance(rc, bool) else None
        if ended.outcome is Outcome.FAILED:
            error = _why(told, status)
        return replace(
            result,
            outcome=ended.outcome,
            rc=status,
            stdout=self._stdout(ended),
            stderr=_bytes(told.get("stderr")) if is_command(told) else b"",
            error=error,
            data={} if self._in_words else dict(told),
        )

    def _stdout(self, ended: TaskResult) -> bytes:
        told = ended.result
        own = _bytes(told.get("stdout")) if is_command(told) else b""
        if not self._in_words or not (ended.outcome.is_good or ended.outcome is Outcome.FAILED):
            return own
        lines = list(_lines(ended))
        if own and lines and not own.endswith(b"\n"):
            own += b"\n"
        return own + "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def is_command(told: Mapping[str, Any]) -> bool:
    """Whether a result is that of a program: output and exit status."""
    return "rc" in told and "stdout" in told


def _why(told: Mapping[str, Any], rc: int | None) -> ErrorInfo | None:
    """None where the exit status says it all, as with commands."""
    if is_command(told) and rc:
        return None
    return ErrorInfo("run", str(told.get("msg", "")) or "failed")


def _lines(ended: TaskResult) -> Iterator[str]:
    told = ended.result
    if ended.diff:
        for entry in entries(told):
            yield from diff_lines(entry)
    hidden = ("rc", *_UNTOLD, *(_COMMAND if is_command(told) else ()))
    for name, value in told.items():
        if name in hidden or str(name).startswith("_ansible_"):
            continue
        if name == "msg" and ended.outcome is Outcome.FAILED:
            continue
        yield from _told(str(name), value)
    for warning in told.get("warnings") or ():
        yield f"warning: {warning}"


def _told(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and "\n" not in value:
        yield f"{name}: {value}"
        return
    if isinstance(value, str):
        yield f"{name}:"
        yield from (f"  {line}" for line in value.splitlines())
        return
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if not isinstance(value, Mapping | list) or len(text) < 60:
        text = json.dumps(value, ensure_ascii=False, default=str)
    yield from f"{name}: {text}".split("\n")


def _bytes(text: Any) -> bytes:
    if text is None:
        return b""
    data = str(text).encode("utf-8", "surrogateescape")
    return data if data.endswith(b"\n") or not data else data + b"\n"
