"""Who includes what: which hosts share a dynamic include, and what it led to."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.playbook.messages import Include, Load
from opsrun.playbook.model.nodes import Block
from opsrun.playbook.scheduler.crew import HostState

Key = tuple[str, Hashable, int]
"""Id of the including task, the include itself, and the how manieth of its kind on the host."""


@dataclass(slots=True)
class Group:
    """An include and those that have it together."""

    task: str
    include: Include
    hosts: list[HostState] = field(default_factory=list)
    blocks: Sequence[Block] = ()
    error: str = ""


def grouped(said: Iterable[tuple[HostState, str, Sequence[Include]]]) -> list[Group]:
    """Put equal includes together.

    Args:
        said: host, id of the including task, its includes.

    Returns:
        The groups, in the order in which they were first met. Each host is in as many as it has
        includes, even if it has one of them twice.
    """
    groups: dict[Key, Group] = {}
    for host, task, includes in said:
        times: dict[Hashable, int] = {}
        for include in includes:
            what = frozen((include.kind, include.name, include.args, include.vars))
            times[what] = times.get(what, 0) + 1
            key = (task, what, times[what])
            if key not in groups:
                groups[key] = Group(task, include)
            groups[key].hosts.append(host)
    return list(groups.values())


class Loading:
    """The includes that are being loaded."""

    def __init__(self) -> None:
        self._waiting: dict[int, Group] = {}
        self._last = 0

    def order(self, group: Group) -> Load:
        """What loads ``group``."""
        self._last += 1
        self._waiting[self._last] = group
        names = tuple(host.name for host in group.hosts)
        return Load(group.task, group.include, names, self._last)

    def answer(self, number: int) -> Group | None:
        """Whom the answer with this number is for; None if nobody waits for it."""
        return self._waiting.pop(number, None)

    def __len__(self) -> int:
        return len(self._waiting)


def frozen(value: Any) -> Hashable:
    """Something hashable that is equal for equal values of JSON's kinds; True isn't 1."""
    if isinstance(value, Mapping):
        return frozenset((key, frozen(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(frozen(each) for each in value)
    try:
        hash(value)
    except TypeError:
        return type(value).__name__, repr(value)
    return type(value).__name__, value
