"""Which hosts run when: bounded concurrency, rolling batches, thresholds of failure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Generic, TypeVar

from opsrun.engine.base import Engine, Semaphore, Task
from opsrun.engine.crowds import OPEN, Crowds, Door
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Share:
    """So many, or so many per cent: ``5`` or ``10%``."""

    number: float
    percent: bool = False

    @classmethod
    def parse(cls, text: str, what: str) -> Share:
        """Read ``N`` or ``N%``.

        Raises:
            UsageError: it is neither, or negative, or over 100 %; ``what`` names it.
        """
        percent = text.endswith("%")
        try:
            number = float(text.removesuffix("%")) if percent else int(text)
        except ValueError:
            raise UsageError(f"{what} takes a number or a percentage, not {text!r}") from None
        if not 0 <= number <= (100 if percent else math.inf):
            raise UsageError(f"{what} can't be {text}")
        return cls(number, percent)

    def of(self, total: int) -> float:
        """The share of ``total``."""
        return total * self.number / 100 if self.percent else self.number


@dataclass(frozen=True, slots=True)
class Plan:
    """How a list of hosts is worked through.

    Raises:
        UsageError: fewer than one host at once, batches of none, or of two sizes.
    """

    forks: int = 50
    """Hosts at once."""
    serial: Share | None = None
    """Size of a batch; the next one starts when the last one is through."""
    fail_fast: bool = False
    """The first bad outcome cancels everything."""
    max_fail: Share | None = None
    """More bad outcomes than this, and no further host is started."""
    canary: tuple[Share, ...] = ()
    """Sizes of the first batches; all others are the last one, and each begins only if the one
    before it showed no reason not to."""

    def __post_init__(self) -> None:
        if self.forks < 1:
            raise UsageError(f"at least 1 host at once, not {self.forks}")
        if self.serial is not None and not self.serial.number:
            raise UsageError("a batch (serial) of no hosts would never get anywhere")
        if not all(share.number for share in self.canary):
            raise UsageError("a canary of no hosts would show nothing")
        if self.canary and self.serial is not None:
            raise UsageError("canary and serial both say how large the batches are: give one")

    def batches(self, total: int) -> Iterator[range]:
        """Ranges of positions that cover ``total`` hosts.

        >>> [list(r) for r in Plan(serial=Share(50, percent=True)).batches(5)]
        [[0, 1], [2, 3], [4]]
        >>> [list(r) for r in Plan(canary=(Share(1), Share(40, percent=True))).batches(5)]
        [[0], [1, 2], [3, 4]]
        """
        start = 0
        for size in self._sizes(total):
            if start >= total:
                return
            yield range(start, min(total, start + size))
            start += size

    def _sizes(self, total: int) -> Iterator[int]:
        if self.serial is not None:
            return repeat(_hosts(self.serial, total))
        return chain((_hosts(share, total) for share in self.canary), [total])


def _hosts(share: Share, total: int) -> int:
    return max(1, int(share.of(total)))


class Slot:
    """A worker's place among the concurrent ones, and in front of the door that it has to pass.

    Args:
        places: those of all workers.
        enter, leave: called as the worker comes to stand in front of its door, and no longer does.
    """

    def __init__(
        self,
        places: Semaphore,
        enter: Callable[[], None] = lambda: None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._places = places
        self._enter = enter
        self._leave = leave
        self._waits = True
        """Stands in front of the door."""
        self._through = False

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """While the block waits for something else, another host may use the place."""
        self._step_back()
        self._places.release()
        try:
            yield
        finally:
            self._places.acquire()
            self._step_up()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place for the block: for a task that helps one which has given its own back."""
        self._places.acquire()
        self._step_up()
        try:
            yield
        finally:
            self._step_back()
            self._places.release()

    def beside(self) -> Slot:
        """Another one of the same places, in front of no door: for a task that helps many."""
        return Slot(self._places)

    def through(self) -> None:
        """The door is passed, or need not be: somebody else may come to stand in front of it."""
        self._through = True
        self._step_back()

    def _step_up(self) -> None:
        if not self._through and not self._waits:
            self._waits = True
            self._enter()

    def _step_back(self) -> None:
        if self._waits:
            self._waits = False
            self._leave()


