"""Real threads: for a process that gevent has not patched."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from opsrun.engine.base import Event, Queue, Semaphore

T = TypeVar("T")

_IDLE = 1.0
"""Seconds after which a thread without a task ends."""


class _Queue:
    def __init__(self, size: int) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(size)
        self.put = self._queue.put
        self.empty = self._queue.empty

    def get(self, timeout: float) -> Any:
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None


class _Task:
    """A call, and whether it has ended."""

    __slots__ = ("_args", "_call", "_over", "_tasks", "ended", "ident")

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...], tasks: set[_Task]) -> None:
        self._call = call
        self._args = args
        self._tasks = tasks
        self._over = threading.Lock()
        """Free, but for a moment, once it has ended."""
        self._over.acquire()
        self.ended = False
        self.ident = 0
        """Of the thread that it runs on."""

    def run(self) -> None:
        """Make the call; what it raises is told as of any thread."""
        self.ident = threading.get_ident()
        try:
            self._call(*self._args)
        except BaseException:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )

    def end(self) -> None:
        """Wake whoever waits for it, and let go of what it worked with."""
        self._call, self._args = _nothing, ()
        self.ended = True
        self._over.release()

    def join(self, timeout: float | None = None) -> bool:
        seconds = -1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)
        if not self.ended and self._over.acquire(timeout=seconds):
            self._over.release()
        return self.ended

    def abandon(self) -> None:
        self._tasks.discard(self)


class _Worker:
    """A thread, and the next call that it makes."""

    __slots__ = ("called", "task", "thread")

    def __init__(self, task: _Task, run: Callable[[_Worker], None]) -> None:
        self.task: _Task | None = task
        self.called = threading.Lock()
        """Released to have it look for a task."""
        self.called.acquire()
        self.thread = threading.Thread(target=run, args=(self,), name="opsrun", daemon=True)


class ThreadEngine:
    """Operating system threads, one a task; paramiko adds one of its own for each connection.

    They are daemons: a task that never ends must not keep the process from ending. One whose task
    has ended takes the next one, for starting a thread costs more than all else that a task needs.
    """

    name = "threads"
    max_forks = 64
    """With paramiko's own thread a host, 1,000 at once took seven times as long as greenlets and
    lost connections; well below 128 they are sound."""

    threads_per_task = 1
    own_threads = 16
    """For the dispatch, the sinks and calls that are offloaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Guards what follows; whoever holds it hands a task over, whole."""
        self._tasks: set[_Task] = set()
        self._idle: list[_Worker] = []
        """Without a task. The last one to come is the first to go: the others can end."""
        self._closed = False
        """Who ends a task from here on ends too."""

    def spawn(self, call: Callable[..., Any], *args: Any) -> _Task:
        """See `Engine.spawn`.

        Raises:
            RuntimeError: the system gives no further thread; ``call`` was not and won't be made.
        """
        task = _Task(call, args, self._tasks)
        self._tasks.add(task)
        try:
            self._start(task)
        except BaseException:
            self._tasks.discard(task)
            raise
        return task

    def _start(self, task: _Task) -> None:
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.task = task
                worker.called.release()
                return
        _Worker(task, self._work).thread.start()

    def _work(self, worker: _Worker) -> None:
        while (task := worker.task) is not None:
            task.run()
            with self._lock:
                worker.task = None
                stays = not self._closed
                # Before anybody knows of the end: `close` has to find it here.
                if stays:
                    self._idle.append(worker)
                self._tasks.discard(task)
            task.end()
            del task
            if not stays:
                return
            self._wait(worker)

    def _wait(self, worker: _Worker) -> None:
        if worker.called.acquire(timeout=_IDLE):
            return
        with self._lock:
            # Called just now, unless it is still there.
            if not worker.called.acquire(blocking=False):
                self._idle.remove(worker)

    def offload(self, call: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
        """See `Engine.offload`. Without a timeout, a thread of its own may simply block."""
        if timeout is None:
            return call(*args)
        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        # None of the tasks: a resolver that never answers must not be waited for.
        self._start(_Task(_answer, (answer, call, args), self._tasks))
        try:
            good, value = answer.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no answer within {timeout:g} s") from None
        if good:
            return value  # type: ignore[no-any-return]
        raise value

    def queue(self, size: int) -> Queue[Any]:
        """See `Engine.queue`."""
        return _Queue(size)

    def event(self) -> Event:
        """See `Engine.event`."""
        return threading.Event()

    def semaphore(self, places: int) -> Semaphore:
        """See `Engine.semaphore`."""
        return threading.Semaphore(places)

    def lock(self) -> AbstractContextManager[Any]:
        """See `Engine.lock`."""
        return threading.Lock()

    def native_lock(self) -> AbstractContextManager[Any]:
        """See `Engine.native_lock`."""
        return threading.Lock()

    def now(self) -> float:
        """See `Engine.now`."""
        return time.monotonic()

    def close(self, timeout: float) -> bool:
        """See `Engine.close`."""
        end = time.monotonic() + timeout
        while (tasks := self._others()) and (left := end - time.monotonic()) > 0:
            # Again: a task may have started another one meanwhile.
            tasks[0].join(left)
        self._dismiss(end)
        return not tasks

    def _others(self) -> list[_Task]:
        """The tasks but the caller's."""
        me = threading.get_ident()
        with self._lock:
            return [task for task in tuple(self._tasks) if task.ident != me]

    def _dismiss(self, end: float) -> None:
        """End the threads that have nothing to do."""
        with self._lock:
            self._closed = True
            idle = list(self._idle)
            self._idle.clear()
            for worker in idle:
                worker.called.release()
        for worker in idle:
            worker.thread.join(max(0.0, end - time.monotonic()))


def _nothing() -> None:
    pass


def _answer(
    answer: queue.SimpleQueue[tuple[bool, Any]], call: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    try:
        answer.put((True, call(*args)))
    except BaseException as error:
        answer.put((False, error))
