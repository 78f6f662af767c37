"""`free` and `host_pinned`: every host goes its own way.

Tasks with ``run_once`` are done by all, and neither any_errors_fatal nor max_fail_percentage ends
the play, as in Ansible 2.18, which warns likewise.
https://docs.ansible.com/ansible/latest/collections/ansible/builtin/free_strategy.html
"""

from __future__ import annotations

from collections import deque

from opsrun.playbook.messages import TaskEnded
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.scheduler.crew import HostState
from opsrun.playbook.scheduler.errors import Complaint
from opsrun.playbook.scheduler.includes import Group, grouped
from opsrun.playbook.scheduler.lockstep import BYPASSING, truth
from opsrun.playbook.scheduler.progress import Progress
from opsrun.playbook.scheduler.road import is_flush
from opsrun.playbook.scheduler.strategy import Desk


class Apart:
    """Who may go on; with ``at_once``, who has not begun yet."""

    def __init__(self, progress: Progress, desk: Desk) -> None:
        self._progress = progress
        self._desk = desk
        settings = progress.settings
        self._limit = settings.at_once if settings.strategy == "host_pinned" else None
        self._idle: deque[HostState] = deque(progress.crew)
        self._begun: set[str] = set()
        self._under_way = 0
        self._loads: dict[str, list[Group]] = {}
        self._open: dict[str, int] = {}
        self._warned: set[str] = set()
        if settings.max_fail_percentage is not None:
            self._warn("max_fail_percentage")

    def go_on(self) -> None:
        """Give every idle host its next task, as far as the limit allows."""
        waiting: list[HostState] = []
        while self._idle:
            host = self._idle.popleft()
            if host.name not in self._begun:
                if self._limit is not None and self._under_way >= self._limit:
                    waiting.append(host)
                    break
                self._begun.add(host.name)
                self._under_way += 1
            self._next(host)
        self._idle.extendleft(waiting)

    def _next(self, host: HostState) -> None:
        task = self._progress.settle(host)
        while task is not None and is_flush(task):
            host.road.passed()
            self._progress.flush(host)
            task = self._progress.settle(host)
        if task is None:
            self._under_way -= 1
            self._begun.discard(host.name)
            return
        if task.action.name in BYPASSING:
            self._warn(task.action.name, task)
        if truth(task.keywords.run_once) is not False:
            self._warn("run_once", task)
        self._desk.tell(host)

    def ended(self, host: HostState, message: TaskEnded) -> None:
        """``host`` goes on, or leaves."""
        progress = self._progress
        progress.absorb(host, message)
        if message.fatal:
            self._warn("any_errors_fatal", host.at)
        if message.meta == "clear_host_errors":
            self._idle.extend(progress.forgive())
        elif message.meta in ("end_play", "end_batch"):
            progress.end(message.meta == "end_play")
        if message.includes and host.active:
            self._include(host, message)
        else:
            self._idle.appendleft(host)

    def parked(self, host: HostState) -> None:
        """Another one may be under way in its place."""
        self._under_way -= 1

    def back(self, host: HostState) -> None:
        """It goes on before any other begins."""
        self._under_way += 1
        self._idle.appendleft(host)

    def _include(self, host: HostState, message: TaskEnded) -> None:
        groups = grouped([(host, message.task, message.includes)])
        self._loads[host.name] = groups
        self._open[host.name] = len(groups)
        for group in groups:
            self._desk.load(group)

    def loaded(self, group: Group) -> None:
        """The host goes on once it has all that it included."""
        host = group.hosts[0]
        self._open[host.name] -= 1
        if self._open[host.name]:
            return
        groups = self._loads.pop(host.name)
        if host.active:
            self._progress.included(groups)
        self._idle.appendleft(host)

    def _warn(self, keyword: str, task: Task | None = None) -> None:
        if keyword in self._warned:
            return
        self._warned.add(keyword)
        name = self._progress.settings.strategy
        self._progress.complaints.append(
            Complaint(
                f"{keyword} has no effect with strategy: {name}, where hosts don't wait for each "
                "other; every host does the task, and fails for itself",
                task=task.id if task else "",
            )
        )
