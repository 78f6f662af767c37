"""A module on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from opsrun.errors import (
    BecomeError,
    Cancelled,
    CommandTimeout,
    ConnectionFailed,
    ConnectionLost,
    HostError,
    OpsrunError,
)
from opsrun.modules.background.async_status import AsyncStatus
from opsrun.modules.base import Context, Module, ModuleError
from opsrun.modules.driver import drive, script_of
from opsrun.modules.own.program import Program
from opsrun.modules.requests import Run
from opsrun.playbook.interfaces import HostShell, Templar, Wish
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.prefetch.answers import Key, Question
from opsrun.playbook.runner.again import persistently
from opsrun.playbook.runner.done import Done, cancelled, failure, settled
from opsrun.playbook.runner.ends import ALONE, Ends
from opsrun.playbook.runner.hands import Early, TaskHands
from opsrun.playbook.runner.jobs import Alone, Jobs, alone, folder_of
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.search import Search
from opsrun.playbook.runner.values import environment, flag, number
from opsrun.playbook.runner.wishes import connecting, wish
from opsrun.playbook.variables.magic import namespaced
from opsrun.results import Outcome
from opsrun.vault.vault import Vault

_ANSIBLE, _INTERPRETER = "ansible_", "_interpreter"


@dataclass(frozen=True, slots=True)
class Local:
    """`opsrun.modules.base.Controller` for a task."""

    search: Search
    templar: Templar
    vault: Vault

    def find(self, name: str, folder: str) -> str | None:
        """See `Controller.find`."""
        return self.search.find(name, folder)

    def searched(self, name: str, folder: str) -> Sequence[str]:
        """See `Controller.searched`."""
        return self.search.searched(name, folder)

    def render(self, path: str, options: Mapping[str, Any]) -> bytes:
        """See `Controller.render`."""
        return self.templar.file(path, options)

    def opened(self, path: str) -> bytes:
        """See `Controller.opened`."""
        with open(path, "rb") as file:
            return self.vault.open(file.read(), path=path)


Foresight = Callable[[Wish, set[Key]], Iterator[tuple[Key, Question]]]


def _nothing_ahead(wish: Wish, known: set[Key]) -> Iterator[tuple[Key, Question]]:
    return iter(())


class Remote:
    """Does a module's work on the host, or on the one that the task is delegated to.

    Args:
        kit: of the run.
        task: what is done.
        host: whose task it is.
        target: on whom it is done.
        wish: how that one is reached.
        ends: of a module that is about two machines.
        foresight: what can be asked ahead of those who are reached by the same wish.
    """

    def __init__(
        self,
        kit: Kit,
        task: Task,
        host: str,
        wish: Wish,
        ends: Ends = ALONE,
        foresight: Foresight = _nothing_ahead,
    ) -> None:
        self._kit = kit
        self._task = task
        self._host = host
        self._wish = wish
        self._ends = ends
        self._foresight = foresight

    def do(self, module: Module, templar: Templar, search: Search, seen: Mapping[str, Any]) -> Done:
        """Run it; whatever the host does is in the answer. Raises what is no host's fault.

        Args:
            seen: the raw variables of whom it is done on.
        """
        once = lambda: self._once(module, templar, search, seen)  # noqa: E731
        return persistently(self._kit, self._task, self._wish, self._host, templar, once)

    def _once(
        self, module: Module, templar: Templar, search: Search, seen: Mapping[str, Any]
    ) -> Done:
        kit, task = self._kit, self._task
        limit = number(task, task.keywords.timeout, "timeout", templar, kit.settings.task_timeout)
        how = alone(task, templar, kit.settings.poll)
        context = self.context(module, templar, search, seen)
        exported = self.environment(templar)
        where = folder_of(seen, templar, exported, task)
        hands: TaskHands | None = None
        try:
            with (
                self._outside(how, context),
                kit.reach.lease(self._wish) as shell,
                self._other() as other,
            ):
                bound = limit if limit > 0 else None
                early = self._early(shell, how)
                more = kit.pausing, kit.now, bound
                hands = TaskHands(shell, exported, *more, self._intent, kit.changes, early)
                if other is not None:
                    hands.elsewhere = TaskHands(other, exported, *more, self._intent, kit.changes)
                about = context, where, kit.checked, kit.now, kit.emit
                jobs = Jobs(self._wish.host, hands, shell, *about)
                result = self._result(module, how, jobs, context, hands)
                hands.ended()
        except OpsrunError as error:
            done = self._ended(error, hands)
            passing = getattr(error, "transient", True)
            done.fleeting = done.outcome is Outcome.UNREACHABLE and passing
            return done
        return settled(Done(result))

    def _result(
        self, module: Module, how: Alone | None, jobs: Jobs, context: Context, hands: TaskHands
    ) -> dict[str, Any]:
        if isinstance(module, AsyncStatus):
            return jobs.look(module)
        return drive(module, context, hands).to_dict() if how is None else jobs.do(module, how)

    def context(
        self, module: Module, templar: Templar, search: Search, seen: Mapping[str, Any]
    ) -> Context:
        """In which circumstances the module runs; TemplateError, ModuleError."""
        kit, task = self._kit, self._task
        return Context(
            Local(search, templar, kit.vault),
            flag(task, "check_mode", templar, kit.settings.check),
            flag(task, "diff", templar, kit.settings.diff),
            self._host,
            namespaced(kit.state.host(self._wish.host).facts),
            _interpreters(module, seen, templar),
            self._ends.origin,
            self._ends.here,
        )

    def script(self, request: Run, templar: Templar) -> str:
        """What the host's session runs for a request."""
        return script_of(request, self.environment(templar) if request.environment else {})

    def _outside(self, how: Alone | None, context: Context) -> AbstractContextManager[None]:
        """What is done on another host, between two, or by a host alone: nobody here sees when,
        or whether, it changes something."""
        kit = self._kit
        if how is not None and not how.waits and not context.check:
            kit.changes.never_over()
        at_home = self._wish.host == self._host and self._ends is ALONE and how is None
        return nullcontext() if at_home else kit.changes.under_way()

    def _early(self, shell: HostShell, how: Alone | None) -> Early | None:
        kit = self._kit
        if kit.prefetch is None:
            return None
        answers = kit.prefetch.of(shell)
        if self._wish.host != self._host or self._ends is not ALONE or how is not None:
            answers.settle()
            return None
        return Early(answers, partial(self._foresight, self._wish))

    def environment(self, templar: Templar) -> dict[str, str]:
        """What is exported; while facts are gathered, what the facts themselves are to tell isn't.

        As in Ansible: a play's ``environment`` may build on ``ansible_env``.
        """
        gathers = self._task.action.name in ("setup", "gather_facts")
        return environment(self._task, templar, without_facts=gathers)

    @contextmanager
    def _other(self) -> Iterator[HostShell | None]:
        """The task's own host, where it is delegated to another and is about both."""
        if self._ends.other is None:
            yield None
            return
        with self._kit.reach.lease(self._ends.other) as shell:
            yield shell

    def _intent(self) -> None:
        # Of whose task it is, wherever it is done: its result is that host's.
        self._kit.intent(self._host, self._task.id)

    def _ended(self, error: OpsrunError, hands: TaskHands | None) -> Done:
        if not isinstance(error, HostError) or isinstance(error, BecomeError):
            return failure(str(error))
        words = f"{error.phase}: {error.message}" if error.phase else error.message
        words = f"{words} ({error.hint})" if error.hint else words
        if isinstance(error, Cancelled):
            return cancelled(words)
        if isinstance(error, CommandTimeout):
            limit = None if hands is None else hands.limit
            if limit is None:
                return failure(words)
            ended = f"the task's limit of {limit:g} s was reached: {error.message}"
            return failure(ended, timedout={"period": int(limit) if limit.is_integer() else limit})
        # Where it broke behind a change that was made, the next words to the host can't be said.
        lost = hands is not None and (
            hands.any_sent if isinstance(error, ConnectionLost) else hands.any_changed
        )
        if isinstance(error, (ConnectionFailed, ConnectionLost)):
            result = {"unreachable": True, "msg": words, "changed": False, "failed": True}
            if lost:
                result["lost"] = True
            return Done(result, Outcome.LOST if lost else Outcome.UNREACHABLE)
        return failure(words)


