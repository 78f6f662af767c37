"""Real threads: for a process that gevent has not patched."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from opsrun.engine.base import Event, Queue, Semaphore

T = TypeVar("T")

_WORKERS = 1024
"""Never reached: what bounds the workers is the semaphore of whoever spawns them."""


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
    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def join(self, timeout: float | None = None) -> bool:
        return bool(wait([self._future], timeout).done)


class ThreadEngine:
    """A pool of operating system threads; paramiko adds one of its own for each connection."""

    name = "threads"
    max_forks = 64
    """With paramiko's own thread a host, 1,000 at once took seven times as long as greenlets and
    lost connections; well below 128 they are sound."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="opsrun")
        self._tasks: set[Future[Any]] = set()

    def spawn(self, call: Callable[..., Any], *args: Any) -> _Task:
        """See `Engine.spawn`."""
        future = self._pool.submit(call, *args)
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)
        return _Task(future)

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

    def now(self) -> float:
        """See `Engine.now`."""
        return time.monotonic()

    def close(self, timeout: float) -> bool:
        """See `Engine.close`."""
        left = wait(set(self._tasks), timeout).not_done
        self._pool.shutdown(wait=not left, cancel_futures=True)
        return not left


def _answer(
    answer: queue.SimpleQueue[tuple[bool, Any]], call: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    try:
        answer.put((True, call(*args)))
    except BaseException as error:
        answer.put((False, error))