class Dispatcher(Generic[Item]):
    """Starts a worker for each item, as many at once as the plan allows.

    They start in the order of the items; but while as many stand in front of a door as it is wide,
    further ones that want to it don't take the places of those who could go on elsewhere.

    Args:
        work: called in a task of its own with the item and its `Slot`; gives whether it ended well.
        skip: called for each item that is never started.
        door: what an item's worker has to get through.
        judge: called with each batch but the last, once all of its workers have ended; gives the
            reason to begin no further one, or nothing.
        look_back: called before that, once all workers of a batch have ended, for each that ended
            well; with the same item and slot, in a task of its own that has a place; gives whether
            it is still well. None where nothing is to be looked at.
    """

    def __init__(
        self,
        engine: Engine,
        stop: Stop,
        plan: Plan,
        work: Callable[[Item, Slot], bool],
        skip: Callable[[Item], None],
        door: Callable[[Item], Door] = lambda item: OPEN,
        judge: Callable[[Sequence[Item]], str] = lambda batch: "",
        look_back: Callable[[Item, Slot], bool] | None = None,
    ) -> None:
        self._engine = engine
        self._stop = stop
        self._plan = plan
        self._work = work
        self._skip = skip
        self._door = door
        self._judge = judge
        self._look_back = look_back
        self._well: list[tuple[Item, Slot]] = []
        """Of the batch under way, whom there is to look back at."""
        self._places = engine.semaphore(plan.forks)
        self._lock = engine.lock()
        self._room = engine.event()
        """Some door may have room that had none."""
        self._bad = 0
        self._total = 0

    def run(self, items: Sequence[Item]) -> None:
        """Work through ``items``; returns, or raises, when the last worker has ended."""
        self._total = len(items)
        for batch in self._plan.batches(len(items)):
            tasks: deque[Task] = deque()
            crowds = Crowds((items[position] for position in batch), self._door)
            try:
                while crowds.left:
                    self._start(*self._next(crowds), crowds, tasks)
            finally:
                for task in tasks:
                    task.join()
            self._look_at_all()
            if batch.stop < len(items) and not self._stop.draining:
                self._ask_judge([items[position] for position in batch])

    @property
    def bad(self) -> int:
        """How many have not ended well so far."""
        return self._bad

    def _look_at_all(self) -> None:
        # Whatever has stopped the run meanwhile: nobody else gives these their results.
        well, self._well = self._well, []
        tasks: deque[Task] = deque()
        try:
            for item, slot in well:
                self._places.acquire()
                while tasks and tasks[0].ended:
                    tasks.popleft()
                tasks.append(self._spawned(self._looking, item, slot))
        finally:
            for task in tasks:
                task.join()

    def _looking(self, item: Item, slot: Slot) -> None:
        assert self._look_back is not None
        good = False
        try:
            good = self._look_back(item, slot)
        finally:
            if not good:
                self._count_bad()
            self._places.release()

    def _spawned(self, call: Callable[..., None], *arguments: object) -> Task:
        """A task that gives its place back; where there is none to be had, we do."""
        try:
            return self._engine.spawn(call, *arguments)
        except BaseException:
            self._places.release()
            raise

    def _ask_judge(self, batch: Sequence[Item]) -> None:
        why = self._judge(batch)
        if why:
            self._stop.drain(why)

    def _next(self, crowds: Crowds[Item]) -> tuple[Item, Door]:
        while True:
            self._room.clear()
            with self._lock:
                found = crowds.take(regardless=self._stop.draining)
            if found is not None:
                return found
            # Ends: a full door has workers in front of it, who get through or give up.
            self._room.wait()

    def _start(self, item: Item, door: Door, crowds: Crowds[Item], tasks: deque[Task]) -> None:
        self._places.acquire()
        # What has ended need not be joined: a hundred thousand of them would be held on to.
        while tasks and tasks[0].ended:
            tasks.popleft()
        if not self._stop.draining:
            tasks.append(self._spawned(self._worker, item, door, crowds))
            return
        self._places.release()
        self._skip(item)

    def _worker(self, item: Item, door: Door, crowds: Crowds[Item]) -> None:
        good = False
        slot = Slot(
            self._places,
            partial(self._stand, crowds.enter, door),
            partial(self._stand, crowds.leave, door),
        )
        try:
            good = self._work(item, slot)
        finally:
            # The count first: no host must start on a place that a threshold has just closed.
            if not good:
                self._count_bad()
            elif self._look_back is not None:
                self._well.append((item, slot))
            slot.through()
            self._places.release()

    def _stand(self, move: Callable[[Door], object], door: Door) -> None:
        with self._lock:
            room = move(door)
        if room:
            self._room.set()

    def _count_bad(self) -> None:
        with self._lock:
            self._bad += 1
            bad = self._bad
        limit = self._plan.max_fail
        if self._plan.fail_fast:
            self._stop.cancel("a host failed, and --fail-fast was asked for")
        elif limit is not None and bad > limit.of(self._total):
            hosts = "1 host" if bad == 1 else f"{bad} hosts"
            self._stop.drain(f"{hosts} failed, more than --max-fail allows")
