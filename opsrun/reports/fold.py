"""From a run's events to what is told of it: pure, and in one pass."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.events import (
    CustomStats,
    Event,
    HandlersPending,
    Notice,
    PlayStarted,
    Result,
    Retry,
    RunStarted,
    TaskResult,
    TaskStarted,
)
from opsrun.journal.history import History, KnownRun, Unknown
from opsrun.reports.gathering import Gathered, Groups, Kept, general
from opsrun.reports.model import About, Host, Open, RunReport, Status, Word, worst
from opsrun.reports.saying import of_result, of_task, status_of, why_skipped
from opsrun.reports.texts import Texts, one_line

_COMMAND = ""
"""Id of the one task of a run that is no playbook's."""


def report_of(history: History, run: KnownRun) -> RunReport:
    """Everything that the journal has of a run.

    Raises:
        JournalError: it can't be read.
    """
    # Before the events: what ends in between is not unknown, and the events say so.
    unknown = history.unknown(run)
    return folded(run, (event for _, event in history.events(run)), unknown, time.time())


def folded(
    run: KnownRun, events: Iterable[Event], unknown: Sequence[Unknown], written: float
) -> RunReport:
    """What is told of a run.

    Args:
        run: its row.
        events: in their order; a run that goes on, or was cut off, has no `Summary`.
        unknown: what was sent, and has no end.
        written: seconds since the epoch.
    """
    fold = _Fold(run)
    for event in events:
        fold.add(event)
    return fold.report(unknown, written)


@dataclass(slots=True)
class _Told:
    text: str
    hosts: dict[str, None] = field(default_factory=dict)


