"""gevent's greenlets: the command line's engine. The only importer of gevent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import gevent
import gevent.event
import gevent.events
import gevent.lock
import gevent.monkey
import gevent.queue
import gevent.threadpool

from opsrun.engine.base import Event, Queue, Semaphore
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
    try:
        gevent.monkey.patch_all(subprocess=False, signal=False, os=False)
    finally:
        gevent.events.notify_and_call_entry_points = notify


def is_patched() -> bool:
    """Whether sockets and threads of this process are gevent's."""
    return bool(
        gevent.monkey.is_module_patched("socket") and gevent.monkey.is_module_patched("threading")
    )


class _Queue:
    def __init__(self, size: int) -> None:
        self._queue = gevent.queue.Queue(size)
        self.put = self._queue.put
        self.empty = self._queue.empty

    def get(self, timeout: float) -> Any:
        try:
            return self._queue.get(timeout=timeout)
        except gevent.queue.Empty:
            return None


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
