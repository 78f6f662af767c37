"""``opsrun`` as a program of its own that is left running, to be signalled and waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def opsrun_started(*words: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """Start ``opsrun WORDS...``, warnings being errors; `finished` must be called for it."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "opsrun", *words],
        cwd=cwd,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for its end: exit status, standard output, standard error."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
