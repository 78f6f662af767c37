"""Asks for secrets on the controlling terminal, at rest and in the middle of a run."""

from __future__ import annotations

import errno
import os
import termios
import time
from collections.abc import Callable
from typing import Protocol

from opsrun.secret import Secret

TERMINAL = "/dev/tty"
_LOOK = 0.05
"""Seconds between two looks at whether something was typed: in a run other hosts go on meanwhile,
and a wait that both engines share can't be for a terminal."""
_LONGEST = 4096


class Screen(Protocol):
    """What else is shown on the terminal."""

    question: str
    """Drawn in place of the status, until it is empty again."""


class Asker:
    """Somebody in front of the terminal, if there is one."""

    def __init__(self) -> None:
        self.screen: Screen | None = None
        """Shows the question where there is a status line; else it is written as it is."""
        self._restore: Callable[[], None] | None = None

    def is_there(self) -> bool:
        """Whether there is a terminal to ask on."""
        try:
            os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return False
        return True

    def __call__(
        self, prompt: str, given_up: Callable[[], bool] = lambda: False, /
    ) -> Secret | None:
        """See `opsrun.secret.Ask`. What is typed is not shown; the terminal is left as it was."""
        return self.ask(prompt, False, given_up)

    def ask(
        self, prompt: str, echo: bool, given_up: Callable[[], bool] = lambda: False
    ) -> Secret | None:
        """The same; with ``echo``, what is typed is shown."""
        try:
            # A description of our own: that it doesn't block is nobody else's concern.
            terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return self._ask(terminal, prompt, echo, given_up)
        except termios.error:
            return None
        finally:
            os.close(terminal)

    def _ask(
        self, terminal: int, prompt: str, echo: bool, given_up: Callable[[], bool]
    ) -> Secret | None:
        before = termios.tcgetattr(terminal)
        quiet = termios.tcgetattr(terminal)
        if not echo:
            quiet[3] &= ~termios.ECHO
        self._restore = lambda: termios.tcsetattr(terminal, termios.TCSANOW, before)
        try:
            # What was typed before the question is no answer to it.
            termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
            with _Shown(self.screen, terminal, prompt):
                return _line(terminal, given_up)
        finally:
            self.restore()

    def restore(self) -> None:
        """Leave the terminal as it was before the question; for those who end without a word."""
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()


class _Shown:
    """A question, while it is open."""

    def __init__(self, screen: Screen | None, terminal: int, prompt: str) -> None:
        self._screen = screen
        self._terminal = terminal
        self._prompt = prompt

    def __enter__(self) -> None:
        if self._screen is not None:
            self._screen.question = self._prompt
        else:
            _say(self._terminal, self._prompt)

    def __exit__(self, *exc_info: object) -> None:
        if self._screen is not None:
            self._screen.question = ""
        else:
            _say(self._terminal, "\n")


def _say(terminal: int, words: str) -> None:
    rest = words.encode("utf-8", "backslashreplace")
    while rest:
        try:
            rest = rest[os.write(terminal, rest) :]
        except BlockingIOError:
            time.sleep(_LOOK)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return


def _line(terminal: int, given_up: Callable[[], bool]) -> Secret | None:
    """The line that is typed; None at the end of file, or when nobody waits for it any more."""
    while not given_up():
        try:
            typed = os.read(terminal, _LONGEST)
        except BlockingIOError:
            time.sleep(_LOOK)
            continue
        except OSError:
            return None
        # In canonical mode (termios(3)) a line comes whole, or not yet.
        return Secret(typed.rstrip(b"\r\n").decode("utf-8", "surrogateescape")) if typed else None
    return None
