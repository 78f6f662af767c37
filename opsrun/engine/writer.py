"""Writes to a terminal or a pipe without ever holding up the other tasks."""

from __future__ import annotations

import os
import stat

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
        rest = memoryview(data)
        try:
            while rest:
                written = self._write(rest)
                if not written:
                    # Here, and not where it was written: only an engine's own waits are safe both
                    # on a native thread and in a process that gevent has patched.
                    self._engine.event().wait(_FULL_PAUSE)
                rest = rest[written:]
        except BrokenPipeError as error:
            raise SinkClosed("the reader of the output went away") from error

    def _write(self, data: memoryview) -> int:
        if self._direct:
            return os.write(self._fd, data)
        return self._engine.offload(_write_until_full, self._fd, data)


def _write_until_full(fd: int, data: memoryview) -> int:
    done = 0
    try:
        while done < len(data):
            done += os.write(fd, data[done:])
    except BlockingIOError:
        # Somebody who shares this descriptor made it non-blocking; that is not ours to change.
        pass
    return done
