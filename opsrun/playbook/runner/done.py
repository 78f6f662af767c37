"""What one task, or one item of it, came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.playbook.messages import NOTHING, Exports, GroupBy, Include, NewHost, Stats
from opsrun.results import Outcome


@dataclass(slots=True)
class Done:
    """See the module's docstring; ``result`` is what ``register`` gets."""

    result: dict[str, Any]
    outcome: Outcome = Outcome.OK
    exports: Exports = NOTHING
    includes: tuple[Include, ...] = ()
    new_hosts: tuple[NewHost, ...] = ()
    groups: tuple[GroupBy, ...] = ()
    meta: str = ""
    delegate: str = ""
    ignored: bool = False
    duration: float = 0.0
    attempts: int = 1
    fleeting: bool = False
    """The host could not be reached, nothing was done there, and another attempt may end better."""
    unclear: bool = False
    """A condition, or what is to be done, could not be rendered; nothing was done."""
    said: list[str] = field(default_factory=list)
    hidden: bool = False
    """Nothing of the result is to be shown."""

    @property
    def failed(self) -> bool:
        """Whether it did not end well; also where that is ignored."""
        return not self.outcome.is_good


def settled(done: Done) -> Done:
    """With ``changed`` and ``failed`` in the result, and the outcome that they make."""
    result = done.result
    result["changed"] = bool(result.get("changed", False))
    result["failed"] = bool(result.get("failed", False))
    if done.outcome in (Outcome.UNREACHABLE, Outcome.LOST, Outcome.CANCELLED):
        return done
    if result["failed"]:
        done.outcome = Outcome.FAILED
    elif result.get("skipped"):
        done.outcome = Outcome.SKIPPED
    else:
        done.outcome = Outcome.CHANGED if result["changed"] else Outcome.OK
    return done


def untold(done: Done) -> Done:
    """The same; of what was skipped, and of a loop, ``failed`` is only told where it is so."""
    if not done.result.get("failed"):
        done.result.pop("failed", None)
    return done


def forgiven(done: Done) -> Done:
    """It ended well, whatever its result says."""
    done.outcome = Outcome.CHANGED if done.result.get("changed") else Outcome.OK
    return done


def failure(msg: Any, **data: Any) -> Done:
    """A failed one."""
    return settled(Done({"failed": True, "msg": msg, **data}, Outcome.FAILED))


def cancelled(msg: str) -> Done:
    """The end of the run came before the task's."""
    return Done({"msg": msg, "failed": True, "changed": False}, Outcome.CANCELLED)


_WORST = (Outcome.CANCELLED, Outcome.LOST, Outcome.UNREACHABLE, Outcome.FAILED)


def worst(each: Iterable[Done]) -> Outcome | None:
    """The worst outcome among those that did not end well and are not ignored; None for none."""
    found = {done.outcome for done in each if done.failed and not done.ignored}
    return next((outcome for outcome in _WORST if outcome in found), None)


def together(each: Iterable[Exports]) -> Exports:
    """What several items exported, later ones over earlier ones."""
    facts: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    cacheable: dict[str, Any] = {}
    included: dict[str, Any] = {}
    stats: tuple[Stats, ...] = ()
    elsewhere: list[Exports] = []
    clear = False
    for one in each:
        if one.facts_of is None:
            facts |= one.facts
            variables |= one.variables
            cacheable |= one.cacheable
        else:
            elsewhere.append(one)
        included |= one.included
        stats += one.stats
        clear = clear or one.clear_facts
    own = Exports(facts, variables, cacheable, included, {}, None, stats, clear)
    return replace(own, elsewhere=tuple(elsewhere))
