"""Signals that end a program, held back or turned into exceptions. For a program's main thread."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

HANDLED = (signal.SIGTERM, signal.SIGHUP)
ENDING = (signal.SIGINT, *HANDLED)
"""Signals that end a program; Python makes an exception of the first one by itself."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back the signals that end a program until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an exception does, with 128 + the signal's number."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
