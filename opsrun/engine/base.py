"""What an engine is: concurrency inside one process.

Everything that waits gets its queues, events and locks from here, so that the same code runs on
greenlets and on threads, and no other room knows which of them it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Queue(Protocol[T]):
    """A bounded first-in, first-out queue."""

    def put(self, item: T) -> None:
        """Append ``item``; waits while the queue is full: that is the back-pressure."""

    def get(self, timeout: float) -> T | None:
        """The oldest item; None when ``timeout`` seconds pass without one."""

    def empty(self) -> bool:
        """True if a `get` would have to wait just now."""


class Event(Protocol):
    """A flag that tasks can wait for."""

    def set(self) -> None:
        """Raise the flag; every waiter goes on."""

    def clear(self) -> None:
        """Lower the flag."""

    def is_set(self) -> bool:
        """Whether the flag is up."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag, at most ``timeout`` seconds; whether it is up."""


class Semaphore(Protocol):
    """So many places, taken and given back."""

    def acquire(self, *, timeout: float | None = None) -> bool:
        """Take a place; waits for one, at most ``timeout`` seconds. Whether it has one."""

    def release(self) -> None:
        """Give the place back."""


class Task(Protocol):
    """A call under way."""

    @property
    def ended(self) -> bool:
        """Whether it has ended; never waits."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end, at most ``timeout`` seconds; whether it has ended."""

    def abandon(self) -> None:
        """Leave it to end by itself: `Engine.close` does not wait for it any more."""


class Engine(Protocol):
    """Runs calls at the same time. Serves one run; `close` leaves nothing behind."""

    name: str
    max_forks: int
    """More hosts at once than this make the engine slower or unsafe; callers cap theirs."""
    threads_per_task: int
    """Threads of the system's that each task takes."""
    own_threads: int
    """Threads of the system's that it may start beside those."""

    def spawn(self, call: Callable[..., Any], *args: Any) -> Task:
        """Start ``call(*args)``. The call deals with its own errors: none may leave it."""

    def offload(self, call: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
        """Make a call that blocks (a file, a resolver) without holding up any other task.

        Raises:
            TimeoutError: it took longer than ``timeout`` seconds; it is left to end by itself.
        """

    def queue(self, size: int) -> Queue[Any]:
        """A queue that holds at most ``size`` items."""

    def event(self) -> Event:
        """An event, not set."""

    def semaphore(self, places: int) -> Semaphore:
        """A semaphore with ``places`` places."""

    def lock(self) -> AbstractContextManager[Any]:
        """A lock for a few lines that never wait inside."""

    def native_lock(self) -> AbstractContextManager[Any]:
        """A lock for what `offload` runs, and for nothing else: it may be held for long."""

    def now(self) -> float:
        """Monotonic seconds."""

    def close(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds for all tasks but the caller's; whether none is left."""
