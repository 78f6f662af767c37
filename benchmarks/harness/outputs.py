"""What each tool said about each host, read from its own output; and whether that is right.

A tool's exit status is not asked: it may be 0 with a host forgotten. Hosts that are not in the
result are hosts that the tool said nothing about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ClusterShell.NodeSet import NodeSet


@dataclass(frozen=True, slots=True)
class End:
    """How the command ended on a host, as a tool reports it."""

    rc: int | None
    stdout: str
    why: str = ""


Ends = dict[str, End]

Reader = Callable[[str, str, Iterable[str]], Ends]
"""Takes standard output, standard error and the hosts' names."""


def read_lines(stdout: str, stderr: str, hosts: Iterable[str]) -> Ends:
    """Of our own programs: a JSON object a line and host."""
    found = (json.loads(line) for line in stdout.splitlines())
    return {each["host"]: End(each["rc"], each["stdout"], each["stderr"]) for each in found}


def read_opsrun(stdout: str, stderr: str, hosts: Iterable[str]) -> Ends:
    """Of ``opsrun exec -o json``."""
    ends = {}
    for result in json.loads(stdout)["results"]:
        good = result["outcome"] == "ok"
        why = (result["error"] or {}).get("message", result["outcome"])
        ends[result["host"]] = End(
            result["rc"] if good else result["rc"] or None, result["stdout"], "" if good else why
        )
    return ends


_CLUSH_STATUS = re.compile(
    r"^clush: (\S+)(?: \(\d+\))?: (?:exited with exit code (\d+)|(.*))$", re.M
)


def read_clush(stdout: str, stderr: str, hosts: Iterable[str]) -> Ends:
    """Of ``clush``, which names only the hosts that failed or that said something."""
    lines: dict[str, list[str]] = {host: [] for host in hosts}
    for line in stdout.splitlines():
        host, _, text = line.partition(": ")
        if host in lines:
            lines[host].append(text)
    ends = {host: End(0, "\n".join(said)) for host, said in lines.items()}
    for named, status, words in _CLUSH_STATUS.findall(stderr):
        for host in NodeSet(named):
            ends[host] = End(int(status) if status else None, "\n".join(lines[host]), words)
    return ends


_ANSIBLE_HEAD = re.compile(r"^(\S+) \| ([A-Z]+)!?(?: \| rc=(-?\d+) >>| => )")
_PTY_NOISE = re.compile(r"^Shared connection to \S+ closed\.$")


def read_ansible(stdout: str, stderr: str, hosts: Iterable[str]) -> Ends:
    """Of ``ansible``: a head line for each host, and the host's output below it."""
    ends: Ends = {}
    host, status, rc, said = "", "", "", list[str]()

    def close() -> None:
        if host:
            text = "\n".join(said).strip("\n")
            good = status in ("CHANGED", "SUCCESS") and bool(rc)
            ends[host] = End(int(rc) if good else None, text, "" if good else f"{status} {text}")

    for line in stdout.splitlines():
        if head := _ANSIBLE_HEAD.match(line):
            close()
            host, status, rc, said = head[1], head[2], head[3] or "", []
        elif not _PTY_NOISE.match(line):
            said.append(line)
    close()
    return ends


def is_right(command: str, end: End) -> bool:
    """Whether this is how ``command`` ends on a healthy host."""
    if end.rc != 0:
        return False
    lines = end.stdout.splitlines()
    if command.split()[0] == "df":
        return len(lines) > 1 and lines[0].startswith("Filesystem")
    return not end.stdout.strip()


def failures(command: str, hosts: Iterable[str], ends: Ends) -> dict[str, str]:
    """Hosts on which the command did not end as it should, and what is known of it."""
    wrong = {}
    for host in hosts:
        end = ends.get(host)
        if end is None:
            wrong[host] = "not mentioned"
        elif not is_right(command, end):
            wrong[host] = end.why.strip() or f"status {end.rc}, output {end.stdout[:80]!r}"
    return wrong