class _Fold:
    def __init__(self, run: KnownRun) -> None:
        self._run = run
        self._texts, self._bad_texts = Texts(), Texts()
        self._kept = Kept()
        self._plays: dict[int, str] = {}
        self._tasks: dict[str, Gathered] = {}
        self._hosts: dict[str, list[Result]] = {host: [] for host in run.hosts}
        self._begun: set[str] = set()
        self._words: dict[tuple[str, str], _Told] = {}
        self._stats: list[str] = []
        if not self._is_playbook:
            self._tasks[_COMMAND] = Gathered(_COMMAND, 0, one_line(run.command, 2000), action="")

    @property
    def _is_playbook(self) -> bool:
        return self._run.action == "playbook"

    def add(self, event: Event) -> None:
        if isinstance(event, TaskResult):
            self._task_result(event)
        elif isinstance(event, Result):
            self._result(event)
        elif isinstance(event, TaskStarted):
            self._task_started(event)
        elif isinstance(event, PlayStarted):
            self._plays.setdefault(event.index, one_line(event.name))
        elif isinstance(event, RunStarted):
            for host in event.hosts:
                self._hosts.setdefault(host, [])
        else:
            self._word(event)

    def _word(self, event: Event) -> None:
        if isinstance(event, Notice) and event.level in ("warning", "error"):
            self._tell(event.level, event.message, event.host)
        elif isinstance(event, Retry):
            words = f"{event.error.phase}: {event.error.message}"
            self._tell("tried again", words, event.host)
        elif isinstance(event, HandlersPending):
            words = f"notified, but not run: {', '.join(event.handlers)}"
            self._tell("left to do", words, event.host)
        elif isinstance(event, CustomStats):
            self._stats = [one_line(line) for line in _stats(event)]

    def _tell(self, level: str, text: str, host: str) -> None:
        """Keep a word, once for all hosts, with stand-ins for what is their own if it differs."""
        told = self._words.setdefault((level, general(text, host)), _Told(text))
        if told.text != text:
            told.text = general(text, host)
        if host:
            told.hosts[one_line(host)] = None

    def _task_started(self, event: TaskStarted) -> None:
        if event.task not in self._tasks:
            head = event.task.partition("/")[0]
            play = int(head) if head.isdecimal() else -1
            self._tasks[event.task] = Gathered(
                event.task,
                play,
                one_line(event.name or event.action),
                role=one_line(event.role),
                action=one_line(event.action),
                origin="" if event.origin.startswith("<") else one_line(event.origin),
                kind=event.kind,
                kept=self._kept,
            )

    def _task(self, id: str) -> Gathered:
        if id not in self._tasks:
            self._task_started(TaskStarted(id, one_line(id), ""))
        return self._tasks[id]

    def _task_result(self, event: TaskResult) -> None:
        task = self._task(event.task)
        task.named(event)
        self._hosts.setdefault(event.host, [])
        self._begun.add(event.host)
        if event.retries_left is not None:
            task.retries += 1
            return
        status = status_of(event)
        texts = self._texts if status in _WELL else self._bad_texts
        said = of_task(event, task.action, texts)
        if event.item is None:
            why = why_skipped(event, self._texts) if status is Status.SKIPPED else ""
            task.ended(event.host, status, event.duration, why)
        task.say(event, status, said)

    def _result(self, event: Result) -> None:
        self._hosts.setdefault(event.host, []).append(event)
        self._begun.add(event.host)
        if not self._is_playbook:
            status = status_of(event)
            task = self._tasks[_COMMAND]
            texts = self._texts if status in _WELL else self._bad_texts
            task.ended(event.host, status, event.duration, "")
            task.group(Groups.of(status), event.host, status, of_result(event, texts), None)

    def report(self, unknown: Sequence[Unknown], written: float) -> RunReport:
        run = self._run
        open_status = Status.UNDER_WAY if run.state == "running" else Status.UNKNOWN
        sent = [each for each in unknown if not self._has_ended(each)]
        for each in sent:
            self._hosts.setdefault(each.host, [])
            self._task(each.task if self._is_playbook else _COMMAND).open(each.host, open_status)
        ordered, same = self._ordered()
        plays = sorted({task.play for task in ordered}) if self._is_playbook else []
        numbers = {task.id: number for number, task in enumerate(ordered, 1)}
        numbers |= {id: numbers[into] for id, into in same.items()}
        place = {play: index for index, play in enumerate(plays)}
        return RunReport(
            _about(run, written),
            tuple(self._plays.get(play, "") for play in plays),
            tuple(task.told(numbers[task.id], place.get(task.play, 0)) for task in ordered),
            tuple(self._host(host, ordered, open_status) for host in self._hosts),
            tuple(Open(one_line(each.host), self._number(each, numbers), each.at) for each in sent),
            tuple(
                Word(level, one_line(told.text, 2000), tuple(told.hosts))
                for (level, _), told in self._words.items()
            ),
            tuple(self._stats),
        )

    def _ordered(self) -> tuple[list[Gathered], dict[str, str]]:
        """Tasks in the order of the report, and ids of those that others took in."""
        ordered: list[Gathered] = []
        alike: dict[tuple[int, str, str], list[Gathered]] = {}
        same: dict[str, str] = {}
        for task in self._tasks.values():
            if not task.is_worth_telling and self._is_playbook:
                continue
            known = alike.setdefault((task.play, task.origin, task.name), [])
            into = next((each for each in known if each.continues(task)), None)
            if into is None:
                known.append(task)
                ordered.append(task)
            else:
                into.absorb(task)
                same[task.id] = into.id
        return sorted(ordered, key=lambda task: task.play), same

    def _number(self, each: Unknown, numbers: dict[str, int]) -> int:
        return numbers.get(each.task if self._is_playbook else _COMMAND, 0)

    def _has_ended(self, each: Unknown) -> bool:
        """It has ended since the journal was asked what has not."""
        if self._hosts.get(each.host):
            return True
        task = self._tasks.get(each.task)
        return self._is_playbook and task is not None and each.host in task.cells

    def _status(self, host: str, cells: Sequence[Status], open_status: Status) -> Status:
        if results := self._hosts[host]:
            return worst(map(status_of, results))
        if open_status in cells:
            return open_status
        if (found := worst(cells)).is_bad:
            return found
        if self._run.state == "ended" or (self._run.state == "running" and host not in self._begun):
            return Status.NOT_BEGUN
        return Status.UNDER_WAY if self._run.state == "running" else Status.UNFINISHED

    def _host(self, host: str, tasks: Sequence[Gathered], open_status: Status) -> Host:
        cells = [task.cells.get(host, Status.NOT_BEGUN) for task in tasks]
        results = self._hosts[host]
        status = self._status(host, cells, open_status)
        times = {n: task.times[host] for n, task in enumerate(tasks, 1) if host in task.times}
        reasons = {n: task.skips[host] for n, task in enumerate(tasks, 1) if host in task.skips}
        return Host(
            one_line(host),
            status,
            "".join(cell.mark for cell in cells),
            times,
            sum(times.values()),
            _why(results),
            reasons,
        )


_WELL = (Status.OK, Status.CHANGED, Status.SKIPPED)


def _why(results: Sequence[Result]) -> str:
    errors = [result.error for result in results if result.error]
    return one_line(f"{errors[0].phase}: {errors[0].message}") if errors else ""


def _stats(event: CustomStats) -> Iterable[str]:
    def value(name: str, found: Any) -> str:
        text = found if isinstance(found, str) else json.dumps(found, default=str)
        return f"{name}: {text}"

    yield from (value(name, found) for name, found in event.run.items())
    for host, found in event.hosts.items():
        yield from (f"{host} {value(name, each)}" for name, each in found.items())


def _about(run: KnownRun, written: float) -> About:
    return About(
        run.id,
        run.action,
        one_line(run.command, 2000),
        run.state,
        run.started,
        run.duration,
        run.exit_status,
        run.interrupted,
        one_line(run.who),
        one_line(run.machine),
        one_line(run.cwd),
        one_line(shlex.join(["opsrun", *run.argv]), 4000) if run.argv else "",
        run.version,
        run.parent,
        written,
    )
