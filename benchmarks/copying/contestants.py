"""Who takes part: how each is told to copy, and where it leaves what it gets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ClusterShell.NodeSet import NodeSet
from harness.contestants import opsrun_command

from copying.goods import Goods
from opsrun.lab import Lab, LabHost

_HERE = Path(__file__).parent.parent

THERE = "got"
"""Directory on the hosts, below where logins begin, that everything is put into."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to copy to or from some hosts of a lab."""

    lab: Lab
    hosts: tuple[LabHost, ...]
    put: bool
    goods: Goods
    """Its path is the same on all hosts: they are this machine."""
    folder: Path
    """For this run alone."""

    @property
    def here(self) -> Path:
        """Where it is got to."""
        return self.folder / "got"

    @property
    def names(self) -> list[str]:
        return [host.name for host in self.hosts]


Argv = Callable[[Task, Path], Sequence[str]]
"""Takes the task and the contestant's Python."""

Place = Callable[[Task, LabHost], Path]
"""Where what was got from a host lies."""


def _folder_a_host(task: Task, host: LabHost) -> Path:
    return task.here / host.name / task.goods.name


@dataclass(frozen=True, slots=True)
class Contestant:
    """A tool, set up as its users have it."""

    name: str
    about: str
    argv: Argv
    place: Place = _folder_a_host
    program: str = ""
    """That has to be on PATH."""
    distribution: str = ""
    """On PyPI."""
    requirement: str = ""
    """What pip is told, if that is more than the distribution's name."""
    only_many: bool = False
    """Takes part where there are several hosts."""
    slow: bool = False
    """Many times slower than the others: runs once where they run several times, and last."""
    gets_trees: bool = True
    huge: bool = True
    """Takes part with the file that shows memory."""
    env: Mapping[str, str] = field(default_factory=dict)

    def takes(self, task_put: bool, what: str, hosts: int) -> bool:
        """Whether it can take part."""
        if what == "tree" and not task_put and not self.gets_trees:
            return False
        return (hosts > 1 or not self.only_many) and (what != "huge" or self.huge)


def _opsrun(task: Task, python: Path) -> Sequence[str]:
    where = ["--hosts", ",".join(task.names), "-i", str(task.lab.inventory)]
    ends = [str(task.goods.path), f"{THERE}/" if task.put else str(task.here)]
    how = ["-f", str(len(task.hosts))]
    return [*opsrun_command(), "put" if task.put else "get", *where, *how, *ends]


def _each(line: Callable[[Task, LabHost], str], *, at_once: bool = True) -> Argv:
    """One process a host, from a shell: all at once, or one by one."""

    def argv(task: Task, python: Path) -> Sequence[str]:
        script = task.folder / "each.sh"
        lines = [line(task, host) for host in task.hosts]
        if at_once and len(lines) > 1:
            body = "".join(f'{each} & all="$all $!"\n' for each in lines)
            body += "for one in $all; do wait $one || bad=1; done\n"
        else:
            body = "".join(f"{each} || bad=1\n" for each in lines)
        folders = [] if task.put else [task.here / host.name for host in task.hosts]
        for folder in folders:
            folder.mkdir(parents=True)
        script.write_text(f"bad=0\n{body}exit $bad\n")
        return ["/bin/sh", str(script)]

    return argv


def _ends(task: Task, host: LabHost) -> tuple[str, str]:
    source = str(task.goods.path)
    if task.put:
        return source, f"{host.name}:{THERE}/"
    return f"{host.name}:{source}", f"{task.here / host.name}/"


def _scp(*options: str) -> Callable[[Task, LabHost], str]:
    def line(task: Task, host: LabHost) -> str:
        recurse = ["-r"] if task.goods.is_tree else []
        how = ["-q", "-F", str(task.lab.ssh_config), *options]
        return shlex.join(["scp", *how, *recurse, *_ends(task, host)])

    return line


def _rsync(task: Task, host: LabHost) -> str:
    return shlex.join(["rsync", "-a", "-e", f"ssh -F {task.lab.ssh_config}", *_ends(task, host)])