def _interpreters(module: Module, seen: Mapping[str, Any], templar: Templar) -> dict[str, str]:
    """See `Context.interpreters`; of those alone that may ask for one."""
    if not isinstance(module, Program):
        return {}
    named = (name for name in seen if name.startswith(_ANSIBLE) and name.endswith(_INTERPRETER))
    return {
        name[len(_ANSIBLE) : -len(_INTERPRETER)]: str(templar.render(seen[name])) for name in named
    }


def wished(kit: Kit, task: Task, host: str, delegate: str, templar: Templar, seen: Any) -> Wish:
    """How the task's host, or its delegate, is to be reached.

    Args:
        seen: the raw variables of that one, as the task sees them.

    Raises:
        TemplateError, ModuleError: a variable or keyword can't be used.
        OpsrunError: nobody confirmed that the delegate is meant.
    """
    target = delegate or host
    if delegate and not kit.settings.check:
        kit.delegated(delegate)
    delegated = bool(delegate) and "connection" not in task.written
    try:
        keywords = connecting(task.keywords, templar, _truth)
        made = wish(target, seen, templar, keywords, delegated=delegated)
        if made.become is not None and made.become.method:
            place = f"{task.places.get('become_method', task.origin)}: become_method"
            made = replace(made, become=replace(made.become, place=place))
        return made if made.connection else replace(made, connection=kit.settings.connection)
    except ValueError as error:
        raise ModuleError(f"port: {error}") from error


def _truth(value: Any) -> bool | None:
    from opsrun.playbook.runner.values import truth

    return None if value in (None, "") else truth(value, "become")
