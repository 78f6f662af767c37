"""Writes to a terminal or a pipe without ever holding up the other tasks."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from opsrun.engine.base import Engine
from opsrun.errors import SinkClosed

_FULL_PAUSE = 0.01
"""Seconds before a full, non-blocking descriptor is tried again."""

PATIENCE = 2.0
"""Seconds that a stalled reader still has once we are asked to end."""

_LOOK = 0.1
"""Seconds between two looks, while a reader is stalled, at whether we are."""


class DescriptorWriter:
    """Takes finished bytes to a file descriptor.

    A stalled reader stalls whoever writes here, and nobody else: the write is made where blocking
    harms no other task. What goes to a regular file is written at once.

    Args:
        engine: whose tasks must not be held up.
        fd: an open descriptor; it is not closed here.
        is_ending: whether we are asked to end, so that a reader is not waited for much longer.
    """

    def __init__(
        self, engine: Engine, fd: int, is_ending: Callable[[], bool] = lambda: False
    ) -> None:
        self._engine = engine
        self._fd = fd
        self._is_ending = is_ending
        self._direct = stat.S_ISREG(os.fstat(fd).st_mode)
        self._stalled = False
        self._patience = PATIENCE

    def write(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises:
            SinkClosed: the reader has gone away, or reads nothing while we are to end.
            OSError: anything else, a full disk for example.
        """
        rest = memoryview(data)
        try:
            while rest:
                written = self._write(rest)
                if not written:
                    # Here, and not where it was written: only an engine's own waits are safe both
                    # on a native thread and in a process that gevent has patched.
                    self._engine.event().wait(_FULL_PAUSE)
                    self._heed(_FULL_PAUSE)
                rest = rest[written:]
        except BrokenPipeError as error:
            raise SinkClosed("the reader of the output went away") from error

    def _write(self, data: memoryview) -> int:
        if self._direct:
            return os.write(self._fd, data)
        if self._stalled:
            # An earlier write is still under way: whatever was written now would go before it.
            raise SinkClosed("the reader of the output has stalled")
        attempt = _Attempt(self._engine, self._fd, data)
        task = self._engine.spawn(attempt.run)
        while not attempt.over.wait(_LOOK):
            try:
                self._heed(_LOOK)
            except SinkClosed:
                # It ends when the reader does: nothing that we could wait for.
                task.abandon()
                raise
        return attempt.result()

    def _heed(self, waited: float) -> None:
        """Count the time for which the reader has been stalled since we were asked to end."""
        if not self._is_ending():
            return
        self._patience -= waited
        if self._patience <= 0:
            self._stalled = True
            raise SinkClosed("the reader of the output has stalled")


class _Attempt:
    """One write under way."""

    def __init__(self, engine: Engine, fd: int, data: memoryview) -> None:
        self.over = engine.event()
        self._engine = engine
        self._fd = fd
        self._data = data
        self._written = 0
        self._error: OSError | None = None

    def run(self) -> None:
        """Write as much as can be; blocks."""
        try:
            self._written = self._engine.offload(_write_until_full, self._fd, self._data)
        except OSError as error:
            self._error = error
        finally:
            self.over.set()

    def result(self) -> int:
        """Bytes that were written.

        Raises:
            OSError: see `DescriptorWriter.write`.
        """
        if self._error is not None:
            raise self._error
        return self._written


def _write_until_full(fd: int, data: memoryview) -> int:
    done = 0
    try:
        while done < len(data):
            done += os.write(fd, data[done:])
    except BlockingIOError:
        # Somebody who shares this descriptor made it non-blocking; that is not ours to change.
        pass
    return done
