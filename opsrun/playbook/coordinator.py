"""A batch of a play under way: it carries messages between scheduler, state and runners.

What it does itself is to load includes, and to say what begins. Several batches, of plays side by
side, share a floor, which has places for so many hosts as the run has.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.errors import InputError, OpsrunError, PatternError
from opsrun.events import Event, HandlersPending, Notice, TaskResult, TaskStarted
from opsrun.playbook.actions.registry import INCLUDES
from opsrun.playbook.book import TaskBook
from opsrun.playbook.gating.board import GateBoard, Release
from opsrun.playbook.messages import Load, Loaded, Parked, PlayEnded, RunTask, TaskEnded
from opsrun.playbook.model.nodes import LOOPED, Block, Node, Task
from opsrun.playbook.parse.loader import Included
from opsrun.playbook.recap import Recap
from opsrun.playbook.runner.host_runner import HostRunner
from opsrun.playbook.runner.turn import CENSORED
from opsrun.playbook.scheduler.crew import Status
from opsrun.playbook.scheduler.play import PlayScheduler
from opsrun.playbook.scheduler.settings import PlaySettings
from opsrun.playbook.state import RunState
from opsrun.playbook.variables.live import LiveInventory
from opsrun.playbook.variables.playscope import PlayScope
from opsrun.results import Outcome

TaskKind = Literal["task", "handler", "gather", "meta", "include", "block"]
Pass = Callable[[Any], Any]
"""Takes a message over to where it is read; the test engine's goes through JSON."""


def as_it_is(message: Any) -> Any:
    """Within one process a message need not be written down."""
    return message


@dataclass(frozen=True, slots=True)
class Office:
    """What the loop works with."""

    engine: Engine
    stop: Stop
    book: TaskBook
    state: RunState
    inventory: LiveInventory
    runner: HostRunner
    load: Callable[[Load], Included]
    """Loads an include, tags chosen. PlaybookError."""
    recap: Recap
    emit: Callable[[Event], None]
    places: int
    """Hosts that are worked on at the same time."""
    name_of: Callable[[Task], str]
    """A task's name as the operator shall see it, of no host in particular."""
    throttle: Callable[[Task], int]
    """Hosts that may do a task at the same time; at least one."""
    confirm: Callable[[Task, str], bool] | None = None
    """Of ``--step``: whether a task is to be done."""
    passing: Pass = as_it_is


class Floor:
    """What all batches that are under way share: places for hosts, and the queue of answers.

    Args:
        office: see `Office`.
        board: who waits for gates.
    """

    def __init__(self, office: Office, board: GateBoard) -> None:
        self.office = office
        self.board = board
        self.busy = 0
        """Orders that have been begun and not been answered, of all batches."""
        self._answers = office.engine.queue(max(1, office.places))
        self._closed = False

    @property
    def has_room(self) -> bool:
        """Whether one more host may be worked on."""
        return self.busy < self.office.places

    def answer(self, to: Callable[[Any], None], message: Any) -> None:
        """Hand a message over, from whichever task it comes; ``to`` reads it in the loop's."""
        if not self._closed:
            self._answers.put((to, message))

    def hear(self, seconds: float) -> bool:
        """Have the next message read, waiting so long for one; whether there was one."""
        found = self._answers.get(seconds)
        if found is None:
            return False
        to, message = found
        to(message)
        return True

    def close(self) -> None:
        """Nobody hears any more: who still looks at something for a host that has left need not
        wait for that."""
        self._closed = True
        while self._answers.get(0) is not None:
            pass


class Step(Protocol):
    """A part of a play that takes its time."""

    over: Any
    """What it came to; None until then."""

    def advance(self) -> None:
        """Do all that can be done without waiting."""

    def fill(self) -> None:
        """Begin work as long as there is room on the floor."""


