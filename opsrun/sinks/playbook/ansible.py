"""``-o ansible``: what ``ansible-playbook`` 2.18 prints, for whoever reads or parses that.

The default callback's words on standard output, warnings and errors on standard error. What a
terminal would obey is made visible; all else is the same to the byte, for the same results in the
same order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from opsrun.events import (
    CustomStats,
    Event,
    HandlersPending,
    Notice,
    Outcome,
    PlaybookStarted,
    PlayStarted,
    Result,
    Retry,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
)
from opsrun.sinks.base import Outlet, OutputOptions, Writer
from opsrun.sinks.cells import width
from opsrun.sinks.messages import retry_line, shows_notice
from opsrun.sinks.playbook.ansible_result import dump, on_a_line, shows
from opsrun.sinks.playbook.diffs import diff_lines, entries
from opsrun.sinks.playbook.wording import IMPLICIT
from opsrun.views.sanitise import sanitise, sanitise_line

WIDTH = 79
"""Columns where there is no terminal."""
_LEAST_STARS = 3
_RED, _GREEN, _YELLOW, _CYAN = "0;31", "0;32", "0;33", "0;36"
_UNREACHABLE, _WARNING, _DEBUG = "1;31", "1;35", "1;30"
_DIFF = {"+": _GREEN, "-": _RED, "@": _CYAN}
_STYLE = {
    Outcome.OK: _GREEN,
    Outcome.CHANGED: _YELLOW,
    Outcome.SKIPPED: _CYAN,
    Outcome.FAILED: _RED,
    Outcome.UNREACHABLE: _UNREACHABLE,
    Outcome.LOST: _UNREACHABLE,
    Outcome.CANCELLED: _RED,
}
_WORD = {Outcome.OK: "ok", Outcome.CHANGED: "changed", Outcome.SKIPPED: "skipping"}
_STATUS = ("async_status", "ansible.builtin.async_status", "ansible.legacy.async_status")
_AWAY = (Outcome.UNREACHABLE, Outcome.LOST)
_COUNTS = (
    ("ok", _GREEN),
    ("changed", _YELLOW),
    ("unreachable", _UNREACHABLE),
    ("failed", _RED),
    ("skipped", _CYAN),
    ("rescued", _GREEN),
    ("ignored", _WARNING),
)
_HOST_COLUMNS = 26
_PLACE = re.compile(r"(\S+:\d+(?::\d+)?): ")


def _painted(text: str, style: str, color: bool) -> str:
    """Every line for itself, as Ansible colours it."""
    if not color:
        return text
    return "\n".join(f"\x1b[{style}m{line}\x1b[0m" for line in text.split("\n"))


class AnsibleSink:
    """See the module."""

    wants_output = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        self._options = options
        self._outlet = Outlet(out, err)
        self._columns = max((options.width or WIDTH + 1) - 1, 1)
        self._tasks: dict[str, TaskStarted] = {}
        self._banner = ""
        """Id of the task whose banner was printed last."""
        self._included: dict[tuple[str, str, str], list[str]] = {}
        self._recap: dict[str, Mapping[str, Any]] = {}
        self._stats: CustomStats | None = None
        self._begun = self._ended = self._closed = False

    def handle(self, seq: int, event: Event) -> None:
        """Render one event; nothing is written before `flush`, unless much is waiting."""
        if self._closed:
            return
        if isinstance(event, TaskResult):
            self._result(event)
            return
        if isinstance(event, PlayStarted | TaskStarted | Summary | HandlersPending):
            self._say_included()
        if isinstance(event, PlayStarted):
            self._play(event)
        elif isinstance(event, TaskStarted):
            self._task(event)
        elif isinstance(event, Result):
            counts = event.data.get("recap")
            # A host that was given nothing to do has no line.
            if isinstance(counts, Mapping) and any(map(_number, counts.values())):
                self._recap[event.host] = counts
        elif isinstance(event, CustomStats):
            self._stats = event
        elif isinstance(event, Summary):
            self._end()
            if event.bridge is not None and self._options.verbosity >= 0:
                self._err(event.bridge.told(event.duration), _DEBUG)
        else:
            self._aside(event)

    def flush(self) -> None:
        """Write what was rendered."""
        self._outlet.flush()

    def tick(self, now: float) -> None:
        """Nothing happens while nothing happens."""

    def close(self) -> None:
        """Say what there is to say, also where the run broke off; later calls do nothing."""
        if self._closed:
            return
        self._say_included()
        if self._begun:
            self._end()
        self._closed = True
        self._outlet.shut()

    def _out(self, text: str, style: str = "") -> None:
        color = self._options.color and bool(style)
        self._outlet.out(_painted(text, style, color) + "\n")

    def _err(self, text: str, style: str) -> None:
        self._outlet.err(_painted(text, style, self._options.color_err) + "\n")

    def _headline(self, text: str) -> None:
        stars = max(self._columns - width(text), _LEAST_STARS)
        self._outlet.out(f"\n{text} {'*' * stars}\n")

    def _play(self, event: PlayStarted) -> None:
        self._banner = ""
        self._headline(f"PLAY [{sanitise_line(event.name)}]")
        if not event.hosts:
            self._out("skipping: no hosts matched", _CYAN)

    def _task(self, event: TaskStarted) -> None:
        self._tasks[event.task] = event
        if event.action == "meta" or event.kind == "block" or "{{" in event.name:
            # Of meta tasks there is one for each host; the other waits for a host's name for it.
            self._banner = ""
            return
        self._show_banner(event, event.name)

    def _show_banner(self, event: TaskStarted, name: str) -> None:
        self._banner = event.task
        head = "RUNNING HANDLER" if event.kind == "handler" else "TASK"
        self._headline(f"{head} [{sanitise_line(_title(event, name))}]")
        if self._options.verbosity >= 2:
            self._out(f"task path: {os.path.abspath(sanitise_line(event.origin))}", _DEBUG)

    def _result(self, event: TaskResult) -> None:
        task = self._tasks.get(event.task) or TaskStarted(event.task, event.name, "")
        if task.action == "meta":
            if not task.origin.startswith(IMPLICIT):
                self._show_banner(task, task.name)
                self._say_meta(event)
            return
        if self._banner != event.task:
            self._say_included()
            self._show_banner(task, event.name or task.name)
        if event.retries_left is not None:
            self._retrying(event, task)
            return
        if event.outcome is Outcome.FAILED and not event.included:
            # It was chosen, and could not be loaded.
            for hosts in self._included.values():
                hosts[:] = [host for host in hosts if host != sanitise_line(event.host)]
        if event.included or self._included:
            self._include(event, task)
        self._warnings(event)
        if event.loop and self._was_told_by_items(event):
            if event.ignored:
                self._out("...ignoring", _CYAN)
        elif not event.included:
            self._ended_task(event, task)

    def _say_meta(self, event: TaskResult) -> None:
        if self._options.verbosity >= 2 and event.outcome.is_good:
            said = event.result.get("skip_reason") or event.result.get("msg")
            self._out(f"META: {sanitise_line(str(said))}", _DEBUG)

    def _was_told_by_items(self, event: TaskResult) -> bool:
        if "censored" in event.result:
            return event.outcome is not Outcome.CHANGED and event.outcome is not Outcome.OK
        if event.outcome is Outcome.SKIPPED:
            return False
        return "results" in event.result

    def _ended_task(self, event: TaskResult, task: TaskStarted) -> None:
        if event.outcome is Outcome.CHANGED and event.diff:
            self._diff(event)
        style = _STYLE[event.outcome]
        if not self._is_shown(event):
            return
        self._job(event, task)
        if event.outcome.is_good:
            self._out(self._good(event, task), style)
            return
        self._out(self._bad(event, task), style)
        if event.ignored and event.item is None:
            self._out("...ignoring", _CYAN)

    def _is_shown(self, event: TaskResult) -> bool:
        if event.outcome is Outcome.SKIPPED:
            return self._options.show_skipped
        return self._options.show_ok or event.outcome is not Outcome.OK

    def _job(self, event: TaskResult, task: TaskStarted) -> None:
        """Of a task that waited for a job of its host's."""
        jid = event.result.get("ansible_job_id")
        if jid and event.result.get("finished") == 1 and task.action not in _STATUS:
            how, style = ("OK", _DEBUG) if event.outcome.is_good else ("FAILED", _DEBUG)
            words = f"ASYNC {how} on {sanitise_line(event.host)}: jid={sanitise_line(str(jid))}"
            self._out(words, style)

    def _good(self, event: TaskResult, task: TaskStarted) -> str:
        text = f"{_WORD[event.outcome]}: [{_host(event)}]"
        if event.item is not None:
            # Ansible leaves a space behind an item that it skips.
            end = " " if event.outcome is Outcome.SKIPPED else ""
            text += f" => (item={_item(event)}){end}"
        if shows(event, task.action, self._options.verbosity):
            text += f" => {dump(event, task.action, self._options.verbosity)}"
        return text

    def _bad(self, event: TaskResult, task: TaskStarted) -> str:
        found = dump(event, task.action, self._options.verbosity)
        if event.outcome is Outcome.CANCELLED:
            return f"cancelled: [{_host(event)}] => {found}"
        if event.outcome in _AWAY:
            item = f" (item={_item(event)})" if event.item is not None else ""
            return f"fatal: [{_host(event)}]: UNREACHABLE!{item} => {found}"
        if event.item is not None:
            return f"failed: [{_host(event)}] (item={_item(event)}) => {found}"
        return f"fatal: [{_host(event)}]: FAILED! => {found}"

    def _retrying(self, event: TaskResult, task: TaskStarted) -> None:
        title = sanitise_line(_title(task, event.name or task.name))
        left = f"({event.retries_left} retries left)."
        self._out(f"FAILED - RETRYING: [{_host(event)}]: {title} {left}", _DEBUG)

    def _include(self, event: TaskResult, task: TaskStarted) -> None:
        """Hosts that include the same are named together, when all of them have come to it."""
        if event.loop or not event.included:
            return
        label = "" if event.item is None else f" => (item={_item(event)})"
        key = (event.task, self._path(event.included, task), label)
        self._included.setdefault(key, []).append(sanitise_line(event.host))

    def _path(self, included: str, task: TaskStarted) -> str:
        if task.action == "include_role":
            return sanitise_line(included)
        folder = os.path.dirname(task.origin.rpartition(":")[0] or task.origin)
        return sanitise_line(os.path.abspath(os.path.join(folder, included)))

    def _say_included(self) -> None:
        for (_, path, label), hosts in self._included.items():
            if hosts:
                self._out(f"included: {path} for {', '.join(hosts)}{label}", _CYAN)
        self._included.clear()

    def _diff(self, event: TaskResult) -> None:
        for entry in entries(event.result):
            lines = [sanitise(line) for line in diff_lines(entry)]
            for line in lines:
                style = "" if line.startswith("diff skipped") else _DIFF.get(line[:1], "")
                # Ansible colours the end of a line, too.
                color = self._options.color and bool(style)
                self._outlet.out(_painted(f"{line}\n", style, color))
            if lines and not lines[-1].startswith("diff skipped"):
                self._outlet.out("\n")

    def _warnings(self, event: TaskResult) -> None:
        said = event.result.get("warnings")
        if event.loop or not isinstance(said, list | tuple):
            return
        for words in said:
            self._warn(str(words))

    def _warn(self, words: str) -> None:
        lines = wrap(f"[WARNING]: {sanitise(words)}", self._columns) or [""]
        self._err("\n".join(lines), _WARNING)

    def _aside(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begun = True
        elif isinstance(event, PlaybookStarted):
            if self._options.verbosity >= 2:
                self._headline(f"PLAYBOOK: {sanitise_line(os.path.basename(event.path))}")
                self._out(f"{event.plays} plays in {sanitise_line(event.path)}")
        elif isinstance(event, Retry):
            if self._options.verbosity >= 1:
                self._err(retry_line(event, color=False), _DEBUG)
        elif isinstance(event, HandlersPending):
            names = ", ".join(event.handlers)
            if self._options.verbosity >= 1:
                self._warn(f"{event.host}: notified, but not run: {names}")
        elif isinstance(event, Notice) and shows_notice(event, self._options.verbosity):
            self._notice(event)

    def _notice(self, notice: Notice) -> None:
        words = f"{notice.host}: {notice.message}" if notice.host else notice.message
        place = _PLACE.match(notice.message) if notice.host else None
        if place is not None and notice.level == "error":
            # What is wrong comes first there, and who looks for it may not look further.
            message = notice.message[place.end() :]
            words = f"{message}\n({notice.host}, {place[1]})"
        if notice.level == "warning":
            self._warn(words)
        elif notice.level == "error":
            self._err(f"ERROR! {sanitise(words)}", _RED)
        else:
            self._err(sanitise(words), _DEBUG)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._headline("PLAY RECAP")
        for host in sorted(self._recap):
            self._outlet.out(self._recap_line(host, self._recap[host]) + "\n")
        self._outlet.out("\n")
        if self._options.custom_stats and self._stats is not None:
            self._custom_stats(self._stats)

    def _custom_stats(self, stats: CustomStats) -> None:
        self._headline("CUSTOM STATS:")
        for host in sorted(stats.hosts):
            self._out(f"\t{sanitise_line(host)}: {on_a_line(stats.hosts[host])}")
        if stats.run:
            self._out(f"\n\tRUN: {on_a_line(stats.run)}")
        self._outlet.out("\n")

    def _recap_line(self, host: str, counts: Mapping[str, Any]) -> str:
        color = self._options.color
        cells = []
        for name, style in _COUNTS:
            number = _number(counts.get(name))
            cells.append(_painted(f"{name}={number:<4}", style, color and bool(number)))
        name = sanitise_line(host)
        gap = " " * max(0, _HOST_COLUMNS - width(name))
        return f"{_painted(name, _host_style(counts), color)}{gap} : {' '.join(cells)}"


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _host_style(counts: Mapping[str, Any]) -> str:
    if _number(counts.get("failed")) or _number(counts.get("unreachable")):
        return _RED
    return _YELLOW if _number(counts.get("changed")) else _GREEN


def _title(task: TaskStarted, name: str) -> str:
    return f"{task.role} : {name}" if task.role else name


def _host(event: TaskResult) -> str:
    name = sanitise_line(event.host)
    return f"{name} -> {sanitise_line(event.delegate)}" if event.delegate else name


def _item(event: TaskResult) -> str:
    return "None" if "censored" in event.result else sanitise_line(event.item or "")
