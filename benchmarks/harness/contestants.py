"""Who takes part: how each is started, and how its output is read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ClusterShell.NodeSet import NodeSet

from harness.outputs import Reader, read_ansible, read_clush, read_lines, read_opsrun
from opsrun.lab import Lab, LabHost

_HERE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Task:
    """One command on some hosts of a lab."""

    lab: Lab
    hosts: tuple[LabHost, ...]
    command: str
    forks: int
    folder: Path
    """For this run alone."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.hosts)

    @property
    def pattern(self) -> str:
        """The hosts for tools that take patterns."""
        return "all" if self.hosts == self.lab.hosts else ",".join(self.names)


Argv = Callable[[Task, Path], Sequence[str]]
"""Takes the task and the contestant's Python."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A tool, set up as its users have it."""

    name: str
    about: str
    argv: Argv
    read: Reader
    distribution: str = ""
    """On PyPI; empty for what runs in our own environment."""
    requirement: str = ""
    """What pip is told, if that is more than the distribution's name."""
    sustains: int = 1_000_000
    """Hosts at once: more are not asked of it."""
    bounded: bool = True
    """That bounds the commands that run at once; False if only logins."""
    slow: bool = False
    """Many times slower than the others: runs once where they run several times."""
    most_hosts: int = 1_000_000
    """It takes no part in scenarios of more."""
    env: Mapping[str, str] = field(default_factory=dict)

    def forks(self, wanted: int) -> int:
        """How many hosts at once it is told to take."""
        return min(wanted, self.sustains)


def write_task(task: Task) -> str:
    """The task as a file for our own programs; its path."""
    path = task.folder / "task.json"
    content = {
        "command": task.command,
        "forks": task.forks,
        "user": task.lab.user,
        "key": str(task.lab.private_key),
        "known_hosts": str(task.lab.known_hosts),
        "hosts": [asdict(host) for host in task.hosts],
    }
    path.write_text(json.dumps(content))
    return str(path)


def opsrun_command() -> list[str]:
    """How to start opsrun: the installed program, else the package."""
    program = Path(sys.executable).with_name("opsrun")
    return [str(program)] if program.exists() else [sys.executable, "-m", "opsrun"]


def _program(name: str) -> Argv:
    return lambda task, python: [str(python), "-I", str(_HERE / name), write_task(task)]


def _opsrun(*options: str) -> Argv:
    def argv(task: Task, python: Path) -> Sequence[str]:
        where = ["-i", str(task.lab.inventory), "--hosts", task.pattern]
        how = ["-f", str(task.forks), "-o", "json", *options]
        return [*opsrun_command(), "exec", *where, *how, "--", task.command]

    return argv


def _clush(task: Task, python: Path) -> Sequence[str]:
    where = ["-w", str(NodeSet.fromlist(list(task.names))), "-o", f"-F {task.lab.ssh_config}"]
    how = ["-f", str(task.forks), "--nostdin", "-S"]
    return [str(python), str(python.with_name("clush")), *where, *how, task.command]


def _ansible(task: Task, python: Path) -> Sequence[str]:
    # In the working directory it is read before the machine's own.
    (task.folder / "ansible.cfg").write_text("[defaults]\n")
    where = [task.pattern, "-i", str(task.lab.inventory)]
    how = ["-f", str(task.forks), "-m", "raw", "-a", task.command]
    return [str(python), str(python.with_name("ansible")), *where, *how]


_ANSIBLE_ENV = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "1",
    # Relative to the run's own folder: no run finds the connections of an earlier one open.
    "ANSIBLE_SSH_CONTROL_PATH_DIR": "cp",
}

CONTESTANTS = (
    Contestant(
        "bare",
        "paramiko under gevent in a bare loop, no host key check: the floor",
        _program("bare.py"),
        read_lines,
    ),
    Contestant("opsrun", "opsrun exec -o json", _opsrun(), read_opsrun),
    Contestant(
        "opsrun-threads",
        "opsrun exec -o json --engine threads",
        _opsrun("--engine", "threads"),
        read_opsrun,
        sustains=50,
        most_hosts=200,
    ),
    Contestant(
        "parallel-ssh",
        "ParallelSSHClient.run_command, native clients, no host key check; its pool bounds "
        "logins, not the commands that run",
        _program("with_parallel_ssh.py"),
        read_lines,
        "parallel-ssh",
        bounded=False,
    ),
    Contestant(
        "asyncssh",
        "asyncssh.connect and run under a semaphore",
        _program("with_asyncssh.py"),
        read_lines,
        "asyncssh",
    ),
    Contestant(
        "clush",
        "clush over ssh(1)",
        _clush,
        read_clush,
        "ClusterShell",
        sustains=200,
        slow=True,
    ),
    Contestant(
        "ansible",
        "ansible -m raw over ssh(1), pipelining, ControlPersist as it is by default",
        _ansible,
        read_ansible,
        "ansible-core",
        "ansible-core==2.18.*",
        sustains=100,
        slow=True,
        env=_ANSIBLE_ENV,
    ),
)

FLOOR = "bare"
OURS = "opsrun"
