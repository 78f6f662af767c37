"""Events of playbooks: what `opsrun.events` has besides, where tasks follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from opsrun.results import Outcome


@dataclass(frozen=True, slots=True)
class PlaybookStarted:
    """The plays of a playbook follow.

    >>> from opsrun import PlaybookStarted
    >>> PlaybookStarted("site.yml", 2).to_dict()["plays"]
    2
    """

    type: ClassVar[str] = "playbook"
    path: str
    """As the operator named it."""
    plays: int
    """How many it has, those of imported playbooks among them."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": self.type, "path": self.path, "plays": self.plays}


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """A play begins, with all its hosts; a batch of ``serial`` begins with `BatchStarted`.

    >>> from opsrun import PlayStarted
    >>> PlayStarted("install", ("web01",), "site.yml:3").to_dict()["hosts"]
    ['web01']
    """

    type: ClassVar[str] = "play"
    name: str
    hosts: tuple[str, ...]
    origin: str = ""
    """``file:line``."""
    batch: int = 1
    """Of how many batches this is which, from 1; a play without ``serial`` has one."""
    batches: int = 1
    index: int = 0
    """Counts plays of the run from 0, in the order of the files; ids of its tasks begin with it."""
    beside: bool = False
    """Other plays are under way as it begins: results of both come mixed."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "name": self.name,
            "hosts": list(self.hosts),
            "origin": self.origin,
            "batch": self.batch,
            "batches": self.batches,
            "index": self.index,
            "beside": self.beside,
        }


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The first host of a play has come to a task.

    >>> from opsrun import TaskStarted
    >>> TaskStarted("0/tasks/0", "say hello", "debug", "site.yml:5").to_dict()["action"]
    'debug'
    """

    type: ClassVar[str] = "task"
    task: str
    """Id of the task, the same in every run of the same files."""
    name: str
    """As the operator shall see it: rendered where that is possible without a host."""
    action: str
    origin: str = ""
    """``file:line``."""
    kind: Literal["task", "handler", "gather", "meta", "include", "block"] = "task"
    """``block``: not its tasks, but what finds the items of its loop, or decides about one."""
    role: str = ""
    shown: bool = True
    """Whether Ansible would print a banner for it."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "task": self.task,
            "name": self.name,
            "action": self.action,
            "origin": self.origin,
            "kind": self.kind,
            "role": self.role or None,
        }


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A task has ended on a host, or one item of its loop has.

    >>> from opsrun import Outcome, TaskResult
    >>> TaskResult("web01", "0/tasks/0", Outcome.CHANGED, {"rc": 0}).to_dict()["outcome"]
    'changed'
    """

    type: ClassVar[str] = "task_result"
    host: str
    task: str
    outcome: Outcome
    result: Mapping[str, Any] = field(default_factory=dict)
    """What ``register`` gets, censored where ``no_log`` holds; plain data."""
    ignored: bool = False
    item: str | None = None
    """Label of the item; None for the task as a whole."""
    delegate: str = ""
    """The host that it was done on, where that is another one."""
    name: str = ""
    """The task's name with this host's variables."""
    duration: float = 0.0
    attempt: int = 1
    """Of ``until``."""
    retries_left: int | None = None
    """Set where this attempt failed and another one follows; then it is no end."""
    included: str = ""
    """For an include: the file or role."""
    loop: bool = False
    """The task went through items; each had a `TaskResult` of its own before this one."""
    diff: bool = False
    """The task was to say how what it changes differs (``--diff``, or the keyword)."""
    rescued: bool = False
    """It failed inside a block that has a rescue part."""
    quiet: bool = False
    """Asked to say little of what is well (``assert`` with ``quiet``)."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": self.type,
            "host": self.host,
            "task": self.task,
            "name": self.name,
            "outcome": str(self.outcome),
            "ignored": self.ignored,
            "item": self.item,
            "delegate": self.delegate or None,
            "attempt": self.attempt,
            "retries_left": self.retries_left,
            "included": self.included or None,
            "loop": self.loop,
            "duration": round(self.duration, 6),
            "result": dict(self.result),
        }


@dataclass(frozen=True, slots=True)
class CustomStats:
    """What tasks with ``set_stats`` left for the end of the run.

    >>> from opsrun import CustomStats
    >>> CustomStats({"moved": 3}).to_dict()["run"]
    {'moved': 3}
    """

    type: ClassVar[str] = "custom_stats"
    run: Mapping[str, Any] = field(default_factory=dict)
    """Of all hosts together."""
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By host: those that were set with ``per_host``."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        hosts = {host: dict(stats) for host, stats in self.hosts.items()}
        return {"type": self.type, "run": dict(self.run), "hosts": hosts}


@dataclass(frozen=True, slots=True)
class BridgeCost:
    """What it took to have ansible-core do tasks (``--bridge``).

    >>> from opsrun.plays import BridgeCost
    >>> BridgeCost(12, 4, 31.25).told(40.1)
    'ansible-core was called 12 times for 4 modules: 31.2 s of 40.1 s'
    """

    calls: int
    modules: int
    """How many different ones."""
    seconds: float
    """In which at least one call was under way."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        seconds = round(self.seconds, 6)
        return {"calls": self.calls, "modules": self.modules, "seconds": seconds}

    def told(self, duration: float) -> str:
        """The same in words; ``duration`` is the run's, in seconds."""
        times = "once" if self.calls == 1 else f"{self.calls} times"
        modules = f"{self.modules} module{'' if self.modules == 1 else 's'}"
        took = f"{self.seconds:.1f} s of {duration:.1f} s"
        return f"ansible-core was called {times} for {modules}: {took}"


@dataclass(frozen=True, slots=True)
class HandlersPending:
    """Handlers were notified on a host that failed before they could run.

    >>> from opsrun import HandlersPending
    >>> HandlersPending("web01", ("restart nginx",)).to_dict()["handlers"]
    ['restart nginx']
    """

    type: ClassVar[str] = "handlers_pending"
    host: str
    handlers: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": self.type, "host": self.host, "handlers": list(self.handlers)}
