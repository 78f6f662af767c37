"""Real threads: for a process that gevent has not patched."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from opsrun.engine.base import Event, Queue, Semaphore

T = TypeVar("T")


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
    __slots__ = ("_tasks", "_thread")

    def __init__(self, thread: threading.Thread, tasks: set[threading.Thread]) -> None:
        self._thread = thread
        self._tasks = tasks

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self, timeout: float | None = None) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def abandon(self) -> None:
        self._tasks.discard(self._thread)


class ThreadEngine:
    """Operating system threads, one a task; paramiko adds one of its own for each connection.

    They are daemons: a task that never ends must not keep the process from ending.
    """

    name = "threads"
    max_forks = 64
    """With paramiko's own thread a host, 1,000 at once took seven times as long as greenlets and
    lost connections; well below 128 they are sound."""

    threads_per_task = 1
    own_threads = 16
    """For the dispatch, the sinks and calls that are offloaded."""

    def __init__(self) -> None:
        self._tasks: set[threading.Thread] = set()
        self._starting = threading.Lock()
        """Held while a task is among the tasks and not yet one that can be joined."""

    def spawn(self, call: Callable[..., Any], *args: Any) -> _Task:
        """See `Engine.spawn`.

        Raises:
            RuntimeError: the system gives no further thread; ``call`` was not and won't be made.
        """
        thread = threading.Thread(target=self._run, args=(call, args), name="opsrun", daemon=True)
        with self._starting:
            self._tasks.add(thread)
            try:
                thread.start()
            except BaseException:
                self._tasks.discard(thread)
                raise
        return _Task(thread, self._tasks)

    def _run(self, call: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            call(*args)
        finally:
            self._tasks.discard(threading.current_thread())

    def offload(self, call: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
        """See `Engine.offload`. Without a timeout, a thread of its own may simply block."""
        if timeout is None:
            return call(*args)
        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        # A daemon thread: a resolver that never answers must not keep the process alive.
        threading.Thread(
            target=_answer, args=(answer, call, args), name="opsrun-offload", daemon=True
        ).start()
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
        return threading.Semaphore(places)  # type: ignore[return-value]

    def lock(self) -> AbstractContextManager[Any]:
        """See `Engine.lock`."""
        return threading.Lock()

    def native_lock(self) -> AbstractContextManager[Any]:
        """See `Engine.native_lock`."""
        return threading.Lock()

    def now(self) -> float:
        """See `Engine.now`."""
        return time.monotonic()

    def _started(self) -> list[threading.Thread]:
        with self._starting:
            return list(self._tasks)

    def close(self, timeout: float) -> bool:
        """See `Engine.close`."""
        end = time.monotonic() + timeout
        me = threading.current_thread()
        while tasks := [task for task in self._started() if task is not me]:
            left = end - time.monotonic()
            if left <= 0:
                return False
            # Again: a task may have started another one meanwhile.
            tasks[0].join(left)
        return True


def _answer(
    answer: queue.SimpleQueue[tuple[bool, Any]], call: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    try:
        answer.put((True, call(*args)))
    except BaseException as error:
        answer.put((False, error))
