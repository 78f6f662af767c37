"""A playbook's output for people: a heading for each play and task, results folded under it.

Failures and what begins are said at once; counts, messages, diffs and changed items when all hosts
have done the task, or another one begins. It goes to standard output; notices, retries and the
summary go to standard error. Nothing that a host writes begins a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.events import (
    CustomStats,
    Event,
    HandlersPending,
    Notice,
    PlayStarted,
    Result,
    TaskResult,
    TaskStarted,
)
from opsrun.results import Outcome
from opsrun.sinks.base import OutputOptions, Writer
from opsrun.sinks.messages import notice_line
from opsrun.sinks.names import label
from opsrun.sinks.playbook.recap import FEW, recap_lines, stats_lines
from opsrun.sinks.playbook.retries import Retries
from opsrun.sinks.playbook.tally import Look, Tally
from opsrun.sinks.playbook.wording import title
from opsrun.sinks.style import BOLD, DIM, YELLOW, paint
from opsrun.sinks.terminal import TerminalSink
from opsrun.views.sanitise import sanitise_line

_KINDS = {"handler": "handler", "gather": "facts", "include": "include", "block": "block"}


class PlaybookSink(TerminalSink):
    """See the module."""

    _tails = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        super().__init__(out, err, options)
        self._look = Look(options.verbosity, options.color)
        self._tasks: dict[str, TaskStarted] = {}
        self._open: dict[str, Tally] = {}
        self._headed = ""
        """Id of the task that the last heading is of."""
        self._apart = False
        """Hosts go through this play each at its own pace."""
        self._batch = 0
        self._plays: dict[str, str] = {}
        """Names of plays that come side by side, by what ids of their tasks begin with."""
        self._pending: dict[tuple[str, ...], list[str]] = {}
        self._recap: dict[str, Mapping[str, Any]] = {}
        self._stats: CustomStats | None = None
        self._retries = Retries(options.color_err)
        self._warnings: dict[str, dict[str, dict[str, None]]] = {}
        """Of each task that is open: what modules warn of, and on which hosts."""

    def handle(self, seq: int, event: Event) -> None:
        """Render one event; nothing is written before `flush`, unless much is waiting."""
        if self._closed:
            return
        if isinstance(event, TaskResult) and event.retries_left is not None:
            self._say(*self._waits.take())
            self._retry(event)
            return
        self._say(*self._retries.take())
        super().handle(seq, event)
        if isinstance(event, PlayStarted):
            self._play(event)
        elif isinstance(event, TaskStarted):
            self._task(event)
        elif isinstance(event, TaskResult):
            self._task_result(event)
        elif isinstance(event, CustomStats):
            self._stats = event
        elif isinstance(event, HandlersPending):
            self._pending.setdefault(event.handlers, []).append(event.host)

    def tick(self, now: float) -> None:
        """Say who tries again, if that was held back for company."""
        if not self._closed:
            self._say(*self._retries.take())
        super().tick(now)

    def close(self) -> None:
        """See `TerminalSink.close`."""
        if not self._closed:
            self._say(*self._retries.take())
        super().close()

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._outlet.out(line + "\n")

    def _play(self, event: PlayStarted) -> None:
        self._finish_tasks()
        if not event.beside:
            self._plays.clear()
        self._plays[str(event.index)] = event.name
        self._apart, self._headed = event.beside, ""
        self._batch = len(event.hosts)
        words = [paint(f"play {sanitise_line(event.name)}", BOLD, self._options.color)]
        if event.batches > 1:
            words.append(f"batch {event.batch} of {event.batches}")
        words.append(label(event.hosts) or "no hosts")
        if self._options.verbosity >= 1 and event.origin:
            words.append(paint(sanitise_line(event.origin), DIM, self._options.color))
        self._print("", " · ".join(words))

    def _task(self, event: TaskStarted) -> None:
        self._tasks[event.task] = event
        if not self._apart:
            self._finish_tasks()
        if event.action != "meta":
            self._open.setdefault(event.task, Tally(event, self._look, self._batch))
            # Of a block's loop there may be nothing to tell.
            if event.kind != "block":
                self._heading(event, event.name)

    def _heading(self, event: TaskStarted, name: str) -> None:
        self._headed = event.task
        color = self._options.color
        words = f"{_KINDS.get(event.kind, 'task')} {paint(title(event, name), BOLD, color)}"
        if len(self._plays) > 1:
            play = self._plays.get(event.task.partition("/")[0], "")
            words += paint(f" · play {sanitise_line(play)}", DIM, color)
        if self._options.verbosity >= 1 and event.origin and event.kind != "gather":
            words += paint(f" · {sanitise_line(event.origin)}", DIM, color)
        self._print(words)

    def _task_result(self, event: TaskResult) -> None:
        task = self._tasks.get(event.task) or TaskStarted(event.task, event.name, "")
        if task.action == "meta" and event.outcome.is_good:
            return
        tally = self._open.get(event.task)
        if tally is None:
            # It was counted, and another one has begun since: the hosts don't go in step.
            self._apart = event.task in self._tasks or self._apart
            tally = self._open[event.task] = Tally(task, self._look, self._batch)
        self._keep_warnings(event)
        lines = list(tally.add(event))
        if lines and self._headed != event.task:
            self._heading(task, event.name or task.name)
        self._print(*lines)
        # An include may still turn out to be one that can't be loaded.
        if tally.count >= self._batch > 0 and task.kind != "include":
            self._finish_task(event.task)

    def _finish_task(self, task: str) -> None:
        tally = self._open.pop(task)
        lines = list(tally.lines())
        if lines and self._headed != task:
            self._heading(tally.task, tally.task.name)
        self._print(*lines)
        self._warn(tally.task, self._warnings.pop(task, {}))

    def _keep_warnings(self, event: TaskResult) -> None:
        words = event.result.get("warnings")
        for each in words if isinstance(words, (list, tuple)) else ():
            hosts = self._warnings.setdefault(event.task, {}).setdefault(str(each), {})
            hosts[event.host] = None

    def _warn(self, task: TaskStarted, warnings: Mapping[str, Mapping[str, None]]) -> None:
        if self._options.verbosity < 0:
            return
        for words, hosts in warnings.items():
            where = f"{task.origin}: " if task.origin else ""
            notice = Notice("warning", f"{label(hosts)}: {where}{words}")
            self._say(notice_line(notice, self._options.color_err))

    def _finish_tasks(self) -> None:
        for task in list(self._open):
            self._finish_task(task)

    def _retry(self, event: TaskResult) -> None:
        if self._options.verbosity >= 0:
            task = self._tasks.get(event.task) or TaskStarted(event.task, event.name, "")
            self._say(*self._retries.add(event, title(task, event.name or task.name)))

    def _result(self, result: Result) -> None:
        found = result.data.get("recap")
        if isinstance(found, Mapping):
            self._recap[result.host] = found

    def _repeats(self, result: Result) -> bool:
        # What failed was said where it failed; of many hosts it is told once more, together.
        if result.outcome is Outcome.CANCELLED:
            return True
        return result.host not in self._recap or len(self._hosts) > FEW or not result.data

    def _finish(self) -> None:
        self._finish_tasks()
        color = self._options.color
        for handlers, hosts in self._pending.items():
            names = sanitise_line(", ".join(handlers))
            words = paint("notified, but not run", YELLOW, color)
            self._print(f"{words} on {label(hosts)}: {names}")
        if self._recap:
            self._print("", paint("recap", BOLD, color), *recap_lines(self._recap, color))
        if self._stats is not None:
            self._print("", paint("stats", BOLD, color), *stats_lines(self._stats))
