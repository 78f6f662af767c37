"""What an answer means for the host that gave it, whatever the strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opsrun.playbook.messages import TaskEnded
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.scheduler.crew import Crew, HostState, Status
from opsrun.playbook.scheduler.errors import Complaint
from opsrun.playbook.scheduler.handler_list import HandlerList
from opsrun.playbook.scheduler.includes import Group
from opsrun.playbook.scheduler.settings import PlaySettings
from opsrun.results import Outcome

AWAY = (Outcome.UNREACHABLE, Outcome.LOST)
_UNDONE = (*AWAY, Outcome.CANCELLED)
"""Outcomes of handlers that leave them pending."""

_NOT_DONE = (Outcome.SKIPPED, *AWAY)
"""Outcomes of tasks after which a role has not been done on a host."""


class Progress:
    """Moves hosts along their roads; both strategies use it."""

    def __init__(self, crew: Crew, handlers: HandlerList, settings: PlaySettings) -> None:
        self.crew = crew
        self.handlers = handlers
        self.settings = settings
        self.complaints: list[Complaint] = []
        self.play_over = False
        """``end_play``: no further batch of this play."""
        self.aborted = ""
        """Why nothing follows."""
        self.fatal = ""
        """What a host's error did to all others; they may have been rescued yet."""

    def settle(self, host: HostState) -> Task | None:
        """The task that ``host`` stands at, also in `HostState.at`; at the end it leaves."""
        host.at = None
        while host.active:
            task = host.road.here()
            if task is None:
                self._arrived(host)
            elif (host.starting and self._before_start(host, task)) or (
                self.settings.informed and self._informed(host, task)
            ):
                host.road.passed()
            else:
                if host.resumed and not task.implicit:
                    # Not at the flush before the first task: what failed then may be mended now.
                    host.road.due = {*(host.road.due or ()), *host.resumed}
                    host.resumed = None
                host.at = task
                return task
        return None

    def _before_start(self, host: HostState, task: Task) -> bool:
        assert self.settings.start_at is not None
        if self.settings.start_at(task):
            host.starting = False
        return host.starting and not task.implicit

    def _informed(self, host: HostState, task: Task) -> bool:
        gathers = task.implicit and task.action.name == "setup"
        return gathers and host.name in self.settings.informed

    def _arrived(self, host: HostState) -> None:
        if host.road.failed:
            self._fell(host)
        else:
            self.crew.leave(host, Status.FAILED if host.failing else Status.DONE)

    def _fell(self, host: HostState) -> None:
        host.road.failed = False
        wanted = self.settings.force_handlers and not host.failing
        flush = host.road.forced if wanted and (host.asked or host.road.due) else None
        if flush is None:
            self.crew.leave(host, Status.FAILED)
            return
        host.failing = True
        self.crew.without(host)
        host.road.insert((flush,))

    def fail(self, host: HostState, task: str, twice: bool = False) -> None:
        """``host`` failed at ``task`` (an id), or is to be treated as if it had."""
        if not host.active:
            return
        host.road.fail(task, twice)
        if host.road.failed:
            self._fell(host)
        elif host.road.doomed:
            self.crew.doom(host)

    def _failed(self, host: HostState, task: str) -> None:
        self.fail(host, task)
        if host.status is Status.FAILED:
            self.crew.counted.add(host.name)

    def absorb(self, host: HostState, message: TaskEnded) -> bool:
        """Take in what became of the task that ``host`` stands at.

        What concerns others (``end_play``, ``end_batch``, ``clear_host_errors``, includes) is left
        to the strategy.

        Returns:
            Whether the host failed by it.
        """
        due = host.road.due
        if due and message.task in due:
            due.discard(message.task)
            host.undone = (host.undone or set()) - {message.task}
            if message.outcome in _UNDONE and not message.ignored:
                host.undone.add(message.task)
        if host.at and host.at.role and message.outcome not in _NOT_DONE:
            host.road.did(host.at.role)
        if message.outcome is Outcome.CANCELLED:
            self.crew.leave(host, Status.CANCELLED)
        elif message.ignored or message.outcome.is_good:
            return self._went_well(host, message)
        elif message.outcome is Outcome.UNREACHABLE and host.road.lose(message.task):
            return True
        elif message.outcome in AWAY:
            host.road.passed()
            self.crew.leave(host, Status.UNREACHABLE)
        else:
            self._failed(host, message.task)
            return True
        return False

    def _went_well(self, host: HostState, message: TaskEnded) -> bool:
        why = self._notify(host, message) if message.notified else ""
        if not why and message.meta == "flush_handlers" and host.road.flushing:
            why = "flush_handlers cannot be used as a handler"
        if why:
            self.complaints.append(Complaint(why, host.name, message.task))
            self._failed(host, message.task)
            return True
        task = host.at
        host.road.passed()
        if message.meta == "flush_handlers":
            self.flush(host)
        elif message.meta == "end_host":
            self.crew.leave(host, Status.ENDED)
        elif message.meta == "end_role":
            host.road.leave_role(task.role if task else None)
        return False

    def _notify(self, host: HostState, message: TaskEnded) -> str:
        for name in message.notified:
            found = self.handlers.find(name)
            if not found:
                why = self.handlers.unknown(name)
                if not self.settings.allow_missing_handlers:
                    return why
                self.complaints.append(Complaint(why, task=message.task))
                continue
            if host.road.flushing:
                self._due(host, found)
            else:
                host.asked = host.asked or {}
                host.asked[name] = None
        return ""

    def _due(self, host: HostState, tasks: Iterable[Task]) -> None:
        if host.road.due is None:
            host.road.due = set()
        host.road.due.update(task.id for task in tasks)

    def flush(self, host: HostState) -> bool:
        """What ``host`` was notified of is done next. False if that is nothing."""
        for name in host.asked or ():
            self._due(host, self.handlers.find(name))
        host.asked = None
        if not host.road.due:
            return False
        host.road.flush(self.handlers.tasks)
        return True

    def included(self, groups: Iterable[Group]) -> dict[str, HostState]:
        """Give the hosts what they included.

        Returns:
            Those that an include failed.
        """
        failed: dict[str, HostState] = {}
        shares: dict[str, list[Group]] = {}
        for group in groups:
            for host in group.hosts:
                shares.setdefault(host.name, []).append(group)
        for name, share in shares.items():
            host = self.crew.by_name[name]
            bad = next((group for group in share if group.error), None)
            if bad is None:
                host.road.insert([block for group in share for block in group.blocks])
                continue
            failed[name] = host
            self.complaints.append(Complaint(bad.error, name, bad.task))
            self._failed(host, bad.task)
        return failed

    def forgive(self) -> list[HostState]:
        """``clear_host_errors``: nobody has failed.

        A failure that waits for the end of an always part is forgotten; a host that came to its
        end by one stays there.

        Returns:
            Hosts that were away: they go on behind the task that they were lost at.
        """
        self.crew.counted.clear()
        back = [host for host in self.crew if host.status is Status.UNREACHABLE]
        self.crew.bring_back(back)
        for host in self.crew:
            if host.status is Status.FAILED:
                host.status = Status.DONE
            elif host.active:
                host.road.forgive()
        return back

    def end(self, whole_play: bool) -> None:
        """``end_play``, ``end_batch``: nobody has anything more to do."""
        self.play_over = self.play_over or whole_play
        for host in self.crew.active():
            self.crew.leave(host, Status.FAILED if host.failing else Status.DONE)

    def why_last(self) -> str:
        """Why no batch and no play follows this one; empty if some may."""
        if self.aborted:
            return self.aborted
        crew = self.crew
        out = len(crew.having(Status.FAILED)) + len(crew.having(Status.UNREACHABLE))
        if self.fatal and out and out + len(crew.having(Status.ENDED)) == crew.size:
            return self.fatal
        if out and out == crew.size:
            return "all hosts of the batch failed or are unreachable"
        return ""

    def pending(self) -> Mapping[str, tuple[str, ...]]:
        """Handlers that were notified and were not done, by host, in the order of definition."""
        waiting: dict[str, tuple[str, ...]] = {}
        for host, due in self._waiting():
            tasks = self.handlers.tasks
            names = tuple(self.handlers.name(task.id) for task in tasks if task.id in due)
            if names:
                waiting[host] = names
        return waiting

    def left_over(self) -> Mapping[str, Mapping[str, str]]:
        """The same: `PlayEnded.due`."""
        known = {task.id: str(task.name) or task.id for task in self.handlers.tasks}
        return {
            host: {task: known.get(task, "") for task in sorted(due)}
            for host, due in self._waiting()
        }

    def _waiting(self) -> Iterator[tuple[str, set[str]]]:
        for host in self.crew:
            for name in host.asked or ():
                self._due(host, self.handlers.find(name))
            due = {*(host.road.due or ()), *(host.undone or ()), *(host.resumed or ())}
            if due:
                yield host.name, due
