"""Hosts as checks look at them, of which only what a test needs is there."""

from __future__ import annotations

import os
import subprocess
from contextlib import nullcontext
from typing import Any

from support.engines import make_engine
from support.shells import ShellUnderTest

from opsrun.engine.stop import Stop
from opsrun.remote.command import CommandResult


class ShellSight:
    """A host that is nothing but a shell of this machine's.

    Args:
        shell: which; None for ``sh``.
    """

    host = "web01"

    def __init__(self, shell: ShellUnderTest | None = None) -> None:
        self.engine = make_engine()
        self._words = ["sh"] if shell is None else shell.words.split()
        self._path = os.environ["PATH"] if shell is None or shell.path is None else shell.path
        self.scripts: list[str] = []

    def run(
        self, script: str, stop: Stop, *, apart: bool = False, seconds: float = 10.0
    ) -> CommandResult:
        """Run it, as a session does: from the left of ``eval``, in the C locale."""
        self.scripts.append(script)
        done = subprocess.run(
            [*self._words, "-c", 'eval "$1"', "sh", script],
            env={"PATH": self._path, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return CommandResult(done.returncode, stdout=done.stdout, stderr=done.stderr)

    def place(self) -> Any:
        return nullcontext()

    def address(self) -> str:
        return "127.0.0.1"

    def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"this check has nothing to do with {name}")
