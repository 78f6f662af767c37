"""One order, being carried out: from what its task awaits to what it exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import OpsrunError, UndefinedVariable
from opsrun.events import Notice, TaskResult
from opsrun.modules.base import ModuleError
from opsrun.playbook.interfaces import Templar, Wish
from opsrun.playbook.messages import NOTHING, Parked, RunTask, TaskEnded, Wait
from opsrun.playbook.model.nodes import LOOPED, Task
from opsrun.playbook.runner import loops
from opsrun.playbook.runner.attempts import Attempts
from opsrun.playbook.runner.done import Done, failure, forgiven, settled, together, untold, worst
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.loops import Item
from opsrun.playbook.runner.reached import reached
from opsrun.playbook.runner.remote import wished
from opsrun.playbook.runner.values import flag, names, number, truth
from opsrun.playbook.runner.waiting import waits
from opsrun.playbook.variables.layers import Layers
from opsrun.results import Outcome

CENSORED = "hidden, because no_log holds for this task"
SEALED = "hidden, because it was encrypted"
_OPEN = ("changed", "failed", "skipped", "unreachable", "attempts")
"""What of a hidden result is shown."""
_LABEL = 80
"""Characters of an item's label in a name."""


class Turn:
    """One order, being carried out."""

    def __init__(self, kit: Kit, task: Task, order: RunTask) -> None:
        self._kit = kit
        self._task = task
        self._order = order
        self._layers: Layers = kit.variables.layers(order.host, task, order)
        weakest = reached(task, order.host, kit.settings)
        self._templar: Templar = kit.variables.templar_over(self._layers.before(weakest), task)
        self._secret = False
        self._said = ""
        self._diffs = kit.settings.diff
        self._added: set[tuple[str, str]] = set()
        """Hosts and groups that items of the loop brought."""

    def wish(self) -> Wish:
        """How the host is to be reached for what is looked at beforehand."""
        return wished(self._kit, self._task, self._order.host, "", self._templar, self._layers)

    def waits(self) -> tuple[Wait, ...]:
        """What the task awaits."""
        return waits(self._task.awaits, self._templar)

    def parked(self) -> Parked | None:
        """What has to come before the task is done; None where nothing has to, or no more.

        A task that is left out by its conditions waits for nothing.
        """
        order = self._order
        if not self._task.awaits or order.passed or order.refused:
            return None
        if self._task.loop is None and self._attempts(self._templar, None).condition_only():
            return None
        try:
            found = self.waits()
            if self._checks():
                # What nobody changed need not hold.
                found = tuple(wait for wait in found if not wait.checks)
        except (OpsrunError, ModuleError) as error:
            self._unwaitable = str(error)
            return None
        hidden = self._hides(self._templar)
        return Parked(order.host, order.task, order.turn, found, hidden) if found else None

    def _checks(self) -> bool:
        return flag(self._task, "check_mode", self._templar, self._kit.settings.check)

    _unwaitable = ""
    """Why what the task awaits can't be told."""

    def ended(self) -> TaskEnded:
        """The whole of it."""
        before = self._kit.now()
        self._secret = self._hides(self._templar)
        self._said = self._name()
        self._diffs = self._shows_diff()
        found = self._each()
        whole = found[0] if self._task.loop is None else self._folded(found)
        whole.duration = self._kit.now() - before
        self._say(whole, None)
        return self._message(whole, found)

    def _hides(self, templar: Templar) -> bool:
        try:
            return flag(self._task, "no_log", templar)
        except (OpsrunError, ModuleError):
            # Rather too little shown than a secret.
            return True

    def _shows_diff(self) -> bool:
        try:
            return flag(self._task, "diff", self._templar, self._kit.settings.diff)
        except (OpsrunError, ModuleError):
            return self._kit.settings.diff

    def _name(self) -> str:
        name = self._task.name
        if not isinstance(name, Template):
            return name
        if self._secret:
            return str(name)
        try:
            return str(self._templar.render(name))
        except OpsrunError:
            return str(name)

    def _each(self) -> list[Done]:
        if refused := self._order.refused or self._unwaitable:
            return [self._without_items(ModuleError(refused))]
        if self._task.loop is None:
            try:
                self._readable()
            except (OpsrunError, ModuleError) as error:
                return [self._without_items(error)]
            return [self._attempts(self._templar, None).done()]
        try:
            found = loops.values(self._task, self._templar)
            items = loops.items(self._task, found, self._templar)
        except (OpsrunError, ModuleError) as error:
            return [self._without_items(error)]
        return self._through(items)

    def _readable(self) -> None:
        """Raises for keywords that are asked for once all is over: too late to take them back."""
        for name in ("any_errors_fatal", "run_once", "no_log"):
            flag(self._task, name, self._templar)

    def _without_items(self, error: Exception) -> Done:
        """A loop, or a keyword, can't be worked out; that is no failure where nothing is done."""
        attempts = self._attempts(self._templar, None)
        if isinstance(error, UndefinedVariable):
            done = attempts.condition_only()
            if done is not None:
                return done
        if isinstance(error, ModuleError):
            done = failure(error.msg, **error.data)
        else:
            done = failure(str(error))
        attempts.judge_failure(done)
        return done

    def _through(self, items: list[Item]) -> list[Done]:
        found: list[Done] = []
        control = self._task.loop.control if self._task.loop is not None else None
        assert control is not None
        try:
            pause = number(self._task, control.pause, "pause", self._templar, 0)
        except (OpsrunError, ModuleError) as error:
            return [self._without_items(error)]
        for item in items:
            if found and pause > 0 and self._kit.pausing.wait(pause):
                # The items that are left are not done: what was done is not all of it.
                found[-1].outcome = Outcome.CANCELLED
                break
            seen = replace(item, variables={**self._made(found), **item.variables})
            templar = self._templar.with_variables(seen.variables)
            done = self._item(templar, seen)
            self._label_block(done, item, templar)
            found.append(done)
            self._added.update((n.name, g) for n in done.new_hosts for g in ("all", *n.groups))
            broken = bool(control.break_when) and self._breaks(templar, done)
            self._say(done, self._label(item, templar, done))
            gone = done.outcome in (Outcome.LOST, Outcome.UNREACHABLE) and not done.ignored
            # As in Ansible 2.18, nothing is done for the items behind one that is unclear.
            if broken or gone or done.unclear or done.outcome is Outcome.CANCELLED:
                break
        return found

    def _item(self, templar: Templar, item: Item) -> Done:
        attempts = self._attempts(templar, item)
        try:
            flag(self._task, "no_log", templar)
        except (OpsrunError, ModuleError) as error:
            done = failure(str(error))
            done.result |= item.marks()
            attempts.judge_failure(done)
            return done
        return attempts.done()

    def _made(self, found: list[Done]) -> dict[str, Any]:
        """Variables that earlier items set, as far as nothing stronger has their names."""
        made = together(done.exports for done in found)
        extra = self._kit.settings.extra_vars
        every = {**made.facts, **made.included, **made.variables}
        return {name: value for name, value in every.items() if name not in extra}

    def _breaks(self, templar: Templar, done: Done) -> bool:
        control = self._task.loop.control if self._task.loop is not None else None
        assert control is not None
        seen = {self._task.register: done.result} if self._task.register else {}
        try:
            return all(templar.with_variables(seen).condition(one) for one in control.break_when)
        except OpsrunError as error:
            done.result |= {"failed": True, "msg": f"break_when: {error}"}
            settled(done)
            return True

    def _attempts(self, templar: Templar, item: Item | None) -> Attempts:
        def retrying(done: Done, attempt: int, left: int) -> None:
            label = None if item is None else self._label(item, templar, done)
            self._say(done, label, attempt, left)

        layers = self._layers if item is None else self._layers.over(item.variables)
        order, added = self._order, self._added
        return Attempts(self._kit, self._task, order, layers, templar, item, retrying, added)

    def _label(self, item: Item, templar: Templar, done: Done) -> str:
        control = self._task.loop.control if self._task.loop is not None else None
        if control is None or control.label is None:
            return str(item.value)
        try:
            seen = {self._task.register: done.result} if self._task.register else {}
            return str(templar.with_variables(seen).render(control.label))
        except OpsrunError:
            return str(item.value)

    def _label_block(self, done: Done, item: Item, templar: Templar) -> None:
        """What is decided about an item of a block is told under the item's name."""
        if self._task.action.name == LOOPED and done.includes and not self._secret:
            include = done.includes[0]
            label = {"label": self._label(item, templar, done)[:_LABEL]}
            done.includes = (replace(include, args={**include.args, **label}),)

    def _folded(self, found: list[Done]) -> Done:
        """All items as one."""
        if not found:
            return untold(settled(Done(dict(loops.NO_ITEMS))))
        if found[0].result.get("ansible_loop_var") is None:
            # What the loop is over was never known.
            return found[0]
        whole = Done(loops.together([done.result for done in found]))
        bad = worst(found)
        failed = [done for done in found if done.failed]
        if bad is not None:
            whole.outcome = bad
        elif failed:
            whole.outcome = failed[-1].outcome
            whole.ignored = True
        whole.exports = together(done.exports for done in found)
        if not found[-1].unclear:
            whole.includes = tuple(one for done in found for one in done.includes)
        whole.new_hosts = tuple(one for done in found for one in done.new_hosts)
        whole.groups = tuple(one for done in found for one in done.groups)
        whole.delegate = found[-1].delegate
        whole.hidden = any(done.hidden for done in found)
        untold(settled(whole))
        # Attempts came to their end, but ``failed_when`` forgave each item.
        return forgiven(whole) if whole.outcome is Outcome.FAILED and not failed else whole

    def _say(self, done: Done, item: str | None, attempt: int = 1, left: int | None = None) -> None:
        block = self._task.action.name == LOOPED
        if block and self._task.loop is None and done.outcome is Outcome.OK:
            # That an item of a block is not left out shows by itself.
            return
        result = self._shown(done)
        files = "" if block else ", ".join(each.name for each in done.includes)
        self._kit.emit(
            TaskResult(
                self._order.host,
                self._order.task,
                done.outcome,
                result,
                ignored=done.ignored,
                item=CENSORED if item is not None and self._secret else item,
                delegate=done.delegate,
                name=self._said,
                duration=done.duration,
                attempt=attempt,
                retries_left=left,
                included=CENSORED if files and self._secret else files,
                loop=item is None and self._task.loop is not None,
                quiet=self._is_quiet(),
                diff=self._diffs,
                rescued=not done.ignored and self._kit.book.rescued(self._order.task, done.outcome),
            )
        )

    def _is_quiet(self) -> bool:
        wanted = self._task.action.args.get("quiet")
        if wanted is None or self._task.action.name != "assert":
            return False
        try:
            return truth(self._templar.render(wanted))
        except (OpsrunError, ModuleError):
            return False

    def _shown(self, done: Done) -> Mapping[str, Any]:
        if not self._secret and not done.hidden:
            return done.result
        kept: dict[str, Any] = {key: value for key, value in done.result.items() if key in _OPEN}
        return {"censored": CENSORED if self._secret else SEALED, **kept}

    def _message(self, whole: Done, found: list[Done]) -> TaskEnded:
        # What failed sets nothing, ignored or not: neither do the items of a loop that went well.
        exports = NOTHING if whole.failed else whole.exports
        if self._task.register:
            exports = replace(exports, registered={self._task.register: whole.result})
        failed = whole.failed and not whole.ignored
        return TaskEnded(
            self._order.host,
            self._order.task,
            self._order.turn,
            whole.outcome,
            ignored=whole.ignored,
            result=whole.result,
            exports=exports,
            for_hosts=self._order.for_hosts,
            notified=self._notified(whole),
            includes=whole.includes,
            new_hosts=whole.new_hosts,
            groups=whole.groups,
            run_once=self._once(),
            fatal=failed and self._fatal(),
            meta=whole.meta,
            hidden=self._secret or whole.hidden,
            opened=self._opened(whole),
        )

    def _opened(self, whole: Done) -> tuple[str, ...]:
        """Gates; a task that was skipped, or whose failure was ignored, opens none."""
        if not self._task.opens or not self._did(whole):
            return ()
        place = self._task.places.get("opens", self._task.origin)
        seen = {self._task.register: whole.result} if self._task.register else {}
        try:
            return names(self._task.opens, self._templar.with_variables(seen), place)
        except OpsrunError as error:
            words = CENSORED if self._secret else str(error)
            self._kit.emit(Notice("error", f"opens: {words}", self._order.host))
            return ()

    def _did(self, whole: Done) -> bool:
        """Whether it went well; what only check mode left out would have."""
        if whole.outcome is not Outcome.SKIPPED:
            return whole.outcome in (Outcome.OK, Outcome.CHANGED)
        if not {"false_condition", "skipped_reason"}.isdisjoint(whole.result):
            return False
        try:
            return self._checks()
        except (OpsrunError, ModuleError):
            return False

    def _notified(self, whole: Done) -> tuple[str, ...]:
        if not self._task.notify or not whole.result.get("changed") or whole.failed:
            return ()
        place = self._task.places.get("notify", self._task.origin)
        try:
            return names(self._task.notify, self._templar, place)
        except OpsrunError as error:
            words = CENSORED if self._secret else str(error)
            self._kit.emit(Notice("error", f"notify: {words}", self._order.host))
            return tuple(str(each) for each in self._task.notify)

    def _once(self) -> bool | None:
        wanted = self._task.keywords.run_once
        if not isinstance(wanted, Template):
            return None
        try:
            return truth(self._templar.render(wanted), "run_once")
        except (OpsrunError, ModuleError):
            return False

    def _fatal(self) -> bool:
        try:
            usual = self._kit.settings.any_errors_fatal
            return flag(self._task, "any_errors_fatal", self._templar, usual)
        except (OpsrunError, ModuleError):
            return False
