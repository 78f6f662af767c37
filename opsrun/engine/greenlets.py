"""gevent's greenlets: the command line's engine. The only importer of gevent."""

from __future__ import annotations

import gc
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import gevent
import gevent.event
import gevent.events
import gevent.lock
import gevent.monkey
import gevent.threadpool
from gevent.hub import Waiter

from opsrun.engine.base import Event, Queue, Semaphore
from opsrun.engine.importing import is_importing, when_imported
from opsrun.engine.tasks import room
from opsrun.errors import UsageError

T = TypeVar("T")

_STUCK = 256
"""Calls with a timeout that may hang at once: so many names whose servers never answer must not
delay the others. At most half of the threads that may still be started."""

_BRIEF = 10
"""Calls without a timeout that are made at the same time."""

_IDLE = 1.0
"""Seconds after which a native thread without work ends, also one that `close` did not wait for."""


def patch() -> None:
    """Make this process's blocking calls cooperative. For a program's entry point only.

    Greenlets don't remember where they were made: that is for debuggers, and holds a stack each.
    Subprocesses stay Python's own (their pipes are polled, and they are spawned in C rather than
    forked from a process full of greenlets), and so do signals.

    ``ssl`` becomes cooperative when it is imported: few commands speak TLS, and all would pay.

    Raises:
        UsageError: too late: paramiko, which copies what is to be patched, is already imported.
    """
    if "paramiko" in sys.modules:
        raise UsageError("gevent has to patch the process before paramiko is imported")
    gevent.config.track_greenlet_tree = False
    notify = gevent.events.notify_and_call_entry_points
    # For each module that it patches gevent would look through all installed packages for plugins
    # of its own: a fifth of what starting a command takes.
    gevent.events.notify_and_call_entry_points = gevent.events.notify
    if not is_importing():
        # It would look at each object there is for the locks of imports that are under way. It
        # doesn't see those that are frozen.
        gc.freeze()
    try:
        gevent.monkey.patch_all(subprocess=False, signal=False, os=False, ssl=False)
    finally:
        gc.unfreeze()
        gevent.events.notify_and_call_entry_points = notify
    when_imported("ssl", gevent.monkey.patch_ssl)


def is_patched() -> bool:
    """Whether sockets and threads of this process are gevent's."""
    return bool(
        gevent.monkey.is_module_patched("socket") and gevent.monkey.is_module_patched("threading")
    )


