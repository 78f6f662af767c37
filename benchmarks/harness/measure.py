"""One measured run of one program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SUPERVISE = Path(__file__).with_name("supervise.py")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a run cost, with all the processes that it started."""

    wall: float
    """Seconds until the program itself ended."""
    cpu: float
    """Seconds of user and system time, of all its processes."""
    largest_kb: int
    """Peak resident set of its largest process."""
    total_kb: int
    """Peak of all its processes together, shared pages counted once; sampled when several."""
    processes: int
    """Most that were seen at once."""
    left: int
    """Processes that it left behind."""
    status: int
    """Exit status, or minus the signal."""
    timed_out: bool


def clean_environment(home: Path, first_on_path: Path | None = None) -> dict[str, str]:
    """Nothing of the operator's: no agent, no configuration, a home of its own."""
    path = os.environ.get("PATH", os.defpath)
    return {
        "HOME": str(home),
        "PATH": path if first_on_path is None else f"{first_on_path}{os.pathsep}{path}",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(home),
    }


def measure(
    argv: Sequence[str], env: Mapping[str, str], folder: Path, seconds: int
) -> tuple[Measurement, str, str]:
    """Run ``argv`` in ``folder``, and end it after ``seconds``.

    Returns:
        The measurement, and what it wrote to standard output and standard error.

    Raises:
        RuntimeError: it could not be started.
    """
    stdout, stderr = folder / "stdout", folder / "stderr"
    spec = {
        "argv": list(argv),
        "env": dict(env),
        "cwd": str(folder),
        "stdout": str(stdout),
        "stderr": str(stderr),
        "seconds": seconds,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        report, complaint = process.communicate(json.dumps(spec).encode())
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode:
        words = complaint.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"can't run {argv[0]}: {words[-1] if words else process.returncode}")
    texts = [path.read_text(errors="replace") for path in (stdout, stderr)]
    return Measurement(**json.loads(report)), texts[0], texts[1]
