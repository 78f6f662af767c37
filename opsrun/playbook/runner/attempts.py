"""One task, or one item of its loop, on one host: conditions, attempts, verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import Cancelled, OpsrunError, TemplateError, did_you_mean
from opsrun.modules.base import ModuleError
from opsrun.modules.options import OptionError
from opsrun.modules.own.foreign import AnsiblePython
from opsrun.modules.registry import short_name
from opsrun.playbook.actions.base import Acted, Action, Call, rendered
from opsrun.playbook.actions.registry import INCLUDES, find_action
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.messages import Exports, Include, RunTask
from opsrun.playbook.model.nodes import LOOPED, Task
from opsrun.playbook.runner.ahead import ahead_of
from opsrun.playbook.runner.bridged import Bridged
from opsrun.playbook.runner.done import Done, cancelled, failure, forgiven, settled, untold
from opsrun.playbook.runner.ends import Ends
from opsrun.playbook.runner.jobs import alone
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.loops import Item
from opsrun.playbook.runner.reached import reached
from opsrun.playbook.runner.remote import Remote, wished
from opsrun.playbook.runner.resolved import action_of, resolved, with_module
from opsrun.playbook.runner.search import Search
from opsrun.playbook.runner.values import flag, keyword, number
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.variables.layers import Layers
from opsrun.results import Outcome

Retrying = Callable[[Done, int, int], None]
"""Told of an attempt that failed: what it came to, which one it was, how many are left."""

RETRIES = 3
"""Of ``until`` without ``retries``."""
DELAY = 5.0
"""Seconds between attempts, unless ``delay`` says otherwise."""

_TASKS_ARGS = ("apply",)
_ROLE_ARGS = (
    *("apply", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public"),
    *("allow_duplicates", "rolespec_validate"),
)


class Attempts:
    """See the module's docstring.

    Args:
        kit: of the run.
        task: what is done.
        order: for whom, and when.
        layers: the raw variables of the host.
        templar: sees them, and the item's.
        item: of the loop; None where there is none.
        retrying: see `Retrying`.
        added: hosts and groups of theirs that earlier items brought, and nobody else sees yet.
    """

    def __init__(
        self,
        kit: Kit,
        task: Task,
        order: RunTask,
        layers: Layers,
        templar: Templar,
        item: Item | None,
        retrying: Retrying,
        added: Collection[tuple[str, str]] = (),
    ) -> None:
        self._kit = kit
        self._task = task
        self._order = order
        self._layers = layers
        self._templar = templar
        self._item = item
        self._retrying = retrying
        self._added = added
        self._search = Search(task, kit.playbook(task), kit.settings.cwd)
        self._home = False
        """Whether the task is delegated to its own host."""

    def done(self) -> Done:
        """All of it. Raises nothing that is the user's fault, or the host's."""
        before = self._kit.now()
        try:
            done = self._conditional()
        except (OpsrunError, ModuleError) as error:
            done = self._refused(error)
        done.duration = self._kit.now() - before
        if self._item is not None:
            done.result |= self._item.marks()
        if done.failed:
            self.judge_failure(done)
        return done

    def condition_only(self) -> Done | None:
        """The skipped task, if a condition says so by itself; None where none does."""
        own = self._task.action.args.get("when", ()) if self._name == LOOPED else ()
        try:
            for condition in (*self._task.keywords.when, *own):
                if not self._templar.condition(condition, self._place("when")):
                    return self._skipped(condition)
        except (OpsrunError, ModuleError):
            return None
        return None

    def _refused(self, error: Exception) -> Done:
        if isinstance(error, Cancelled):
            return cancelled(error.message)
        if isinstance(error, ModuleError):
            return failure(error.msg, **error.data)
        if isinstance(error, OptionError) and error.origin is not None:
            return failure(f"{error.origin}: {error}")
        done = failure(str(error))
        done.unclear = isinstance(error, TemplateError)
        return done

    def judge_failure(self, done: Done) -> None:
        """Whether it counts (``ignore_errors``, ``ignore_unreachable``)."""
        keyword = "ignore_errors"
        if done.outcome in (Outcome.UNREACHABLE, Outcome.LOST):
            keyword = "ignore_unreachable"
        if done.outcome is Outcome.CANCELLED:
            return
        try:
            done.ignored = flag(self._task, keyword, self._templar)
        except (OpsrunError, ModuleError) as error:
            done.result["msg"] = f"{done.result.get('msg', '')}; {keyword}: {error}"

    def _conditional(self) -> Done:
        for condition in self._task.keywords.when:
            if not self._templar.condition(condition, self._place("when")):
                return self._skipped(condition)
        self._task = with_module(self._task, self._templar)
        return self._included() if self._name in INCLUDES else self._repeated()

    @property
    def _name(self) -> str:
        return short_name(self._task.action.name)

    def _place(self, keyword: str) -> Any:
        return self._task.places.get(keyword, self._task.origin)

    def _skipped(self, condition: Any) -> Done:
        shown = condition if isinstance(condition, bool) else str(condition)
        reason = "Conditional result was False"
        result = {"skipped": True, "skip_reason": reason, "false_condition": shown}
        return untold(settled(Done(result)))

    def _item_of_block(self) -> Done:
        item = self._item
        place = {} if item is None else {"index": item.index}
        include = Include("block", self._task.name, place, {} if item is None else item.variables)
        return settled(Done({}, includes=(include,)))

    def _included(self) -> Done:
        if self._name == LOOPED:
            return self._item_of_block()
        action, templar = self._task.action, self._templar
        role = self._name == "include_role"
        known = _ROLE_ARGS if role else _TASKS_ARGS
        args = dict(action.args)
        kept = {"apply": self._apply(args.pop("apply"))} if "apply" in args else {}
        given, free_form = rendered(replace(action, args=args), templar)
        target = free_form or given.pop("name" if role else "file", None) or given.pop("role", None)
        given = {name: value for name, value in given.items() if name not in ("name", "file")}
        unknown = next((name for name in given if name not in known), None)
        if unknown is not None:
            guess = did_you_mean(unknown, known)
            raise ModuleError(f"{self._name} has no option {unknown!r}{guess}")
        if not target:
            raise ModuleError(f"{self._name} needs the name of a {'role' if role else 'file'}")
        include = Include(
            "role" if role else "tasks",
            str(target),
            {**given, **kept},
            dict(self._item.variables) if self._item is not None else {},
        )
        result = {"include": str(target), "include_args": dict(given)}
        return settled(Done(result, includes=(include,)))

    def _apply(self, value: Any) -> Any:
        """As written: its keywords are read for the tasks that are included. Written as one
        template, it is what that comes to."""
        return self._templar.render(value) if isinstance(value, Template) else value

    def _repeated(self) -> Done:
        task = self._task
        if not task.until and task.retries is None:
            return self._judged(self._once())
        asked = int(number(task, task.retries, "retries", self._templar, RETRIES))
        if asked < 1:
            # As in Ansible 2.18: then nothing is looked at again, not even ``until``.
            return self._judged(self._once())
        most = asked + 1
        pause = number(task, task.delay, "delay", self._templar, DELAY)
        for attempt in range(1, most + 1):
            done = self._once()
            done.attempts = attempt
            # changed_when and failed_when may ask for it.
            done.result["attempts"] = attempt
            self._judged(done)
            if done.outcome in (Outcome.UNREACHABLE, Outcome.LOST, Outcome.CANCELLED):
                return done
            if done.outcome is Outcome.SKIPPED or self._enough(done):
                return done
            if attempt == most:
                break
            self._retrying(done, attempt, most - attempt)
            self._kit.changes.touch()
            if self._kit.pausing.wait(max(0.0, pause)):
                done.outcome = Outcome.CANCELLED
                return done
        # One less than there were: Ansible's figure.
        done.result["attempts"] = most - 1
        done.result["failed"] = True
        settled(done)
        # ``failed_when`` has the last word, though what is registered says "failed".
        return forgiven(done) if done.result.get("failed_when_result") is False else done

    def _enough(self, done: Done) -> bool:
        if not self._task.until:
            return not done.failed
        templar = self._seeing(done.result)
        return all(
            templar.condition(condition, self._place("until")) for condition in self._task.until
        )

    def _seeing(self, result: Mapping[str, Any]) -> Templar:
        """With the result under the name that it will have."""
        seen: dict[str, Any] = {}
        if self._task.register:
            seen[self._task.register] = result
        facts = result.get("ansible_facts")
        if isinstance(facts, Mapping) and self._name in ("set_fact", "include_vars"):
            seen |= facts
        return self._templar.with_variables(seen) if seen else self._templar

    def _judged(self, done: Done) -> Done:
        """After ``changed_when`` and ``failed_when``."""
        task = self._task
        if done.outcome in (Outcome.UNREACHABLE, Outcome.LOST, Outcome.CANCELLED):
            return done
        if done.result.get("rc", 0) not in (0, None) and "failed" not in done.result:
            done.result["failed"] = True
        settled(done)
        judged = (("changed_when", task.changed_when, "changed"),)
        for name, conditions, key in (*judged, ("failed_when", task.failed_when, "failed")):
            if not conditions or done.outcome is Outcome.SKIPPED:
                continue
            templar = self._seeing(done.result)
            try:
                holds = all(templar.condition(one, self._place(name)) for one in conditions)
            except OpsrunError as error:
                done.result |= {"failed": True, f"{name}_result": str(error), "msg": str(error)}
                return settled(done)
            done.result[key] = holds
            if key == "failed":
                done.result["failed_when_result"] = holds
            settled(done)
        return done

    def _once(self) -> Done:
        delegate = self._delegate()
        if delegate:
            self._templar = self._templar.with_variables(self._of_delegate(delegate))
        action = find_action(self._name)
        try:
            done = self._acted(action) if action is not None else self._on_host(delegate)
        except ModuleError as error:
            # A module's own failure is a result: failed_when, changed_when and until judge it.
            done = self._refused(error)
        done.delegate = delegate
        return self._with_facts(done, delegate)

    def _of_delegate(self, delegate: str) -> dict[str, Any]:
        """Variables that are there, or others, because the task is done elsewhere."""
        kit = self._kit
        found = reached(self._task, delegate, kit.settings, delegated=True)
        seen = {name: value for name, value in found.items() if name not in self._layers}
        known = kit.variables.of_delegate(delegate, self._order.host)
        return {**seen, "ansible_delegated_vars": {delegate: known}}

    def _delegate(self) -> str:
        keywords, place = self._task.keywords, self._place("delegate_to")
        found = keyword(keywords, "delegate_to", self._templar, place)
        if found in (None, ""):
            written = keywords.delegate_to
            # Left out on purpose, or a mistake: here is where it was not to be done.
            if isinstance(written, Template) and self._templar.render(written) is not OMIT:
                raise ModuleError(f"delegate_to: {written} came to no host's name")
            return ""
        self._home = found == self._order.host
        return "" if self._home else str(found)

    def _acted(self, kind: type[Action]) -> Done:
        kit, task = self._kit, self._task
        if alone(task, self._templar) is not None:
            raise ModuleError(f"{self._name} is done on the controller: async can't be had with it")
        call = Call(
            task,
            self._order.host,
            self._templar,
            self._search,
            kit.pausing,
            kit.read_vars,
            flag(task, "check_mode", self._templar, kit.settings.check),
            kit.settings.verbosity,
            lambda host, group: (host, group) in self._added or kit.is_member(host, group),
            self._layers.__contains__,
        )
        with nullcontext() if kind.passes else self._kit.changes.under_way():
            acted: Acted = kind.prepare(action_of(self._kit, task), call).act(call)
        if acted.meta == "reset_connection":
            self._reset()
        return settled(
            Done(
                acted.result.to_dict(),
                exports=acted.exports,
                new_hosts=acted.new_hosts,
                groups=acted.groups,
                meta=acted.meta,
                hidden=acted.hidden,
            )
        )

    def _reset(self) -> None:
        """Close the host's connection: the next task logs in again."""
        wish = wished(self._kit, self._task, self._order.host, "", self._templar, self._layers)
        with self._kit.reach.lease(wish) as shell:
            shell.forget()

    def _on_host(self, delegate: str) -> Done:
        task, host = self._task, self._order.host
        module = resolved(self._kit, task, self._templar)
        seen, templar = self._layers, self._templar
        if delegate:
            seen = self._kit.variables.layers(delegate, task, replace(self._order, host=delegate))
            templar = self._kit.variables.templar_over(seen, task)
            if self._item is not None:
                templar = templar.with_variables(self._item.variables)
        wish = wished(self._kit, task, host, delegate, templar, seen)
        if self._kit.bridge is not None and isinstance(module, AnsiblePython):
            bridged = Bridged(self._kit, self._kit.bridge, task, host, wish)
            with self._kit.changes.under_way():
                return bridged.do(module, self._templar, seen, templar)
        if module.between:
            own = wished(self._kit, task, host, "", self._templar, self._layers)
            ends = Ends.of(own, wish if delegate else None, home=self._home)
            remote = Remote(self._kit, task, host, ends.wish, ends)
            return remote.do(module, self._templar, self._search, seen)
        foresight = ahead_of(self._kit, self._order, self._layers, self._templar, self._item)
        remote = Remote(self._kit, task, host, wish, foresight=foresight)
        return remote.do(module, self._templar, self._search, seen)

    def _with_facts(self, done: Done, delegate: str) -> Done:
        facts = done.result.get("ansible_facts")
        if not isinstance(facts, Mapping) or not facts or done.failed:
            return done
        other = delegate and flag(self._task, "delegate_facts", self._templar)
        if self._name in ("set_fact", "include_vars"):
            if other and self._name == "set_fact":
                done.exports = replace(done.exports, facts_of=delegate)
            return done
        done.exports = Exports(facts=dict(facts), facts_of=delegate if other else None)
        return done
