"""How a task has ended, of what it registered: ``is failed``, ``is changed`` …"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError, lazy


def _result(value: Any, name: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise PluginError(f"'is {name}' asks for what a task registered, not for {kind(value)}")
    return value


@lazy
def failed(value: Any) -> bool:
    """Whether the task has failed."""
    return bool(_result(value, "failed").get("failed", False))


@lazy
def success(value: Any) -> bool:
    """Whether it has not failed."""
    return not _result(value, "success").get("failed", False)


@lazy
def changed(value: Any) -> bool:
    """Whether it has changed something; of a loop, whether any item has."""
    found = _result(value, "changed")
    items = found.get("results")
    if "changed" not in found and isinstance(items, list) and _mappings(items):
        return any(bool(each.get("changed", False)) for each in items)
    return bool(found.get("changed", False))


def _mappings(items: list[Any]) -> bool:
    return bool(items) and isinstance(items[0], Mapping)


@lazy
def skipped(value: Any) -> bool:
    """Whether it was skipped."""
    return bool(_result(value, "skipped").get("skipped", False))


@lazy
def unreachable(value: Any) -> bool:
    """Whether the host could not be reached."""
    return bool(_result(value, "unreachable").get("unreachable", False))


@lazy
def reachable(value: Any) -> bool:
    """Whether the host could be reached."""
    return not _result(value, "reachable").get("unreachable", False)


@lazy
def timedout(value: Any) -> bool:
    """Whether its time was up."""
    found = _result(value, "timedout").get("timedout", False)
    return bool(found.get("period", False) if isinstance(found, Mapping) else found)


@lazy
def started(value: Any) -> bool:
    """Whether an asynchronous task has begun; true for others."""
    return bool(_result(value, "started").get("started", 1))


@lazy
def finished(value: Any) -> bool:
    """Whether an asynchronous task has ended; true for others."""
    return bool(_result(value, "finished").get("finished", 1))


TESTS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("failed", "failure"), failed),
    **dict.fromkeys(("success", "succeeded", "successful"), success),
    **dict.fromkeys(("changed", "change"), changed),
    **dict.fromkeys(("skipped", "skip"), skipped),
    "unreachable": unreachable,
    "reachable": reachable,
    "timedout": timedout,
    "started": started,
    "finished": finished,
}
