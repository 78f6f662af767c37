"""Writes to a terminal or a pipe without ever holding up the other tasks."""

from __future__ import annotations

import os
import stat
import time

from opsrun.engine.base import Engine
from opsrun.errors import SinkClosed

_FULL_PAUSE = 0.01
"""Seconds before a full, non-blocking descriptor is tried again."""


class DescriptorWriter:
    """Takes finished bytes to a file descriptor.

    A stalled reader stalls whoever writes here, and nobody else: the write is made where blocking
    harms no other task. What goes to a regular file is written at once.

    Args:
        engine: whose tasks must not be held up.
        fd: an open descriptor; it is not closed here.
    """

    def __init__(self, engine: Engine, fd: int) -> None:
        self._engine = engine
        self._fd = fd
        self._direct = stat.S_ISREG(os.fstat(fd).st_mode)

    def write(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises:
            SinkClosed: the reader has gone away.
            OSError: anything else, a full disk for example.
        """
        try:
            if self._direct:
                _write_all(self._fd, data)
            else:
                self._engine.offload(_write_all, self._fd, data)
        except BrokenPipeError as error:
            raise SinkClosed("the reader of the output went away") from error


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            # Somebody who shares this descriptor made it non-blocking; that is not ours to change.
            time.sleep(_FULL_PAUSE)