def _sftp(task: Task, host: LabHost) -> str:
    recurse = "-r " if task.goods.is_tree else ""
    orders = task.folder / f"{host.name}.sftp"
    source = task.goods.path
    there = f"{THERE}/" if task.put else f"{task.here / host.name}/"
    orders.write_text(f"{'put' if task.put else 'get'} {recurse}{source} {there}\n")
    how = ["-q", "-F", str(task.lab.ssh_config), "-b", str(orders)]
    return shlex.join(["sftp", *how, host.name])


def _ansible(task: Task, python: Path) -> Sequence[str]:
    # It goes by the account's home, whatever HOME says.
    (task.folder / "ansible.cfg").write_text(f"[defaults]\nremote_tmp = {task.folder}/remote\n")
    source = task.goods.path
    if task.put:
        place = f"{task.lab.directory}/home/{{{{inventory_hostname}}}}/{THERE}/"
        what = ["-m", "copy", "-a", f"src={source} dest={place}"]
    else:
        place = f"{task.here}/{{{{inventory_hostname}}}}/"
        what = ["-m", "fetch", "-a", f"src={source} dest={place} flat=yes"]
    where = [",".join(task.names), "-i", str(task.lab.inventory), "-f", str(len(task.hosts))]
    return [str(python), str(python.with_name("ansible")), *where, *what]


_ANSIBLE_ENV = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_SSH_CONTROL_PATH_DIR": "cp",
}


def _parallel_ssh(task: Task, python: Path) -> Sequence[str]:
    spec = task.folder / "task.json"
    content = {
        "user": task.lab.user,
        "key": str(task.lab.private_key),
        "hosts": [asdict(host) for host in task.hosts],
        "put": task.put,
        "source": str(task.goods.path),
        "target": f"{THERE}/{task.goods.name}" if task.put else str(task.here / task.goods.name),
        "tree": task.goods.is_tree,
    }
    task.here.mkdir(exist_ok=True)
    spec.write_text(json.dumps(content))
    return [str(python), "-I", str(_HERE / "copy_with_parallel_ssh.py"), str(spec)]


def _clush(task: Task, python: Path) -> Sequence[str]:
    where = ["-w", str(NodeSet.fromlist(task.names)), "-o", f"-F {task.lab.ssh_config}"]
    how = ["-f", str(len(task.hosts)), "--nostdin", "-S"]
    task.here.mkdir(exist_ok=True)
    what = ["--copy" if task.put else "--rcopy", str(task.goods.path)]
    dest = ["--dest", f"{THERE}/" if task.put else f"{task.here}/"]
    return [str(python), str(python.with_name("clush")), *where, *how, *what, *dest]


CONTESTANTS = (
    Contestant("opsrun", "opsrun put and get", _opsrun),
    Contestant(
        "scp", "scp over SFTP, as it is by default; a process a host", _each(_scp()), program="scp"
    ),
    Contestant(
        "scp-aes",
        "scp -c aes128-gcm@openssh.com, the cipher that opsrun takes",
        _each(_scp("-c", "aes128-gcm@openssh.com")),
        program="scp",
    ),
    Contestant(
        "scp-serial",
        "scp, one host after the other",
        _each(_scp(), at_once=False),
        program="scp",
        only_many=True,
    ),
    Contestant("sftp", "sftp -b, put and get; a process a host", _each(_sftp), program="sftp"),
    Contestant("rsync", "rsync -a over ssh(1); a process a host", _each(_rsync), program="rsync"),
    Contestant(
        "parallel-ssh",
        "ParallelSSHClient.copy_file and copy_remote_file, native clients, no host key check",
        _parallel_ssh,
        lambda task, host: task.here / f"{task.goods.name}_{host.address}",
        distribution="parallel-ssh",
        slow=True,
        huge=False,
    ),
    Contestant(
        "clush",
        "clush --copy and --rcopy, which start scp",
        _clush,
        lambda task, host: task.here / f"{task.goods.name}.{host.name}",
        distribution="ClusterShell",
    ),
    Contestant(
        "ansible",
        "ansible -m copy, -m fetch over ssh(1), pipelining",
        _ansible,
        distribution="ansible-core",
        requirement="ansible-core==2.18.*",
        slow=True,
        huge=False,
        gets_trees=False,
        env=_ANSIBLE_ENV,
    ),
)

OURS, LARGE_PEER, TREE_PEER = "opsrun", "scp", "rsync"
