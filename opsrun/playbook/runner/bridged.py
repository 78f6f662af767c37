"""A task that ansible-core does in our place: what is said to it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.errors import Cancelled, CommandTimeout, HostError, OpsrunError, TemplateError
from opsrun.modules.base import ModuleError
from opsrun.modules.own.foreign import AnsiblePython
from opsrun.playbook.interfaces import Bridge, BridgeCall, Templar, Wish
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.runner.done import Done, cancelled, failure, settled
from opsrun.playbook.runner.jobs import alone
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.values import environment, flag, number
from opsrun.playbook.runner.wishes import CONNECTION_VARIABLES
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.variables.magic import MAGIC
from opsrun.results import Outcome

_OURS = frozenset(
    {*CONNECTION_VARIABLES, *MAGIC}
    | {f"ansible_{name}" for name in ("delegated_vars", "local", "forks", "verbosity", "limit")}
    | {f"ansible_{name}" for name in ("run_tags", "skip_tags", "inventory_sources")}
    | {f"ansible_{name}" for name in ("playbook_python", "config_file", "search_path", "loop")}
    | {f"ansible_{name}" for name in ("role_names", "play_role_names", "dependent_role_names")}
    | {f"ansible_{name}" for name in ("parent_role_names", "collection_name", "role_name")}
    | {f"ansible_{name}" for name in ("loop_var", "index_var", "failed_task", "failed_result")}
)
"""What is said in another way, is a fact, or tells of the run, which is not ansible-core's."""


class Bridged:
    """Does a module's work on a host by way of ansible-core.

    Args:
        kit: of the run.
        bridge: leads there.
        task: what is done.
        host: whose task it is.
        wish: how that one is reached, or whom the task is delegated to.
    """

    def __init__(self, kit: Kit, bridge: Bridge, task: Task, host: str, wish: Wish) -> None:
        self._kit = kit
        self._bridge = bridge
        self._task = task
        self._host = host
        self._wish = wish

    def do(
        self, module: AnsiblePython, templar: Templar, seen: Mapping[str, Any], theirs: Templar
    ) -> Done:
        """Have it done; whatever comes of that is in the answer.

        Args:
            module: with its options.
            templar: sees what the task sees.
            seen: the raw variables of whom it is done on.
            theirs: renders those.

        Raises:
            ModuleError: it asks for what can't be had with the bridge.
            TemplateError: a keyword can't be rendered.
            UsageError: see `Bridge.call`.
        """
        kit, task = self._kit, self._task
        if alone(task, templar) is not None:
            words = "is done by ansible-core on this machine: async can't be had with it"
            raise ModuleError(f"{module.name} {words}")
        limit = number(task, task.keywords.timeout, "timeout", templar, kit.settings.task_timeout)
        call = BridgeCall(
            module.name,
            module.path,
            module.arguments,
            self._wish,
            self._host,
            self._variables(seen, theirs),
            environment(task, templar),
            task.keywords.collections,
            flag(task, "check_mode", templar, kit.settings.check),
            flag(task, "diff", templar, kit.settings.diff),
            limit if limit > 0 else None,
        )
        if not call.check:
            kit.intent(self._host, task.id)
        try:
            return ended(self._bridge.call(call))
        except HostError as error:
            return broken(error, limit)

    def _variables(self, seen: Mapping[str, Any], templar: Templar) -> dict[str, Any]:
        """Those that modules and their helpers ask for: interpreters, kinds of devices …"""
        facts = self._kit.state.host(self._wish.host).facts
        found = {}
        for name in seen:
            gathered = name in facts or name.removeprefix("ansible_") in facts
            if not name.startswith("ansible_") or name in _OURS or gathered:
                continue
            try:
                value = templar.render(seen[name])
            except TemplateError:
                # Nobody may ever ask for it.
                continue
            if value is not OMIT:
                found[name] = value
        return found


def ended(result: dict[str, Any]) -> Done:
    """What ansible-core registered, as a result of ours."""
    found = {name: value for name, value in result.items() if not name.startswith("_ansible_")}
    found.pop("invocation", None)
    facts = found.get("ansible_facts")
    if isinstance(facts, Mapping):
        # How ansible-core found Python there is nothing that playbooks asked for.
        kept = {key: facts[key] for key in facts if key != "discovered_interpreter_python"}
        found["ansible_facts"] = kept
        if not kept:
            del found["ansible_facts"]
    if found.get("unreachable"):
        return Done({**found, "changed": False, "failed": True}, Outcome.UNREACHABLE)
    return settled(Done(found))


def broken(error: OpsrunError, limit: float) -> Done:
    """What became of a call that did not come to its end."""
    if isinstance(error, Cancelled):
        return cancelled(error.message)
    if isinstance(error, CommandTimeout) and limit > 0:
        words = f"the task's limit of {limit:g} s was reached: ansible-core was ended"
        period = int(limit) if limit.is_integer() else limit
        return failure(words, timedout={"period": period})
    return failure(str(error))
