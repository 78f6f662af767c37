"""Whether anything may have changed anywhere since: what answers that came early stand and fall by.

Hosts may be two names of one machine, share a file system or talk to each other, so there is one
count for the whole run. Whoever is about to do what may change something says so, and says so again
when it is over; what was looked at before, in between, or while it lasted is not to be relied upon.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


class Changes:
    """Counts what may have changed something in a run.

    Args:
        lock: of the run's engine; tasks of all hosts tell of theirs.
    """

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self._count = 0
        self._under_way = 0

    def token(self, *, behind: bool = False) -> int | None:
        """What has to hold still for an answer to a question that goes out now; None where
        something is under way, so that no answer will do.

        Args:
            behind: the question goes out behind a change of the asker's own, to the same shell,
                which does one thing after the other: that one is over when the question is read.
        """
        with self._lock:
            return None if self._under_way > behind else self._count

    def holds(self, token: int) -> bool:
        """Whether nothing has begun since ``token`` was given out."""
        return token == self._count

    def touch(self) -> None:
        """Something may have changed: time has passed, or a lookup has run a program."""
        with self._lock:
            self._count += 1

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Something that may change anything is done within the block."""
        with self._lock:
            self._count += 1
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def never_over(self) -> None:
        """Something goes on by itself from now on: a job that was left to its host."""
        with self._lock:
            self._count += 1
            self._under_way += 1
