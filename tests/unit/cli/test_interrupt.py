"""The first signal ends the run in good order, the second one at once."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys

import pytest

from opsrun.cli.interrupt import Interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_passed_on_once(number: int) -> None:
    interrupts, calls = Interrupts(), []
    interrupts.interrupt = lambda: calls.append(True)
    with interrupts.installed():
        interrupts.check()
        assert calls == []
        signal.raise_signal(number)
        assert calls == [], "a handler may come in the middle of anything"
        interrupts.check()
        interrupts.check()
    assert calls == [True]
    assert interrupts.exit_status == 128 + number


def test_handlers_are_set_back_and_what_was_ignored_stays_ignored() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts().installed() as interrupts:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
            assert interrupts.received is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


TWICE = """
import signal
from opsrun.cli.interrupt import Interrupts
with Interrupts().installed():
    signal.raise_signal(signal.SIGTERM)
    print("after the first", flush=True)
    signal.raise_signal(signal.SIGINT)
    print("never printed", flush=True)
"""


def test_the_second_signal_ends_the_process_at_once() -> None:
    ended = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, check=False)
    assert ended.returncode == 128 + signal.SIGTERM
    assert ended.stdout == b"after the first\n"
    assert b"ended at once" in ended.stderr


def test_a_stalled_terminal_holds_up_no_second_signal() -> None:
    read, write = os.pipe()
    try:
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, bytes(65_536))
        os.set_blocking(write, True)
        ended = subprocess.run(
            [sys.executable, "-c", TWICE], stdout=subprocess.PIPE, stderr=write, check=False
        )
        assert ended.returncode == 128 + signal.SIGTERM
        assert os.get_blocking(write), "the shell's terminal is left as it was"
    finally:
        os.close(read)
        os.close(write)


def test_a_terminal_is_told_at_once_that_the_first_signal_was_heard() -> None:
    terminal, ours = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", TWICE], stdout=ours, stderr=ours, check=False)
        said = os.read(terminal, 4096).decode()
    finally:
        os.close(ours)
        os.close(terminal)
    first = "\r\x1b[Kopsrun: ending; once more to leave at once\r\n"
    assert said.startswith(first + "after the first\r\n")
