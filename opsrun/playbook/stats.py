"""What ``set_stats`` left for the end of a run: of the run as a whole, and of each host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.playbook.messages import Stats, TaskEnded

HIDDEN = "hidden, because no_log holds for the task that set it"


class CustomStats:
    """A fold of the messages of runners."""

    def __init__(self) -> None:
        self.run: dict[str, Any] = {}
        self.hosts: dict[str, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self.run or self.hosts)

    def fold(self, ended: TaskEnded) -> None:
        """Take in what a task set."""
        for stats in ended.exports.stats:
            data = dict.fromkeys(stats.data, HIDDEN) if ended.hidden else stats.data
            if not stats.per_host:
                _set(self.run, data, stats)
                continue
            for host in ended.for_hosts or (ended.host,):
                _set(self.hosts.setdefault(host, {}), data, stats)


def _set(known: dict[str, Any], data: Mapping[str, Any], how: Stats) -> None:
    for name, value in data.items():
        known[name] = _together(known[name], value) if how.aggregate and name in known else value


def _together(old: Any, new: Any) -> Any:
    """As Ansible adds them up; what is of another kind than what is there leaves that as it is."""
    if isinstance(old, Mapping):
        return _merged(old, new) if isinstance(new, Mapping) else old
    if old is None or HIDDEN in (old, new) or not isinstance(new, type(old)):
        return old
    return old + new


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[name] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return found
