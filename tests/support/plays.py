"""A world for schedulers: small trees, hosts that answer by a table, and what they did."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from opsrun.playbook.messages import Include, Load, Loaded, PlayEnded, RunTask, TaskEnded
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Node, RawAction, Role, Task
from opsrun.playbook.scheduler import Complaint, PlayScheduler, PlaySettings
from opsrun.playbook.scheduler.tape import tasks_of
from opsrun.results import Outcome


def task(name: str, **more: Any) -> Task:
    """An ordinary task, whose id is its name."""
    return Task(name, RawAction("debug", "debug"), name=name, **more)


def once(name: str, value: Any = True) -> Task:
    return task(name, keywords=Keywords(run_once=value))


def meta(word: str, name: str = "", **more: Any) -> Task:
    action = RawAction("meta", "meta", free_form=word)
    return Task(name or word, action, name=name or word, **more)


def flush(name: str) -> Task:
    """One that opsrun itself puts between the parts of a play."""
    return meta("flush_handlers", name, implicit=True)


def block(
    name: str,
    *tasks: Node | str,
    rescue: Sequence[Node | str] = (),
    always: Sequence[Node | str] = (),
    **more: Any,
) -> Block:
    return Block(name, nodes(tasks), nodes(rescue), nodes(always), **more)


def nodes(given: Iterable[Node | str]) -> tuple[Node, ...]:
    return tuple(task(each) if isinstance(each, str) else each for each in given)


def handler(name: str, *, id: str = "", listen: tuple[str, ...] = (), **more: Any) -> Task:
    action = more.pop("action", RawAction("debug", "debug"))
    return Task(id or name, action, name=name, listen=listen, handler=True, **more)


Says = Mapping[tuple[str, str], Mapping[str, Any]]
"""What differs from "it went well, nothing changed", by task and host; ``*`` for all hosts."""

FAILS: Mapping[str, Any] = {"outcome": Outcome.FAILED}
AWAY: Mapping[str, Any] = {"outcome": Outcome.UNREACHABLE}
ROLE = Role("web", "/roles/web")


def notifies(*names: str) -> Mapping[str, Any]:
    return {"outcome": Outcome.CHANGED, "notified": names}


def includes(*names: str) -> Mapping[str, Any]:
    return {"includes": tuple(Include("tasks", name) for name in names)}


@dataclass
class World:
    """Drives a scheduler to its end."""

    scheduler: PlayScheduler
    says: Says = field(default_factory=dict)
    files: Mapping[str, Sequence[Block]] = field(default_factory=dict)
    handlers: Mapping[str, Sequence[Node]] = field(default_factory=dict)
    """Of included roles."""
    did: list[tuple[str, str]] = field(default_factory=list)
    """Task and host, as ordered."""
    orders: list[RunTask] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    metas: dict[str, str] = field(default_factory=dict)
    pick: Callable[[int], int] = lambda waiting: 0
    end: PlayEnded | None = None
    limit: int = 100_000
    heard: list[TaskEnded] = field(default_factory=list)
    """All answers, in the order in which they were given."""
    answer_by: Callable[[RunTask], TaskEnded] | None = None

    def run(self) -> World:
        """To the `PlayEnded`; the next answer is ``pick(how many are waited for)``."""
        waiting: deque[RunTask | Load] = deque()
        for _step in range(self.limit):
            for order in self.scheduler.ready():
                if isinstance(order, PlayEnded):
                    assert self.end is None
                    self.end = order
                else:
                    waiting.append(order)
                    self._note(order)
            self.complaints += self.scheduler.complaints()
            if self.end is not None:
                assert not waiting
                assert self.scheduler.finished
                return self
            assert waiting, "nobody is asked, and nothing has ended"
            waiting.rotate(-self.pick(len(waiting)))
            self._answer(waiting.popleft())
        raise AssertionError("no end in sight")

    def _note(self, order: RunTask | Load) -> None:
        if isinstance(order, Load):
            self.loads.append(order)
            return
        self.orders.append(order)
        self.did.append((order.task, order.host))

    def _answer(self, order: RunTask | Load) -> None:
        if isinstance(order, Load):
            name = order.include.name
            found = self.files.get(name)
            error = "" if found is not None else f"no file {name}"
            ids = tuple(each.id for each in found or ())
            loaded = Loaded(order.number, ids, error=error)
            self.scheduler.loaded(loaded, found or (), self.handlers.get(name, ()))
            return
        said = (self.answer_by or self.answer)(order)
        self.heard.append(said)
        self.scheduler.ended(said)

    def answer(self, order: RunTask) -> TaskEnded:
        said = {"outcome": Outcome.OK, "meta": self.metas.get(order.task, "")}
        said |= self.says.get((order.task, "*"), {})
        said |= self.says.get((order.task, order.host), {})
        return TaskEnded(order.host, order.task, order.turn, **said)

    def by(self, host: str) -> list[str]:
        """What ``host`` did, in order."""
        return [each for each, whose in self.did if whose == host]

    def turns(self) -> list[str]:
        """Like ``t1:ab t2:a``: for linear, tasks and the hosts that did them."""
        found: list[list[str]] = []
        for name, host in self.did:
            if not found or found[-1][0] != name:
                found.append([name, ""])
            found[-1][1] += host
        return [f"{name}:{hosts}" for name, hosts in found]


def world(
    blocks: Sequence[Node | str],
    says: Says | None = None,
    *,
    hosts: str = "abc",
    handlers: Sequence[Node] = (),
    files: Mapping[str, Sequence[Block]] | None = None,
    role_handlers: Mapping[str, Sequence[Node]] | None = None,
    rng: Random | None = None,
    **settings: Any,
) -> World:
    """A play over hosts named by a letter each, ready to run.

    Meta tasks answer with their word unless ``says`` has something else.
    """
    tree = nodes(blocks)
    whole = (*tree, *handlers, *(each for file in (files or {}).values() for each in file))
    made = World(
        PlayScheduler(tree, handlers, list(hosts), PlaySettings(**settings)),  # type: ignore[arg-type]
        says or {},
        files or {},
        role_handlers or {},
    )
    for each in tasks_of(whole):
        if each.action.name == "meta":
            made.metas[each.id] = str(each.action.free_form)
    if rng is not None:
        made.pick = rng.randrange
    return made


def play(*given: Any, **more: Any) -> World:
    """`world`, run to its end."""
    return world(*given, **more).run()
