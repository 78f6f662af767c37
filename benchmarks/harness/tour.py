"""What ``tour/`` leaves on a host, whoever carries it out; and the judging of what a run says."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path

from ClusterShell.NodeSet import NodeSet

FOLDER = Path(__file__).resolve().parents[1] / "tour"
PLAYBOOK = FOLDER / "tour.yml"
DEPLOY = FOLDER / "deploy.py"
TASKS = 21
_PARTS = ("alpha", "beta", "gamma", "delta", "epsilon")
_RECAP = re.compile(
    r"^\s*(\S+)(?: \(\d+\))?\s+:?\s*ok=? ?(\d+)\s+changed=? ?(\d+)(.*)", re.MULTILINE
)
_TOTAL = re.compile(r"^\s*Grand total\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)
_OPERATIONS, _CHANGING, _ALWAYS = 14, 13, 1
"""Of the deploy: all, those that change a new host, and those that count as changed each time."""


def expected(host: str) -> dict[str, str]:
    """Every path below the host's folder, and its type, mode and content."""
    config = f"# {host}\n" + "".join(f"load {part}\n" for part in _PARTS)
    return {
        ".": "d 755",
        "conf.d": "d 750",
        "motd": f"- 644 welcome to {host}\n",
        "limits": "- 600 nofile 65535\n",
        "main.conf": f"- 640 {config}",
        "second.conf": f"- 640 {config}",
        "current": "l main.conf",
        **{f"conf.d/{part}.conf": f"- 644 {part}\n" for part in _PARTS},
    }


def found(folder: Path) -> dict[str, str]:
    """The same of what there is."""
    return {str(path.relative_to(folder)): _said(path) for path in (folder, *folder.rglob("*"))}


def _said(path: Path) -> str:
    if path.is_symlink():
        return f"l {path.readlink()}"
    mode = f"{stat.S_IMODE(path.stat().st_mode):o}"
    return f"d {mode}" if path.is_dir() else f"- {mode} {path.read_text()}"


def files_are_right(root: Path, hosts: Sequence[str]) -> str:
    """What is wrong on the hosts; empty if nothing is."""
    for host in hosts:
        folder = root / host
        there = found(folder) if folder.is_dir() else {}
        for path, wanted in expected(host).items():
            if there.pop(path, None) != wanted:
                return f"{host}: {path} is not what it should be"
        if there:
            return f"{host}: {min(there)} should not be there"
    return ""


def recap_is_right(out: str, hosts: Sequence[str], new: bool, tasks: int = TASKS) -> str:
    """What is wrong with a recap of Ansible's kind or ours; empty if nothing is.

    Args:
        tasks: so many are ok on each host.
    """
    rows = recap(out)
    for host in hosts:
        ok, changed, _ = rows.get(host, (0, 0, ""))
        if ok != tasks or bool(changed) is not new:
            return f"{host}: ok {ok}, changed {changed}"
    return ""


def recap(out: str) -> dict[str, tuple[int, int, str]]:
    """By host, how many tasks were ok and how many of those changed something, and the rest.

    Hosts that are alike may be folded, as in ``web[01-20] (20)``.
    """
    return {
        host: (int(ok), int(changed), rest)
        for names, ok, changed, rest in _RECAP.findall(out)
        for host in NodeSet(names)
    }


def totals_are_right(out: str, hosts: Sequence[str], new: bool) -> str:
    """What is wrong with what pyinfra says in the end; empty if nothing is."""
    wanted = [_OPERATIONS, _CHANGING if new else _ALWAYS, 0]
    wanted.append(_OPERATIONS - sum(wanted[1:]))
    said = _TOTAL.search(out)
    counts = [int(word.replace("-", "0")) for word in said.groups()] if said else []
    right = [count * len(hosts) for count in wanted]
    return "" if counts == right else f"in all {counts}, and not {right}"
