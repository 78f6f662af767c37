"""How long opsrun takes to start, beside ssh(1): medians of alternating runs.

Run as ``python benchmarks/startup.py [--reps N]``, or as a part of ``benchmarks/exec.py``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from harness.contestants import opsrun_command
from harness.measure import clean_environment
from harness.tables import table

from opsrun.lab import Lab


def once(argv: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Run a program with its output thrown away.

    Returns:
        Seconds of wall clock and of processor time.

    Raises:
        RuntimeError: it failed.
    """
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    started = time.monotonic()
    pid = os.posix_spawnp(argv[0], list(argv), dict(env), file_actions=null)
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - started
    if status:
        raise RuntimeError(f"{' '.join(argv)}: status {os.waitstatus_to_exitcode(status)}")
    return wall, used.ru_utime + used.ru_stime


def contestants(lab: Lab) -> dict[str, list[str]]:
    """What is started, by the words of the table."""
    host = lab.hosts[0].name
    opsrun = opsrun_command()
    ssh = ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "opsrun --version": [*opsrun, "--version"],
        "opsrun --help": [*opsrun, "--help"],
        "opsrun exec true, one host": [
            *[*opsrun, "exec", "-i", str(lab.inventory), "--hosts", host, "--", "true"]
        ],
        "ssh host true": [*ssh, host, "true"],
        "ssh host true, curve25519": [*ssh, "-o", "KexAlgorithms=curve25519-sha256", host, "true"],
    }


def measure_start(lab: Lab, home: Path, reps: int) -> str:
    """The table, from ``reps`` rounds after one that only fills the caches."""
    env = clean_environment(home)
    figures: dict[str, list[tuple[float, float]]] = {}
    for round_ in range(reps + 1):
        for name, argv in contestants(lab).items():
            figure = once(argv, env)
            if round_:
                figures.setdefault(name, []).append(figure)
    return table(
        ("program", "wall ms", "quickest", "CPU ms"),
        [_cells(name, each) for name, each in figures.items()],
    )


def _cells(name: str, figures: Sequence[tuple[float, float]]) -> list[str]:
    walls = [wall * 1000 for wall, _ in figures]
    cpu = median(cpu * 1000 for _, cpu in figures)
    return [f"`{name}`", f"{median(walls):.0f}", f"{min(walls):.0f}", f"{cpu:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reps", type=int, default=15, metavar="N")
    reps = parser.parse_args().reps
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    try:
        with Lab(folder / "lab", hosts=1) as lab:
            print(measure_start(lab, folder, reps), end="")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