class _Queue:
    """Whoever waits stands in a line; a step costs the same however many do.

    gevent's own queue searches all that wait for each one that goes on, and lets newcomers pass
    them. Here who is woken leaves the line by itself and only then puts or takes: one that is
    killed, or runs out of time, has put or taken nothing, and whatever strikes in between can lose
    no item. Like all that is gevent's, it is for the greenlets of one thread.

    While the first putter could put, or the first getter take, a call of `_pass_turns` is due.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Any] = deque()
        # Not a deque, where leaving from the middle is a search; nor a dict, where finding the
        # first one is, past all that have left before.
        self._putters: OrderedDict[Any, None] = OrderedDict()
        self._getters: OrderedDict[Any, None] = OrderedDict()
        self._loop = gevent.get_hub().loop
        self._turns: Any = None
        """The call that is due."""

    def put(self, item: Any) -> None:
        """See `Queue.put`."""
        if self._putters or len(self._items) >= self._size:
            _stand(self._putters)
        self._items.append(item)
        if self._getters and self._turns is None:
            self._turns = self._loop.run_callback(self._pass_turns)

    def get(self, timeout: float) -> Any:
        """See `Queue.get`."""
        if self._getters or not self._items:
            in_time = False
            with gevent.Timeout(timeout, False):
                _stand(self._getters)
                in_time = True
            if not in_time:
                return None
        item = self._items.popleft()
        if self._putters and self._turns is None:
            self._turns = self._loop.run_callback(self._pass_turns)
        return item

    def empty(self) -> bool:
        """See `Queue.empty`."""
        return not self._items

    @property
    def _may_put(self) -> bool:
        return bool(self._putters) and len(self._items) < self._size

    @property
    def _may_take(self) -> bool:
        return bool(self._getters and self._items)

    def _pass_turns(self) -> None:
        try:
            while self._may_put:
                next(iter(self._putters)).switch(None)
            while self._may_take:
                next(iter(self._getters)).switch(None)
        finally:
            # Another round is another call, so that sockets and timers have their turn between.
            again = self._may_put or self._may_take
            self._turns = self._loop.run_callback(self._pass_turns) if again else None


def _stand(line: OrderedDict[Any, None]) -> None:
    """Wait at the end of a line until it's one's turn."""
    ticket = Waiter()
    line[ticket] = None
    try:
        ticket.get()
    finally:
        del line[ticket]


class _Task:
    __slots__ = ("_greenlet", "_tasks")

    def __init__(self, greenlet: Any, tasks: set[Any]) -> None:
        self._greenlet = greenlet
        self._tasks = tasks

    @property
    def ended(self) -> bool:
        return bool(self._greenlet.dead)

    def join(self, timeout: float | None = None) -> bool:
        self._greenlet.join(timeout)
        return bool(self._greenlet.dead)

    def abandon(self) -> None:
        self._tasks.discard(self._greenlet)


class GreenletEngine:
    """Greenlets on one thread, with a few native threads for what can only block.

    Raises:
        UsageError: the process is not patched: paramiko's waits would stop every greenlet.
    """

    name = "gevent"
    max_forks = 20_000
    threads_per_task = 0

    def __init__(self) -> None:
        if not is_patched():
            raise UsageError(
                "the gevent engine needs a patched process: call "
                "opsrun.engine.greenlets.patch() before anything else is imported, "
                "or use engine='threads'"
            )
        self._tasks: set[Any] = set()
        found = room(2 * _STUCK)
        stuck = _STUCK if found is None else max(_BRIEF, min(_STUCK, found.left // 2))
        self.own_threads = _BRIEF + stuck
        # Two pools: what may hang must never stand in front of what is written to the terminal.
        self._brief = gevent.threadpool.ThreadPool(_BRIEF, idle_task_timeout=_IDLE)
        self._timed = gevent.threadpool.ThreadPool(stuck, idle_task_timeout=_IDLE)

    def spawn(self, call: Callable[..., Any], *args: Any) -> _Task:
        """See `Engine.spawn`."""
        greenlet = gevent.spawn(call, *args)
        self._tasks.add(greenlet)
        greenlet.rawlink(self._tasks.discard)
        return _Task(greenlet, self._tasks)

    def offload(self, call: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
        """See `Engine.offload`."""
        if timeout is None:
            good, value = self._brief.apply(_outcome, (call, args))
        else:
            with gevent.Timeout(timeout, TimeoutError(f"no answer within {timeout:g} s")):
                good, value = self._timed.apply(_outcome, (call, args))
        if good:
            return value  # type: ignore[no-any-return]
        raise value

    def queue(self, size: int) -> Queue[Any]:
        """See `Engine.queue`."""
        return _Queue(size)

    def event(self) -> Event:
        """See `Engine.event`."""
        return gevent.event.Event()  # type: ignore[no-any-return]

    def semaphore(self, places: int) -> Semaphore:
        """See `Engine.semaphore`."""
        return gevent.lock.Semaphore(places)  # type: ignore[no-any-return]

    def lock(self) -> AbstractContextManager[Any]:
        """See `Engine.lock`."""
        return gevent.lock.RLock()  # type: ignore[no-any-return]

    def native_lock(self) -> AbstractContextManager[Any]:
        """See `Engine.native_lock`."""
        # A greenlet's lock does not work between the pools' threads.
        return gevent.monkey.get_original("_thread", "allocate_lock")()  # type: ignore[no-any-return]

    def now(self) -> float:
        """See `Engine.now`."""
        return time.monotonic()

    def close(self, timeout: float) -> bool:
        """See `Engine.close`."""
        end = time.monotonic() + timeout
        me = gevent.getcurrent()
        while tasks := [task for task in self._tasks if task is not me]:
            left = end - time.monotonic()
            if left <= 0:
                break
            # Again: a task may have started another one meanwhile.
            gevent.joinall(tasks, left)
        for pool in (self._brief, self._timed):
            # A thread in a call that never returns would hold up kill(); it is left to itself.
            if not len(pool):
                pool.kill()
        return not tasks


def _outcome(call: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    # An error that leaves the pool's thread is printed by gevent as well, traceback and all.
    try:
        return True, call(*args)
    except BaseException as error:
        return False, error
