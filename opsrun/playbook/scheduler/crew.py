"""The hosts of a batch: who goes on, who failed, who went away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto

from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Node, Task
from opsrun.playbook.scheduler.road import Road


class Status(Enum):
    ACTIVE = auto()
    DONE = auto()
    """Came to the end well, or the play was ended for it."""
    FAILED = auto()
    UNREACHABLE = auto()
    ENDED = auto()
    """By ``end_host``."""
    CANCELLED = auto()


class HostState:
    """What the scheduler knows about one host."""

    __slots__ = (
        "asked",
        "at",
        "failing",
        "missed",
        "name",
        "order",
        "parked",
        "rank",
        "released",
        "resumed",
        "road",
        "starting",
        "status",
        "undone",
    )

    def __init__(self, name: str, rank: int, blocks: Sequence[Node], starting: bool) -> None:
        self.name = name
        self.rank = rank
        self.road = Road(blocks)
        self.status = Status.ACTIVE
        self.order: RunTask | None = None
        """What it has been told and has not answered."""
        self.at: Task | None = None
        """The task that it stands at; set by `Progress.settle`."""
        self.asked: dict[str, None] | None = None
        """Names and topics notified since the last flush."""
        self.resumed: set[str] | None = None
        """Ids of handlers that an earlier run left, until it has come to a task of this one."""
        self.undone: set[str] | None = None
        """Ids of handlers that it was lost at."""
        self.failing = False
        """It has failed for good and runs its handlers yet (``force_handlers``)."""
        self.starting = starting
        """The first task to be done (``--start-at-task``) hasn't been found yet."""
        self.parked: RunTask | None = None
        """The order that it answered by waiting for a gate; nobody waits for it meanwhile."""
        self.released: tuple[str, str] | None = None
        """Id of the task whose wait is over, and why it may not be done (or nothing)."""
        self.missed: set[str] | None = None
        """Ids of tasks that one host did for all while this one was parked."""

    @property
    def active(self) -> bool:
        """Whether it still has something to do in this play."""
        return self.status is Status.ACTIVE


class Crew:
    """The hosts of one batch, in the order of the play."""

    def __init__(self, names: Sequence[str], known_failed: Sequence[str]) -> None:
        self.by_name: dict[str, HostState] = {}
        self.size = len(names)
        self._known = known_failed
        self._alive = dict.fromkeys(names)
        self._gone: dict[str, None] = {}
        self._shown = dict.fromkeys(names)
        """Of ``ansible_play_batch``: those that are alive, but for who is doomed."""
        self._hidden: dict[str, None] = {}
        self.left: list[str] = []
        """Names of hosts that left, or came back, since somebody last looked; any number of times.
        """
        self._shared: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self.counted: set[str] = set()
        """Hosts whose failure counts for ``max_fail_percentage``: those with nothing left to do
        when they failed (no always part, no handlers that are forced), as in Ansible 2.18."""

    def __iter__(self) -> Iterator[HostState]:
        return iter(self.by_name.values())

    def active(self) -> list[HostState]:
        """Those that have something to do yet."""
        return [host for host in self.by_name.values() if host.status is Status.ACTIVE]

    def having(self, status: Status) -> tuple[str, ...]:
        """Names of those with this status."""
        return tuple(host.name for host in self.by_name.values() if host.status is status)

    def leave(self, host: HostState, status: Status) -> None:
        """``host`` takes no further part."""
        host.status = status
        host.parked = None
        self.left.append(host.name)
        if status is not Status.DONE:
            self.without(host)

    def without(self, host: HostState) -> None:
        """``host`` is no longer one of ``ansible_play_batch``."""
        if host.name in self._alive:
            del self._alive[host.name]
            self._gone[host.name] = None
            self._hide(host.name)

    def _hide(self, name: str) -> None:
        self._shown.pop(name, None)
        self._hidden[name] = None
        self._shared = None

    def doom(self, host: HostState) -> None:
        """``host`` is not shown as one of ``ansible_play_batch``, and is one in all else: it goes
        through an always part, and nothing rescues it."""
        self._hide(host.name)

    def everybody(self) -> tuple[str, ...]:
        """Names of all that take part."""
        return tuple(self._alive)

    def bring_back(self, hosts: Iterable[HostState]) -> None:
        """``hosts``, which were unreachable, go on where they were."""
        for host in hosts:
            host.status = Status.ACTIVE
            self.left.append(host.name)
            self._gone.pop(host.name, None)
            self._hidden.pop(host.name, None)
        self._alive = dict.fromkeys(name for name in self.by_name if name not in self._gone)
        self._shown = dict.fromkeys(name for name in self._alive if name not in self._hidden)
        self._shared = None

    def batch_and_removed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """``RunTask.batch`` and ``RunTask.removed``; the same objects until somebody leaves."""
        if self._shared is None:
            self._shared = tuple(self._shown), (*self._known, *self._hidden)
        return self._shared
