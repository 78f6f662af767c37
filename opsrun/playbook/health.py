"""Looking at the hosts of a batch before the next one begins."""

from __future__ import annotations

from dataclasses import replace

from opsrun.events import TaskResult
from opsrun.playbook.coordinator import Floor, started
from opsrun.playbook.messages import RunTask, TaskEnded
from opsrun.playbook.model.nodes import Play, RawAction, Task
from opsrun.results import Outcome


class HealthCheck:
    """Has ``health`` looked at on hosts, all at the same time; a `Step`.

    Args:
        floor: where it works.
        play: whose checks.
        hosts: those that did well so far.
    """

    def __init__(self, floor: Floor, play: Play, hosts: list[str]) -> None:
        self._floor = floor
        self._waiting = list(hosts)
        self._left = len(hosts)
        self._bad: dict[str, str] = {}
        self.over: dict[str, str] | None = None
        """Hosts that are not well, and why."""
        keywords = replace(play.keywords, when=())
        self._task = Task(
            id=f"{play.index}/health/0",
            action=RawAction("ansible.builtin.meta", "meta", free_form="noop"),
            name="health",
            keywords=keywords,
            awaits=play.health,
            implicit=True,
            origin=play.origin,
        )
        floor.office.book.add((self._task,))
        self._is_said = False

    def advance(self) -> None:
        """See `Step.advance`."""
        if self._floor.office.stop.draining:
            why = self._floor.office.stop.reason or "the run was ended"
            self._bad |= dict.fromkeys(self._waiting, f"not looked at: {why}")
            self._left -= len(self._waiting)
            self._waiting.clear()
        if not self._left:
            self.over = self._bad

    def fill(self) -> None:
        """See `Step.fill`."""
        while self._waiting and self._floor.has_room:
            self._floor.busy += 1
            self._floor.office.engine.spawn(self._look, self._waiting.pop(0))

    def _look(self, host: str) -> None:
        order = RunTask(host, self._task.id, 0)
        self._floor.answer(self._hear, (host, self._floor.office.runner.healthy(order)))

    def _hear(self, message: tuple[str, str]) -> None:
        host, why = message
        self._floor.busy -= 1
        self._left -= 1
        if why:
            self._bad[host] = why
            self._blame(host, why)

    def _blame(self, host: str, why: str) -> None:
        """The host has failed, as if a task had."""
        office, task = self._floor.office, self._task
        if not self._is_said:
            self._is_said = True
            office.emit(replace(started(task, task.name), kind="task", action="health"))
        result = {"failed": True, "changed": False, "msg": why}
        ended = TaskEnded(host, task.id, 0, Outcome.FAILED, result=result)
        office.recap.add(ended, rescued=False)
        office.emit(TaskResult(host, task.id, Outcome.FAILED, result, name=task.name))
