"""Tasks with ``async``: left to their hosts, and waited for or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol

from opsrun.errors import CommandTimeout, ConnectionFailed, ConnectionLost
from opsrun.events import Waiting
from opsrun.modules.background.async_status import AsyncStatus
from opsrun.modules.background.job import FOLDER, marks, new_id
from opsrun.modules.background.launching import Launch
from opsrun.modules.base import Context, Module, ModuleError, NotLeftAlone
from opsrun.modules.driver import drive
from opsrun.modules.outcome import lines_of
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.runner.hands import TaskHands
from opsrun.playbook.runner.values import number

_FIRST = 0.2
_GRACE = 15.0
"""Seconds behind a job's limit in which its host is to say that it has ended it."""
_TELL_EVERY = 5.0
VARIABLE, EXPORTED = "ansible_async_dir", "ANSIBLE_ASYNC_DIR"


class Host(Protocol):
    """Whom a job is left to."""

    def forget(self) -> None:
        """Log in anew when it is used next."""


@dataclass(frozen=True, slots=True)
class Alone:
    """``async`` and ``poll`` of a task, in seconds."""

    limit: float
    poll: float

    @property
    def waits(self) -> bool:
        """Whether the task ends with the job, and not with its start."""
        return self.poll > 0


def alone(task: Task, templar: Templar, poll: float = 15.0) -> Alone | None:
    """How a task is left to its host; None where it isn't.

    Args:
        poll: seconds between looks, where the task doesn't say.

    Raises:
        TemplateError, ModuleError: a keyword can't be used.
    """
    limit = number(task, task.async_seconds, "async", templar, 0)
    if limit == 0:
        return None
    if limit < 0:
        raise ModuleError(f"async: expected seconds, found {limit:g}")
    return Alone(limit, number(task, task.poll, "poll", templar, poll))


def folder_of(
    variables: Mapping[str, Any], templar: Templar, exported: Mapping[str, str], task: Task
) -> str:
    """Where the host keeps jobs. TemplateError."""
    said = variables.get(VARIABLE)
    found = None if said is None else templar.render(said, task.origin)
    return str(found or exported.get(EXPORTED) or FOLDER)


class Jobs:
    """Does a module's work as a job of its host.

    Args:
        name: of the host.
        hands: of the host.
        host: the same.
        context: in which circumstances.
        folder: where jobs are kept there.
        checked: see `opsrun.playbook.runner.kit.Kit.checked`.
        now: monotonic seconds.
        emit: takes the word that a job goes on.
    """

    def __init__(
        self,
        name: str,
        hands: TaskHands,
        host: Host,
        context: Context,
        folder: str,
        checked: dict[str, Mapping[str, Any]],
        now: Callable[[], float],
        emit: Callable[[Waiting], None],
    ) -> None:
        self._name = name
        self._hands = hands
        self._host = host
        self._context = context
        self._folder = folder
        self._checked = checked
        self._now = now
        self._emit = emit

    def do(self, module: Module, how: Alone) -> dict[str, Any]:
        """The job's start or, where it is waited for, its end. Raises `HostError`."""
        jid = new_id()
        if self._context.check:
            return self._tried(module, how, jid)
        launch = Launch(module, jid, self._folder, how.limit)
        try:
            started = self._driven(launch)
        except NotLeftAlone as error:
            if not how.waits:
                return error.result().to_dict()
            # It takes us from its beginning to its end, which has to come within the limit.
            self._hands.limit_to(how.limit)
            return self._driven(module)
        return self._awaited(jid, how) if how.waits and not started.get("failed") else started

    def look(self, status: AsyncStatus) -> dict[str, Any]:
        """What became of a job."""
        known = self._checked.get(status.jid)
        if known is not None and self._context.check:
            return {**lines_of("", ""), **known}
        return self._driven(replace(status, folder=self._folder))

    def _driven(self, module: Module) -> dict[str, Any]:
        return drive(module, self._context, self._hands).to_dict()

    def _tried(self, module: Module, how: Alone, jid: str) -> dict[str, Any]:
        result = self._driven(module)
        where = f"{self._folder}/{jid}"
        ended = {**result, **marks(jid, where, finished=True)}
        if how.waits:
            return ended
        self._checked[jid] = ended
        return {"changed": True, **marks(jid, where, finished=False)}

    def _awaited(self, jid: str, how: Alone) -> dict[str, Any]:
        began = self._now()
        ends = began + how.limit + _GRACE
        told = began - _TELL_EVERY
        status = AsyncStatus(jid=jid, mode="status", folder=self._folder)
        pause = min(_FIRST, how.poll)
        for look in count(1):
            self._hands.sleep(max(0.0, min(pause, ends - self._now())))
            pause = min(pause * 2, how.poll)
            seen = self._seen(status, ends)
            if seen.get("finished", 1):
                break
            if self._now() >= ends:
                words = f"the host did not end the job within its limit of {how.limit:g} s"
                return {"changed": False, "failed": True, "msg": words, "async_result": seen}
            if (now := self._now()) - told >= _TELL_EVERY:
                told = now
                self._emit(Waiting(self._name, "its job", look, now - began, how.limit))
        if "rc" in seen or not seen.get("failed"):
            self._driven(replace(status, mode="cleanup"))
        return seen

    def _seen(self, status: AsyncStatus, ends: float) -> dict[str, Any]:
        """The job goes on without us: until its limit there is no reason to give its host up."""
        while True:
            try:
                return self._driven(status)
            except CommandTimeout as error:
                words = f"{error.message}; job {status.jid} goes on, until its own limit at most"
                raise CommandTimeout(words) from error
            except (ConnectionFailed, ConnectionLost):
                if self._now() >= ends:
                    raise
                self._host.forget()
                self._hands.sleep(1.0)
