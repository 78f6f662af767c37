"""A call that hangs in the operating system until it is let go, as a resolver may."""

from __future__ import annotations

import os
from typing import Self

from support.engines import until

from opsrun.engine.base import Engine


class NativeCall:
    """Blocks in read(2) on a pipe, which no engine can interrupt, until `release`.

    The ends of calls that nobody waits for any more are awaited when the block is left.
    """

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()
        while self.ended < self.started:
            os.sched_yield()
        os.close(self._read)

    def __call__(self) -> None:
        self.started += 1
        os.read(self._read, 1)
        self.ended += 1

    def release(self) -> None:
        """Let every call under way, and all later ones, return."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def wait_started(self, engine: Engine, number: int = 1) -> None:
        """Let other tasks run until so many calls hang."""
        until(engine, lambda: self.started >= number)
