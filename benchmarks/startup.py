"""How long programs take to start: opsrun beside ssh(1) and Ansible, medians of alternating runs.

Run as ``python benchmarks/startup.py [--reps N]``, which writes ``results/startup.md``, or as a
part of ``benchmarks/exec.py``.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from harness import machine
from harness.command import command_line
from harness.contestants import opsrun_command
from harness.environments import NoPeer, Peers, version_of
from harness.measure import clean_environment
from harness.tables import table

from opsrun.lab import Lab

_HERE = Path(__file__).resolve().parent
ANSIBLE = "ansible-core==2.18.*"
Contestants = dict[str, list[str]]


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


def contestants(lab: Lab) -> Contestants:
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


def ansible(lab: Lab, python: Path) -> Contestants:
    """The same with Ansible, as its users are told to make it quick."""
    program = [str(python), str(python.with_name("ansible")), "-i", str(lab.inventory)]
    return {"ansible -m raw -a true": [*program, lab.hosts[0].name, "-m", "raw", "-a", "true"]}


def measure_start(
    lab: Lab, home: Path, reps: int, more: Contestants | None = None, slow_reps: int = 3
) -> str:
    """The table, from ``reps`` rounds after one that only fills the caches.

    Args:
        more: further contestants, which take part in ``slow_reps`` rounds.
    """
    env = clean_environment(home) | {
        "ANSIBLE_PIPELINING": "1",
        # Without a master that stays: each run logs in, as the others do.
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
    }
    figures: dict[str, list[tuple[float, float]]] = {}
    for round_ in range(reps + 1):
        others = more or {}
        for name, argv in (contestants(lab) | (others if round_ <= slow_reps else {})).items():
            figure = once(argv, env)
            if round_:
                figures.setdefault(name, []).append(figure)
    return table(
        ("program", "wall ms", "quickest", "CPU ms", "runs"),
        [_cells(name, each) for name, each in figures.items()],
    )


def _cells(name: str, figures: Sequence[tuple[float, float]]) -> list[str]:
    walls = [wall * 1000 for wall, _ in figures]
    cpu = median(cpu * 1000 for _, cpu in figures)
    return [
        f"`{name}`",
        f"{median(walls):.0f}",
        f"{min(walls):.0f}",
        f"{cpu:.0f}",
        f"{len(figures)}",
    ]


def main() -> None:
    options = parse(sys.argv[1:])
    load = machine.load()
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    words = [f"{machine.ssh_version()}"]
    try:
        with Lab(folder / "lab", hosts=1) as lab:
            others: Contestants = {}
            try:
                python = Peers(_HERE.parent / ".bench", options.peers_python).python(ANSIBLE)
                others = ansible(lab, python)
                words.append(f"ansible-core {version_of(python, 'ansible-core')}")
            except NoPeer as error:
                words.append(f"ansible did not take part: {error}")
            found = measure_start(lab, folder, options.reps, others)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(found, load, " · ".join(words))
    options.results.write_text(text)
    print(text)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--reps", type=int, default=15, metavar="N")
    add("--peers-python", type=Path, metavar="PATH", help="has ansible-core installed already")
    add("--results", type=Path, default=_HERE / "results" / "startup.md", metavar="FILE")
    return parser.parse_args(words)


def page(found: str, load: float, versions: str) -> str:
    """``results/startup.md``."""
    return (
        "# How long programs take to start\n\n"
        f"{datetime.date.today().isoformat()} · {machine.describe()} · {versions} · load average "
        f"{load:.1f} before it began\n\n"
        f"`{command_line('startup.py', sys.argv[1:], ('--results', '--peers-python'))}`\n\n"
        "From the start of the program to its end, on one host of the lab where there is a host; "
        "*CPU* is the program's own and its children's.\n\n" + found
    )


if __name__ == "__main__":
    main()
