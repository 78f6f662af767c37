"""A host's bytes on their way: counted, told, and held back where the line is to be narrow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from opsrun.adhoc.base import Job, Setting
from opsrun.adhoc.pace import Pace
from opsrun.errors import Cancelled
from opsrun.events import Progress

EVERY = 0.5
"""Seconds between two words about one host."""


class Meter:
    """Counts what one host gets or gives.

    Args:
        setting: what all workers of the run share.
        job: whose bytes they are.
        paces: limits that hold for them; each may be shared.
    """

    def __init__(self, setting: Setting, job: Job, paces: Sequence[Pace] = ()) -> None:
        self._setting = setting
        self._job = job
        self._paces = paces
        self._total: int | None = None
        self._told = 0.0
        self.started = setting.engine.now()
        self.wall = time.time()
        """When this was made: seconds since the epoch."""
        self.done = 0
        """Bytes so far."""

    def expect(self, total: int) -> None:
        """So many more bytes will travel."""
        self._total = (self._total or 0) + total
        self._tell()

    @property
    def seconds(self) -> float:
        """Since this was made."""
        return self._setting.engine.now() - self.started

    def outgoing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same bytes, each piece when it is its turn.

        Raises:
            Cancelled: the run was ended meanwhile.
        """
        piece = min((pace.piece for pace in self._paces), default=0)
        for chunk in chunks:
            for at in range(0, len(chunk), piece or max(1, len(chunk))):
                part = chunk[at : at + piece] if piece else chunk
                self.add(len(part))
                yield part

    def add(self, size: int) -> None:
        """So many bytes go, or came; waits until that is no faster than was allowed.

        Raises:
            Cancelled: the run was ended meanwhile.
        """
        delay = max((pace.reserve(size) for pace in self._paces), default=0.0)
        if delay and self._setting.stop.wait(delay):
            raise Cancelled(self._setting.stop.reason, host=self._job.host)
        self.done += size
        if self._setting.engine.now() - self._told >= EVERY:
            self._tell()

    def _tell(self) -> None:
        self._told = self._setting.engine.now()
        # Archives are larger than what is in them.
        total = None if self._total is None else max(self._total, self.done)
        self._setting.emit(Progress(self._job.host, self._job.work, self.done, total))
