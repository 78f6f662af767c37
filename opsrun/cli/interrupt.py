"""Ctrl-C, SIGTERM and SIGHUP: the first one ends the run in good order, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ERASE = b"\r\x1b[K"
"""Takes the live line away, or the ``^C`` that the terminal shows."""


class Interrupts:
    """Counts the signals; `check` is called from the run's own task, never from a handler.

    A handler may come in the middle of anything, locks held included, so it only takes note.

    Args:
        leave: called before the process is left at once; must not wait.
    """

    def __init__(self, leave: Callable[[], None] = lambda: None) -> None:
        self._leave = leave
        self.received: int | None = None
        """Number of the first signal."""
        self.interrupt: Callable[[], None] = lambda: None
        """Ends the run in good order."""
        self._told = False

    def check(self) -> None:
        """Pass a signal on, once; called several times a second."""
        if self.received is not None and not self._told:
            self._told = True
            self.interrupt()

    @contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Handle the signals while the block runs.

        A signal that was ignored when we started (nohup) stays ignored.
        """
        old: dict[int, Any] = {}
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                # None stands for a handler that is not Python's; it can't be set back.
                old[number] = signal.signal(number, self._handle) or signal.SIG_DFL
        try:
            yield self
        finally:
            for received, handler in old.items():
                signal.signal(received, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            if os.isatty(2):
                _say_at_once(b"opsrun: ending; once more to leave at once\n")
            return
        _say_at_once(b"opsrun: ended at once; hosts may still be at work\n")
        try:
            self._leave()
        finally:
            os._exit(self.exit_status)

    @property
    def exit_status(self) -> int:
        """128 plus the signal's number, as shells count."""
        return 128 + (self.received or signal.SIGINT)


def _say_at_once(words: bytes) -> None:
    """Whoever asks twice does not want to wait for anything, a stalled terminal included."""
    try:
        blocking = os.get_blocking(2)
        os.set_blocking(2, False)
        try:
            os.write(2, (_ERASE if os.isatty(2) else b"") + words)
        finally:
            # The terminal is the shell's as well, and so is this setting.
            os.set_blocking(2, blocking)
    except OSError:
        pass
