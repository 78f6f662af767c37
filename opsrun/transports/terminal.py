"""A local command on a terminal of its own, in place of three pipes."""

from __future__ import annotations

import errno
import os
import subprocess
import termios
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from opsrun.remote.connection import Terminal
from opsrun.spawning import spawn
from opsrun.transports.pipe import PipeProcess

END_OF_FILE = 4
"""What a terminal takes for the end of file: Ctrl-D, VEOF in termios(3)."""

# Opened by the leader of a new session, a terminal becomes its controlling one; see tty_ioctl(4).
_TAKE_TERMINAL = 'exec 0<>"$1" || exit; TERM=$2; export TERM; exec /bin/sh -c "$3"'


def closing_input(last: int | None) -> bytes:
    """What to type so that the reader of a terminal finds the end of file.

    The first one only ends the line that was begun, if there is one.

    Args:
        last: the byte that was typed last; None for none.
    """
    return bytes([END_OF_FILE] * (1 if last in (None, 0x0A, END_OF_FILE) else 2))


class TerminalProcess(PipeProcess):
    """A local process whose standard streams are one terminal; its end of ours is read and written.

    Args:
        script: what ``/bin/sh`` is to run.
        terminal: its size and kind.
        host, lock, tag: see `PipeProcess`.
    """

    def __init__(
        self,
        script: str,
        terminal: Terminal,
        host: str,
        lock: AbstractContextManager[Any],
        tag: str = "",
    ) -> None:
        self._terminal = terminal
        self._last: int | None = None
        self._end = b""
        self._end_typed = False
        super().__init__((script,), host, lock, tag)

    def _launch(self, argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
        ours, theirs = os.openpty()
        with ExitStack() as undo:
            undo.callback(os.close, ours)
            try:
                _prepare(theirs, self._terminal)
                words = ("sh", os.ttyname(theirs), self._terminal.kind, *argv)
                popen = spawn(
                    ("/bin/sh", "-c", _TAKE_TERMINAL, *words),
                    stdin=theirs,
                    stdout=theirs,
                    stderr=theirs,
                    start_new_session=True,
                    bufsize=0,
                    env=self._environment,
                )
            finally:
                os.close(theirs)
            # Two numbers for one end: the base class closes its input before its output.
            popen.stdin = os.fdopen(os.dup(ours), "wb", 0)
            popen.stdout = os.fdopen(ours, "rb", 0)
            undo.pop_all()
        return popen

    def _read(self, descriptor: int) -> None:
        try:
            super()._read(descriptor)
        except OSError as error:
            # Linux: nobody has the other end open any more.
            if error.errno != errno.EIO:
                raise
            self._at_end(descriptor)

    def write(self, data: bytes | memoryview) -> int:
        """See `Process.write`."""
        try:
            written = super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            written = 0
        if written:
            self._last = data[written - 1]
        return written

    def close_stdin(self) -> None:
        """See `Process.close_stdin`; types the end of file, as soon as there is room for it."""
        if self._stdin is None or self._end_typed:
            return
        self._end = self._end or closing_input(self._last)
        self._end = self._end[self.write(self._end) :]
        self._end_typed = not self._end

    def close(self) -> None:
        """See `Process.close`."""
        super().close()
        if self._popen.stdin is not None:
            self._popen.stdin.close()


def _prepare(descriptor: int, terminal: Terminal) -> None:
    termios.tcsetwinsize(descriptor, (terminal.rows, terminal.columns))
    modes = termios.tcgetattr(descriptor)
    modes[1] = modes[1] | termios.ONLCR if terminal.returns else modes[1] & ~termios.ONLCR
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSANOW, modes)
