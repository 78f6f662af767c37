"""The status line of a run on a terminal: how far it is, and who takes longest."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.text import Text

from opsrun.events import (
    Event,
    HostStarted,
    Outcome,
    PlayStarted,
    Progress,
    Result,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
)
from opsrun.sinks.screen import Screen
from opsrun.sinks.style import duration
from opsrun.sinks.traffic import Traffic
from opsrun.views.sanitise import sanitise_line

INTERVAL = 1 / 8
"""Seconds between two contents of the line."""
DELAY = 0.5
"""Seconds that a run takes before the line is shown at all."""
SLOWEST = 3
_BAD = (Outcome.FAILED, Outcome.UNREACHABLE, Outcome.LOST)
_STYLE = {Outcome.FAILED: "red", Outcome.UNREACHABLE: "magenta", Outcome.LOST: "magenta"}


def terminal_columns() -> int:
    """Columns of the terminal as it is now."""
    return shutil.get_terminal_size().columns


@dataclass(slots=True)
class TaskUnderWay:
    """A playbook's task that began last."""

    task: str
    name: str
    since: float
    done: int = 0
    """Hosts that have ended it."""


class LiveSink:
    """Draws ``12/20 done · failed 1 · running 7 · longest web07 34.0 s`` below other output.

    Of a playbook it is the task that is under way: ``install nginx · 12/20 done · 34.0 s``, and how
    many hosts have failed so far.

    Where files travel, there stands how many bytes have, how fast, and whose are slowest. Nothing
    is drawn for a single host without files, nor in the first half second. Made to stand behind the
    sink that writes through the same screen. While the screen has a question, that is drawn.

    Args:
        screen: the terminal.
        color: whether the words are coloured.
        columns: gives the terminal's width whenever the line is drawn.
        clock: monotonic seconds.
    """

    wants_output = False
    reads_results = False

    def __init__(
        self,
        screen: Screen,
        *,
        color: bool = True,
        columns: Callable[[], int] = terminal_columns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screen = screen
        self._color = color
        self._columns = columns
        self._clock = clock
        self._total = 0
        self._counts: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self._running: dict[str, float] = {}
        self._next = float("inf")
        self._over = False
        self._question = ""
        self._traffic = Traffic()
        self._task: TaskUnderWay | None = None
        self._batch = 0
        self._failed_tasks: dict[Outcome, int] = dict.fromkeys(_BAD, 0)

    def handle(self, seq: int, event: Event) -> None:
        """Count; draw nothing yet."""
        if isinstance(event, HostStarted):
            self._running.setdefault(event.host, self._clock())
        elif isinstance(event, Result):
            self._running.pop(event.host, None)
            self._traffic.end(event.host)
            self._counts[event.outcome] += 1
        elif isinstance(event, Progress):
            self._traffic.add(event)
        elif isinstance(event, RunStarted):
            self._total = len(event.hosts)
            self._next = self._clock() + DELAY
        elif isinstance(event, Summary):
            self._clear()
        else:
            self._of_playbook(event)

    def _of_playbook(self, event: Event) -> None:
        if isinstance(event, PlayStarted):
            self._batch, self._task = len(event.hosts), None
        elif isinstance(event, TaskStarted) and event.action != "meta":
            self._task = TaskUnderWay(event.task, event.name or event.action, self._clock())
        elif isinstance(event, TaskResult) and event.item is None and event.retries_left is None:
            if self._task is not None and event.task == self._task.task:
                self._task.done += 1
            if event.outcome in _BAD and not event.ignored:
                self._failed_tasks[event.outcome] += 1

    def flush(self) -> None:
        """Bring the line up to date, if it is time."""
        self._draw(self._clock())

    def tick(self, now: float) -> None:
        """Bring the line up to date, if it is time."""
        self._draw(now)

    def close(self) -> None:
        """Take the line away; later calls do nothing."""
        self._clear()

    def _clear(self) -> None:
        if not self._over:
            self._over = True
            self._screen.show("")

    def _draw(self, now: float) -> None:
        question = "" if self._over else self._screen.question
        if question != self._question:
            # Not cut to the terminal's width: what is asked has to be read to its end.
            self._screen.show(question)
            self._question = question
        worth = self._total > 1 or self._traffic or self._task is not None
        if question or self._over or now < self._next or not worth:
            return
        self._next = now + INTERVAL
        self._screen.show(self._render(now))

    def _render(self, now: float) -> str:
        columns = max(self._columns() - 1, 1)
        text = self._status(now)
        text.truncate(columns, overflow="ellipsis")
        console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system="standard" if self._color else None,
            width=columns,
            highlight=False,
            legacy_windows=False,
        )
        with console.capture() as capture:
            console.print(text, end="", soft_wrap=True)
        return capture.get()

    def _status(self, now: float) -> Text:
        if self._task is not None:
            return self._task_status(self._task, now)
        done = sum(self._counts.values())
        parts = [Text(f"{done}/{self._total} done", style="bold")]
        parts += [
            Text(f"{outcome} {self._counts[outcome]}", style=_STYLE[outcome])
            for outcome in _BAD
            if self._counts[outcome]
        ]
        parts.append(Text(f"running {len(self._running)}"))
        if self._traffic:
            parts += [Text(words) for words in self._traffic.words(now)]
        elif self._running:
            parts.append(Text("longest " + ", ".join(self._slowest(now))))
        return Text(" · ").join(parts)

    def _task_status(self, task: TaskUnderWay, now: float) -> Text:
        parts = [
            Text(sanitise_line(task.name), style="bold"),
            Text(f"{task.done}/{self._batch} done"),
        ]
        parts += [
            Text(f"{outcome} {count}", style=_STYLE[outcome])
            for outcome, count in self._failed_tasks.items()
            if count
        ]
        parts.append(Text(duration(max(0.0, now - task.since))))
        return Text(" · ").join(parts)

    def _slowest(self, now: float) -> list[str]:
        longest = islice(self._running.items(), SLOWEST)  # in the order of their start
        return [f"{sanitise_line(host)} {duration(now - since)}" for host, since in longest]
