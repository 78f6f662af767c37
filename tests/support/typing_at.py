"""``opsrun`` at a terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cli import LIMIT, command


class Terminal:
    """A program's terminal, seen from the chair in front of it."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self.seen = ""

    def type(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> str:
        """All that was shown up to ``text``, which is waited for; what follows is for next time."""
        deadline = time.monotonic() + LIMIT
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} in {self.seen[-500:]!r}"
            if select.select([self._descriptor], [], [], left)[0]:
                assert self._read(), f"the end, and no {text!r} in {self.seen[-500:]!r}"
        before, found, self.seen = self.seen.partition(text)
        return before + found

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, 65_536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def echoes(self) -> bool:
        """Whether what is typed is shown just now."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def status(self) -> int:
        """Wait for the program's end; its exit status."""
        while self._read():
            pass
        return self.process.wait(LIMIT)


@contextmanager
def typing_at(*words: str | Path, **env: str) -> Iterator[Terminal]:
    """Run ``opsrun WORDS...`` on a terminal of its own."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            # Opened by the leader of a session, it becomes the terminal that Ctrl-C is typed at.
            ["sh", "-c", 'exec 0<>"$0"; exec "$@"', os.ttyname(theirs), *command(*words)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | env,
        )
    finally:
        os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
