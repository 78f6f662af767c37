"""What hosts take of this machine, by the way to them."""

from __future__ import annotations

import pytest

from opsrun.composition.needs import needs_by_kind, needs_of
from opsrun.composition.ways import Way
from opsrun.engine.limits import Needs
from opsrun.remote.become import BecomeSpec
from opsrun.transports.targets.target import LocalTarget, ProgramTarget, SSHTarget, Target

SSH = SSHTarget(host="web01", address="192.0.2.1", port=22, user="alice")
PROXIED = SSHTarget(host="web02", address="192.0.2.2", port=22, user="a", proxy_command="nc h 22")
LOCAL = LocalTarget("here")
DOCKER = ProgramTarget("box", "docker", ("docker", "exec", "box"), "box")
PROGRAM = ProgramTarget("web03", "ssh", ("ssh", "web03"), "web03")


def needs(*targets: Target) -> Needs:
    return needs_of([Way(target.host, target) for target in targets])


def test_over_ssh_no_process_is_needed() -> None:
    assert needs(SSH) == Needs(files=2, threads=2, processes=0)
    assert needs_of([]) == needs(SSH)


@pytest.mark.parametrize("target", [LOCAL, DOCKER, PROGRAM, PROXIED])
def test_other_ways_need_processes_and_pipes(target: Target) -> None:
    assert needs(target).processes > 0
    assert needs(target).files > needs(SSH).files


def test_the_neediest_counts() -> None:
    every = needs(SSH, LOCAL, DOCKER, PROXIED)
    alone = [needs(target) for target in (SSH, LOCAL, DOCKER, PROXIED)]
    for name in ("files", "threads", "processes"):
        assert getattr(every, name) == max(getattr(each, name) for each in alone)


def test_another_user_is_another_process() -> None:
    spec = BecomeSpec(method="sudo", user="root")
    assert needs_of([Way("here", LOCAL, spec)]).processes > needs(LOCAL).processes


@pytest.mark.parametrize("kind", ["ssh", "ansible.builtin.ssh", "paramiko_ssh", "smart"])
def test_names_of_kinds_over_ssh(kind: str) -> None:
    assert needs_by_kind([kind]) == needs_by_kind([]) == needs(SSH)


@pytest.mark.parametrize(
    ("kind", "target"), [("local", LOCAL), ("docker", DOCKER), ("ssh_binary", PROGRAM)]
)
def test_names_of_kinds_stand_for_ways(kind: str, target: Target) -> None:
    found = needs_by_kind(["ssh", kind])
    assert found.files == needs(target).files
    assert found.processes >= needs(target).processes
