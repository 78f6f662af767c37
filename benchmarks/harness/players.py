"""Who carries the same 21 tasks out: how each is set up, as its users are told to make it quick."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import tour
from harness.behind import Hosts
from harness.contestants import opsrun_command
from harness.outputs import read_lines

_HERE = Path(__file__).resolve().parents[1]
ANSIBLE = "ansible-core==2.18.*"


@dataclass(frozen=True, slots=True)
class Job:
    """One run."""

    hosts: Hosts
    root: Path
    """Where the hosts' trees are."""
    folder: Path
    """For this run alone."""
    python: Path
    new: bool
    """Whether the trees are still to be made."""

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts'."""
        return tuple(host.name for host in self.hosts.hosts)


@dataclass(frozen=True, slots=True)
class Player:
    """A program."""

    name: str
    about: str
    argv: Callable[[Job], Sequence[str]]
    problem: Callable[[Job, str, str], str]
    """What is wrong with a run that ended with 0, by its two outputs; empty if nothing is."""
    requires: tuple[str, ...] = ()
    """What pip installs for it; none for what runs in our own environment."""
    shown: tuple[str, ...] = ()
    """Distributions whose versions belong to the results."""
    env: Callable[[Job], Mapping[str, str]] = lambda job: {}
    slow: bool = False
    """Takes many times as long as the others; runs less often."""


def _opsrun(job: Job) -> Sequence[str]:
    where = ["-i", str(job.hosts.inventory), "-f", str(len(job.names))]
    return [*opsrun_command(), "playbook", *where, "-e", f"root={job.root}", str(tour.PLAYBOOK)]


def _ansible(job: Job) -> Sequence[str]:
    # In the working directory it is read before the machine's own.
    (job.folder / "ansible.cfg").write_text("[defaults]\n")
    program = [str(job.python), str(job.python.with_name("ansible-playbook"))]
    where = ["-i", str(job.hosts.inventory), "-f", str(len(job.names))]
    return [*program, *where, "-e", f"root={job.root}", str(tour.PLAYBOOK)]


def _ansible_env(job: Job) -> Mapping[str, str]:
    return {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        # Relative to the run's own folder: no run finds the connections of an earlier one open.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "cp",
        "ANSIBLE_PYTHON_INTERPRETER": shutil.which("python3", path="/usr/bin") or sys.executable,
        "ANSIBLE_NOCOLOR": "1",
    }


def _mitogen_env(job: Job) -> Mapping[str, str]:
    packages = job.python.parent.parent.glob("lib/python*/site-packages/ansible_mitogen")
    plugins = next(packages) / "plugins" / "strategy"
    strategy = {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(plugins)}
    return {**_ansible_env(job), **strategy}


def _pyinfra(job: Job) -> Sequence[str]:
    hosts = [
        (
            host.name,
            {
                "ssh_hostname": host.address,
                "ssh_port": host.port,
                "ssh_user": job.hosts.user,
                "ssh_key": str(job.hosts.private_key),
                "ssh_known_hosts_file": str(job.hosts.known_hosts),
                "ssh_strict_host_key_checking": "yes",
            },
        )
        for host in job.hosts.hosts
    ]
    (job.folder / "inventory.py").write_text(f"hosts = {hosts!r}\n")
    for path in tour.FOLDER.iterdir():
        if path.is_file():
            shutil.copy(path, job.folder)
    program = [str(job.python), str(job.python.with_name("pyinfra")), "-y"]
    return [*program, "--data", f"root={job.root}", "inventory.py", tour.DEPLOY.name]


def _bare(job: Job) -> Sequence[str]:
    content = {
        "command": "true",
        "forks": len(job.names),
        "user": job.hosts.user,
        "key": str(job.hosts.private_key),
        "hosts": [asdict(host) for host in job.hosts.hosts],
    }
    (job.folder / "task.json").write_text(json.dumps(content))
    return [str(job.python), "-I", str(_HERE / "bare.py"), str(job.folder / "task.json")]


def _by_recap(job: Job, out: str, err: str) -> str:
    return tour.recap_is_right(out, job.names, job.new) or tour.files_are_right(job.root, job.names)


def _by_totals(job: Job, out: str, err: str) -> str:
    return tour.totals_are_right(err, job.names, job.new) or tour.files_are_right(
        job.root, job.names
    )


def _by_lines(job: Job, out: str, err: str) -> str:
    ends = read_lines(out, err, job.names)
    wrong = [name for name in job.names if name not in ends or ends[name].rc != 0]
    return f"{wrong[0]}: no answer" if wrong else ""


OURS, FLOOR = "opsrun", "bare"
PLAYERS = (
    Player(FLOOR, "paramiko under gevent: logs in and runs `true`, that is all", _bare, _by_lines),
    Player(OURS, "`opsrun playbook`", _opsrun, _by_recap),
    Player(
        "pyinfra",
        "the equivalent deploy (`benchmarks/tour/deploy.py`), with -y",
        _pyinfra,
        _by_totals,
        ("pyinfra",),
        ("pyinfra", "paramiko"),
    ),
    Player(
        "mitogen",
        "ansible-playbook with the strategy mitogen_linear",
        _ansible,
        _by_recap,
        ("mitogen", ANSIBLE),
        ("mitogen", "ansible-core"),
        _mitogen_env,
    ),
    Player(
        "ansible",
        "ansible-playbook with pipelining and ControlPersist",
        _ansible,
        _by_recap,
        (ANSIBLE,),
        ("ansible-core",),
        _ansible_env,
        slow=True,
    ),
)