class BatchRun:
    """One batch of a play, from its first order to its end; a `Step`.

    Args:
        floor: where it works.
        scope: the play.
        blocks: what is done, tags chosen.
        handlers: those of the play.
        hosts: the batch.
        settings: see `PlaySettings`.
        handler_name: rendered names of handlers.
    """

    def __init__(
        self,
        floor: Floor,
        scope: PlayScope,
        blocks: Sequence[Block],
        handlers: Sequence[Node],
        hosts: Sequence[str],
        settings: PlaySettings,
        handler_name: Callable[[Task], str],
    ) -> None:
        self._floor = floor
        self._office = floor.office
        self._scope = scope
        self._play = scope.play.index
        self._free = settings.strategy != "linear"
        self._scheduler = PlayScheduler(blocks, handlers, hosts, settings, name_of=handler_name)
        self._waiting: deque[RunTask] = deque()
        self._doing: Counter[str] = Counter()
        self._announced: str | None = None
        self._seen: set[str] = set()
        self._skipped_steps: dict[str, bool] = {}
        self.over: PlayEnded | None = None

    def advance(self) -> None:
        """Take in what the scheduler orders; see whether that is its last."""
        office, scheduler = self._office, self._scheduler
        if self.over is not None:
            return
        if office.stop.draining:
            scheduler.cancel(office.stop.reason or "the run was ended")
            self._give_up_waiting()
        while orders := scheduler.ready():
            # What an include brought is ordered by asking again.
            for order in orders:
                self._take(office.passing(order))
        self._tell_board()
        self._complain()

    def _tell_board(self) -> None:
        for host, status in self._scheduler.left():
            why = None if status is Status.ACTIVE else _LEFT.get(status, "")
            self._floor.board.openings.left(self._play, host, why)
            if why is not None:
                self._floor.board.leave(self._play, host)

    def release(self, release: Release) -> None:
        """The wait of a host is over, one way or the other."""
        parked = release.seat.parked
        self._scheduler.release(parked.host, parked.turn, release.refused)

    def _give_up_waiting(self) -> None:
        """Orders that nobody has begun are answered all the same: the scheduler counts on it."""
        for order in self._waiting:
            self._scheduler.ended(TaskEnded(order.host, order.task, order.turn, Outcome.CANCELLED))
        self._waiting.clear()

    def _take(self, order: RunTask | Load | PlayEnded) -> None:
        if isinstance(order, RunTask):
            self._waiting.append(order)
        elif isinstance(order, Load):
            self._load(order)
        else:
            self._finish(order)

    def fill(self) -> None:
        """See `Step.fill`."""
        office, floor = self._office, self._floor
        while floor.has_room:
            order = self._next()
            if order is None:
                return
            task = office.book.task(order.task)
            office.inventory.settle(order.task)
            self._announce(task)
            floor.busy += 1
            self._doing[task.id] += 1
            if office.confirm is not None and not self._confirmed(task):
                office.engine.spawn(self._leave_out, order)
            else:
                office.engine.spawn(self._work, order)

    def _next(self) -> RunTask | None:
        """The first order whose task may be begun on one more host (``throttle``)."""
        for _ in range(len(self._waiting)):
            order = self._waiting.popleft()
            task = self._office.book.task(order.task)
            most = task.keywords.throttle
            if most is None or self._doing[task.id] < self._office.throttle(task):
                return order
            self._waiting.append(order)
        return None

    def _confirmed(self, task: Task) -> bool:
        if task.implicit:
            return True
        known = self._skipped_steps.get(task.id)
        if known is None:
            office = self._office
            assert office.confirm is not None
            known = office.engine.offload(office.confirm, task, office.name_of(task))
            self._skipped_steps[task.id] = known
        return known

    def _leave_out(self, order: RunTask) -> None:
        result = {"changed": False, "skipped": True, "skip_reason": "left out by the operator"}
        ended = TaskEnded(order.host, order.task, order.turn, Outcome.SKIPPED, result=result)
        self._floor.answer(self._hear, ended)

    def _work(self, order: RunTask) -> None:
        office = self._office
        try:
            ended = office.passing(office.runner.run(office.passing(order)))
        except Exception as error:
            # Whatever it is: somebody waits for this answer, and would wait for good.
            ended = self._spoiled(order, error)
        except BaseException as error:
            self._floor.answer(self._hear, self._spoiled(order, error))
            raise
        self._floor.answer(self._hear, ended)

    def _spoiled(self, order: RunTask, error: BaseException) -> TaskEnded:
        words = f"a bug in opsrun lost the result of this task: {type(error).__name__}"
        self._office.emit(Notice("error", words, order.host))
        result = {"failed": True, "changed": False, "msg": words}
        return TaskEnded(order.host, order.task, order.turn, Outcome.FAILED, result=result)

    def _hear(self, message: TaskEnded | Parked) -> None:
        self._floor.busy -= 1
        self._doing[message.task] -= 1
        if isinstance(message, Parked):
            self._scheduler.ended(message)
            self._floor.board.park(self._play, message)
        else:
            self._fold(message)

    def _gates(self, task: Task, ended: TaskEnded) -> None:
        openings = self._floor.board.openings
        hosts = ended.for_hosts or (ended.host,)
        if ended.opened:
            openings.opened(self._play, hosts, ended.opened)
        elif task.opens and ended.outcome is Outcome.SKIPPED:
            for host in hosts:
                openings.skipped(self._play, host, task)

    def _fold(self, ended: TaskEnded) -> None:
        office = self._office
        task = office.book.task(ended.task)
        try:
            office.inventory.fold(ended)
        except PatternError as error:
            ended = self._refused(ended, f"{task.origin}: {error}")
        office.state.fold(ended)
        if _counts(task, ended):
            rescued = office.book.rescued(ended.task, ended.outcome)
            office.recap.add(ended, rescued=rescued)
        self._gates(task, ended)
        self._scheduler.ended(ended)

    def _hides(self, task: str) -> bool:
        """Whether a task's words may hold what ``no_log`` hides."""
        return bool(task) and self._office.book.task(task).keywords.no_log not in (None, False)

    def _refused(self, ended: TaskEnded, words: str) -> TaskEnded:
        """The same, failed: what it adds to the inventory can't be added."""
        words = CENSORED if ended.hidden else words
        self._office.emit(Notice("error", words, ended.host))
        result = {**ended.result, "failed": True, "msg": words}
        return replace(ended, outcome=Outcome.FAILED, result=result, ignored=False)

    def _load(self, order: Load) -> None:
        office = self._office
        try:
            found = office.engine.offload(office.load, order)
        except (InputError, OpsrunError) as error:
            self._scheduler.loaded(Loaded(order.number, error=str(error)), (), ())
            return
        rescued = office.book.rescued(order.task)
        away = office.book.rescued(order.task, Outcome.UNREACHABLE)
        office.book.add(found.blocks, rescued=rescued, away=away)
        office.book.add(found.handlers)
        for role in (*found.imported, *([found.role] if found.role else ())):
            self._scope.add_role(role)
        self._floor.board.openings.learn(self._play, (*found.blocks, *found.handlers))
        names = tuple(block.id for block in found.blocks)
        message = Loaded(order.number, names, tuple(node.id for node in found.handlers))
        self._scheduler.loaded(office.passing(message), found.blocks, found.handlers)

    def _complain(self) -> None:
        for complaint in self._scheduler.complaints():
            level = "error" if complaint.host else "warning"
            where = self._office.book.task(complaint.task).origin if complaint.task else None
            said = CENSORED if self._hides(complaint.task) else complaint.message
            known = where is None or said.startswith(f"{where}:")
            words = said if known else f"{where}: {said}"
            if complaint.host:
                self._blame(complaint.host, complaint.task, words)
            if not complaint.host or not self._is_include(complaint.task):
                self._office.emit(Notice(level, words, complaint.host))  # type: ignore[arg-type]

    def _is_include(self, task: str) -> bool:
        return self._office.book.task(task).action.name in INCLUDES

    def _blame(self, host: str, task: str, words: str) -> None:
        """A task failed on a host without a word of its runner's."""
        office = self._office
        result = {"msg": words, "failed": True, "changed": False}
        rescued = office.book.rescued(task)
        office.recap.add(TaskEnded(host, task, 0, Outcome.FAILED, result=result), rescued=rescued)
        if self._is_include(task):
            # It was counted as well when its conditions held; now it has a result that says so.
            office.recap.of(host).ok -= office.book.task(task).action.name != LOOPED
            name, reason = office.name_of(office.book.task(task)), {**result, "reason": words}
            office.emit(TaskResult(host, task, Outcome.FAILED, reason, name=name, rescued=rescued))

    def _announce(self, task: Task) -> None:
        """Say that a task begins: whenever another one does, or on free strategies once."""
        if task.id == self._announced or (self._free and task.id in self._seen):
            return
        self._announced = task.id
        self._seen.add(task.id)
        self._office.emit(started(task, self._office.name_of(task)))

    def _finish(self, order: PlayEnded) -> None:
        self.over = order
        self._office.inventory.settle()
        for host, names in order.pending.items():
            self._office.emit(HandlersPending(host, names))


_LEFT = {
    Status.FAILED: "failed",
    Status.UNREACHABLE: "was not reached",
    Status.CANCELLED: "was not done when the run ended",
}
"""What is said of hosts that left a play before they opened a gate; others had nothing to open."""


def started(task: Task, name: str) -> TaskStarted:
    """What is said of a task that begins."""
    role = task.role.name if task.role is not None else ""
    kind = _kind(task)
    return TaskStarted(
        task.id, name, task.action.name, str(task.origin), kind, role, task.action.name != "meta"
    )


def _counts(task: Task, ended: TaskEnded) -> bool:
    """Whether it is one of the host's tasks: what went well, and is no task by itself, isn't."""
    if task.action.name == LOOPED:
        return ended.outcome is not Outcome.OK
    return task.action.name != "meta" or not (ended.ignored or ended.outcome.is_good)


def _kind(task: Task) -> TaskKind:
    if task.action.name == LOOPED:
        return "block"
    if task.handler:
        return "handler"
    if task.action.name == "meta":
        return "meta"
    if task.implicit:
        return "gather"
    return "include" if task.action.name in INCLUDES else "task"
