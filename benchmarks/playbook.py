"""One playbook of 21 tasks on ten hosts, beside ansible-playbook: first all is new, then nothing.

Run as ``python benchmarks/playbook.py [--hosts N] [--reps N] [--python PYTHON] [--results FILE]``.
ansible-playbook is set up as its users are told to make it quick: pipelining and ControlPersist.
Both read the same inventory and the same files, and every run is judged by its recap.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness import machine
from harness.contestants import opsrun_command
from harness.environments import NoPeer, Peers, version_of
from harness.measure import clean_environment
from harness.tables import table

from opsrun.lab import Lab

HERE = Path(__file__).parent
TOUR = HERE / "tour" / "tour.yml"
ANSIBLE = "ansible-core==2.18.*"
TASKS = 21
_RECAP = re.compile(r"^\s*(\S+)\s+:?\s*ok=? ?(\d+)\s+changed=? ?(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of user and system time, of the program and all its children."""


def once(argv: Sequence[str], env: Mapping[str, str], hosts: int, changed: bool) -> Figures:
    """Run a program, and judge it.

    Raises:
        RuntimeError: it failed, or its recap isn't the right one.
    """
    before, started = os.times(), time.monotonic()
    done = subprocess.run(
        argv, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - started, os.times()
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    found = _RECAP.findall(done.stdout)
    right = [ok for _, ok, count in found if int(ok) == TASKS and bool(int(count)) is changed]
    if done.returncode or len(right) != hosts:
        raise RuntimeError(f"{argv[0]}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return Figures(wall, cpu)


def contestants(lab: Lab, root: Path, python: Path) -> dict[str, list[str]]:
    """What is started, by the words of the table."""
    inventory = ["-i", str(lab.inventory), "-f", str(len(lab.hosts)), str(TOUR)]
    return {
        "opsrun": [*opsrun_command(), "playbook", "-e", f"root={root / 'ours'}", *inventory],
        "ansible-playbook": [
            *(str(python.parent / "ansible-playbook"), "-e", f"root={root / 'theirs'}"),
            *inventory,
        ],
    }


def environment(home: Path, hosts: int) -> dict[str, str]:
    """What both run in."""
    control = "-o ControlMaster=auto -o ControlPersist=60s"
    return clean_environment(home) | {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": control,
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_PYTHON_INTERPRETER": shutil.which("python3", path="/usr/bin") or sys.executable,
        "ANSIBLE_FORKS": str(hosts),
        "ANSIBLE_NOCOLOR": "1",
    }


Found = dict[tuple[str, str], list[Figures]]
"""By program, and by the state that it finds hosts in."""


def measure(lab: Lab, folder: Path, python: Path, reps: int) -> Found:
    """Turn by turn: each program on new trees, then on converged ones."""
    env = environment(folder, len(lab.hosts))
    found: Found = {}
    for turn in range(reps):
        root = folder / f"trees{turn}"
        for name, argv in contestants(lab, root, python).items():
            (root / ("ours" if name == "opsrun" else "theirs")).mkdir(parents=True)
            for state, changed in (("new", True), ("converged", False)):
                figures = once(argv, env, len(lab.hosts), changed)
                found.setdefault((name, state), []).append(figures)
                print(f"{name}, {state}: {figures.wall:.1f} s", file=sys.stderr)
    return found


def rendered(found: Mapping[tuple[str, str], Sequence[Figures]]) -> str:
    """The table."""
    rows = []
    for (name, state), figures in found.items():
        beside = found[("ansible-playbook", state)]
        ratios = [a.wall / b.wall for a, b in zip(figures, beside, strict=True)]
        walls = [each.wall for each in figures]
        rows.append(
            [
                f"`{name}`",
                state,
                f"{median(walls):.1f} ({min(walls):.1f} to {max(walls):.1f})",
                f"{median(each.cpu for each in figures):.1f}",
                f"{median(ratios):.3f}",
            ]
        )
    return table(("program", "hosts are", "wall s", "client CPU s", "of ansible's wall"), rows)


def page(body: str, hosts: int, reps: int, load: float, versions: str) -> str:
    """``results/playbook.md``."""
    date = datetime.date.today().isoformat()
    return (
        "# A playbook beside ansible-playbook\n\n"
        f"{date} · {machine.describe()} · load average {load:.1f} before it began · {versions}\n\n"
        f"`python benchmarks/playbook.py --hosts {hosts} --reps {reps}`\n\n"
        f"{TASKS} tasks (`benchmarks/tour/tour.yml`: files, templates, a loop of five, commands, "
        f"assertions) on {hosts} hosts of the lab, all at once; medians of {reps} runs that "
        "alternate. Servers and clients share the processors, so ratios say more than times; "
        "*client CPU* counts the program and its children, and not the servers'.\n\n" + body
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10, metavar="N")
    parser.add_argument("--reps", type=int, default=3, metavar="N")
    parser.add_argument("--python", type=Path, metavar="PYTHON", help="has ansible-core already")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "playbook.md")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    try:
        python = Peers(HERE.parent / ".bench", given.python).python(ANSIBLE)
    except NoPeer as error:
        parser.error(str(error))
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    try:
        with Lab(folder / "lab", hosts=given.hosts) as lab:
            body = rendered(measure(lab, folder, python, given.reps))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    versions = f"ansible-core {version_of(python, 'ansible-core')}"
    given.results.write_text(page(body, given.hosts, given.reps, load, versions))
    print(body, end="")


if __name__ == "__main__":
    main()
