"""Whole playbooks without hosts: the real loop, over an engine that is one list of calls to come.

What is under way ends in the order that a random number says; nothing waits, nothing sleeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any

from opsrun.engine.stop import Stop
from opsrun.events import Event, PlayStarted
from opsrun.inventory import load_inventory
from opsrun.playbook.book import TaskBook
from opsrun.playbook.coordinator import Office
from opsrun.playbook.messages import Parked, PlayEnded, RunTask, TaskEnded, Wait
from opsrun.playbook.model.gates import Await
from opsrun.playbook.model.nodes import Block, Play, RawAction, Task
from opsrun.playbook.pending import PendingHandlers
from opsrun.playbook.play_run import Desk
from opsrun.playbook.recap import Recap
from opsrun.playbook.run import PlaybookRun
from opsrun.playbook.state import RunState
from opsrun.playbook.variables.live import LiveInventory
from opsrun.playbook.variables.settings import RunSettings
from opsrun.results import Outcome


class OneByOne:
    """An engine: whoever waits for an answer has a call made that was to be made."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._calls: list[Callable[[], None]] = []
        self.time = 0.0

    def spawn(self, call: Callable[..., Any], *args: Any) -> None:
        self._calls.append(lambda: call(*args))

    def offload(self, call: Callable[..., Any], *args: Any) -> Any:
        return call(*args)

    def queue(self, _size: int) -> OneByOne.Queue:
        return OneByOne.Queue(self)

    def lock(self) -> Any:
        return nullcontext()

    def now(self) -> float:
        return self.time

    def event(self) -> Any:
        return NeverSet()

    class Queue:
        def __init__(self, engine: OneByOne) -> None:
            self._engine = engine
            self._answers: deque[Any] = deque()

        def put(self, answer: Any) -> None:
            self._answers.append(answer)

        def get(self, seconds: float) -> Any:
            calls = self._engine._calls
            while not self._answers and calls and seconds:
                calls.pop(self._engine._rng.randrange(len(calls)))()
            if not self._answers:
                self._engine.time += seconds
                return None
            return self._answers.popleft()


class NeverSet:
    """Never set: nothing ends these runs early."""

    def is_set(self) -> bool:
        return False

    def set(self) -> None:
        raise AssertionError("nobody stops these runs")


class Plain:
    """A templar for what has no templates."""

    def render(self, value: Any, origin: Any = None) -> Any:
        return value


class NoScopes:
    def begin(self, play: Any) -> None:
        pass

    def before_play(self, play: Any) -> Any:
        return Plain()


@dataclass
class Told:
    """What happened to one host's task."""

    host: str
    task: str
    how: str
    """``parked``, ``done``, or why it was refused."""


@dataclass
class World:
    """Answers for all hosts."""

    book: TaskBook
    says: Mapping[tuple[str, str], Outcome]
    told: list[Told] = field(default_factory=list)
    holds: Callable[[str], bool] = lambda check: True
    """Whether a check does."""

    def run(self, order: RunTask) -> TaskEnded | Parked:
        task = self.book.task(order.task)
        if task.awaits and not order.passed and not order.refused:
            self.told.append(Told(order.host, task.id, "parked"))
            waits = tuple(
                Wait(each.what, each.kind == "check", each.any_of, each.timeout)
                for each in task.awaits
            )
            return Parked(order.host, order.task, order.turn, waits)
        outcome = self.says.get((task.id, order.host), Outcome.OK)
        if order.refused:
            outcome = Outcome.FAILED
        self.told.append(Told(order.host, task.id, order.refused or "done"))
        opened = tuple(task.opens) if outcome is Outcome.OK else ()
        meta = "" if task.action.name != "meta" else str(task.action.free_form)
        return TaskEnded(
            order.host,
            order.task,
            order.turn,
            outcome,
            for_hosts=order.for_hosts,
            meta=meta,
            opened=opened,
            result={"msg": order.refused},
        )

    def look(self, order: RunTask, wait: Wait) -> str:
        return "" if all(self.holds(check) for check in wait.what) else f"{wait.what} does not hold"

    def healthy(self, order: RunTask) -> str:
        task = self.book.task(order.task)
        return (
            "" if all(self.holds(f"{order.host}:{one.what[0]}") for one in task.awaits) else "ill"
        )


@dataclass
class Conducted:
    """A run that has ended."""

    left: str
    told: list[Told]
    events: list[Event]
    ended: list[PlayEnded] = field(default_factory=list)

    def of(self, task: str) -> dict[str, str]:
        """How each host's last word about a task was."""
        return {each.host: each.how for each in self.told if each.task == task}

    @property
    def begun(self) -> list[str]:
        """Names of plays, as they began."""
        return [each.name for each in self.events if isinstance(each, PlayStarted)]

    @property
    def order(self) -> list[str]:
        """``task:host`` of all that was done."""
        return [f"{each.task}:{each.host}" for each in self.told if each.how == "done"]


def step(
    play: int,
    name: str,
    *,
    opens: Sequence[str] = (),
    awaits: Sequence[str | Await] = (),
    **more: Any,
) -> Task:
    """A task of a play; its id is ``PLAY/NAME``."""
    waits = tuple(each if isinstance(each, Await) else Await((each,), "gate") for each in awaits)
    action = more.pop("action", RawAction("debug", "debug"))
    return Task(f"{play}/{name}", action, name=name, opens=tuple(opens), awaits=waits, **more)


def play_of(index: int, hosts: str, *tasks: Task, **more: Any) -> Play:
    """A play over hosts named with commas."""
    return Play(
        index,
        hosts,
        name=more.pop("name", f"p{index}"),
        blocks=(Block(f"{index}/all", tasks),),
        **more,
    )


def conduct(
    plays: Sequence[Play],
    says: Mapping[tuple[str, str], Outcome] | None = None,
    *,
    rng: Random | None = None,
    places: int = 50,
    holds: Callable[[str], bool] = lambda check: True,
) -> Conducted:
    """Carry plays out."""
    engine: Any = OneByOne(rng or Random(0))
    hosts = dict.fromkeys(name for play in plays for name in str(play.hosts).split(","))
    book, events = TaskBook(), list[Event]()
    world = World(book, says or {}, holds=holds)
    office = Office(
        engine,
        Stop(engine),
        book,
        RunState(),
        LiveInventory(load_inventory([",".join(hosts) + ","])),
        world,  # type: ignore[arg-type]
        lambda order: (_ for _ in ()).throw(AssertionError("no includes")),
        Recap(),
        events.append,
        places,
        lambda task: str(task.name),
        lambda task: 1 << 30,
    )
    desk = Desk(
        RunSettings(),
        NoScopes(),  # type: ignore[arg-type]
        lambda paths, playbook: {},
        lambda prompt, words, default: "",
        lambda scope: None,
        Random(0),
        PendingHandlers(plays),
    )
    left = PlaybookRun(office, desk).run(plays)
    return Conducted(left, world.told, events)
