"""What is known of every host because of what has been done: a fold of the messages of runners.

Facts, registered results, ``set_fact`` and ``include_vars`` are each host's own, and reach others
through ``hostvars`` alone. Any process that folds the same messages in knows the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from opsrun.playbook.fact_store import FactStore
from opsrun.playbook.messages import Exports, TaskEnded
from opsrun.playbook.stats import CustomStats


class HostState:
    """One host's share. Its mappings are to be read only, and never change in place."""

    __slots__ = ("facts", "failure", "included", "variables")

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        self.facts: Mapping[str, Any] = facts or {}
        """As modules named them: ``ansible_kernel``; and what ``cacheable`` facts are called."""
        self.included: Mapping[str, Any] = {}
        """``include_vars``; may hold templates."""
        self.variables: Mapping[str, Any] = {}
        """``set_fact`` and ``register``: of equal strength, so the last one wins."""
        self.failure: Mapping[str, Any] = {}
        """The result of the task that failed last: ``ansible_failed_result``."""

    @property
    def gathered(self) -> bool:
        """Whether its facts have been gathered, whichever part of them."""
        return bool(self.facts.get("module_setup"))

    def take(self, exports: Exports, *, facts: bool = True) -> None:
        """Fold what a task exported in; ``facts`` is False where they are another host's."""
        if exports.clear_facts:
            self.facts = {}
        if facts and exports.facts:
            self.facts = _merged_facts(self.facts, exports.facts)
        if exports.cacheable:
            self.facts = {**self.facts, **exports.cacheable}
        if exports.included:
            self.included = {**self.included, **exports.included}
        if exports.variables or exports.registered:
            self.variables = {**self.variables, **exports.variables, **exports.registered}


def _merged_facts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = {**old, **new}
    local_before, local_now = old.get("ansible_local"), new.get("ansible_local")
    if isinstance(local_before, Mapping) and isinstance(local_now, Mapping):
        merged["ansible_local"] = {**local_before, **local_now}
    return merged


class RunState:
    """Every host's share, and what belongs to the run as a whole.

    Args:
        store: keeps facts beyond the run; without one they are forgotten with it.
    """

    def __init__(self, store: FactStore | None = None) -> None:
        self._store = store
        self._hosts: dict[str, HostState] = {}
        self.stats = CustomStats()

    def host(self, name: str) -> HostState:
        """The share of the host with this name; an empty one if nothing is known yet."""
        found = self._hosts.get(name)
        if found is None:
            kept = self._store.load(name) if self._store is not None else None
            found = self._hosts[name] = HostState(kept)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def fold(self, ended: TaskEnded) -> None:
        """Take in what a task exported, for whom it is."""
        exports = ended.exports
        if not ended.outcome.is_good and not ended.ignored:
            self.host(ended.host).failure = ended.result
        other = exports.facts_of
        own = exports if other is None else replace(exports, variables={}, cacheable={})
        for name in ended.for_hosts or (ended.host,):
            self._take(name, own, facts=other is None)
        for one in (exports, *exports.elsewhere):
            if one.facts_of is not None:
                told = Exports(one.facts, one.variables, cacheable=one.cacheable)
                self._take(one.facts_of, told)
        self.stats.fold(ended)

    def _take(self, name: str, exports: Exports, *, facts: bool = True) -> None:
        host = self.host(name)
        before = host.facts
        host.take(exports, facts=facts)
        if self._store is None or host.facts is before:
            return
        if host.facts:
            self._store.save(name, host.facts)
        else:
            self._store.forget(name)

    def forget(self, host: str) -> None:
        """Nothing is known of a host any more."""
        self._hosts.pop(host, None)
