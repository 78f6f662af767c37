"""Runs ``opsrun`` as an operator would: as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import forkserver

LIMIT = 120.0
"""Seconds after which a command that hangs fails its test; never a part of what is asserted."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The results of ``-o json`` or ``-o jsonl``, by host."""
        if self.out.startswith('{"type"'):
            found = [line for line in self.lines if line["type"] == "result"]
        else:
            found = self.document["results"]
        return {result["host"]: result for result in found}


def opsrun(
    *words: str | Path,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run ``opsrun WORDS...`` to its end; without ``stdin``, standard input is empty."""
    text = stdin if stdin is not None else b""
    told = [str(word) for word in words]
    ended = None
    if forkserver.can_run(told, os.environ if env is None else env):
        ended = forkserver.run(told, text, cwd or Path.cwd(), dict(env or os.environ), LIMIT)
    status, out, err = ended or _started(told, text, cwd, env)
    assert "Traceback" not in err.decode(), err.decode()
    return Ran(status, out.decode(), err.decode())


def _started(
    words: list[str], stdin: bytes, cwd: Path | None, env: Mapping[str, str] | None
) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        command(*words),
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=env,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def command(*words: str | Path) -> list[str]:
    """The argument vector of ``opsrun WORDS...``, warnings being errors as in all tests."""
    return [sys.executable, "-W", "error", "-m", "opsrun", *map(str, words)]
