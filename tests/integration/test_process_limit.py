"""Few processes and threads for the user that opsrun runs as: fewer hosts at once, and said so."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest
from support.cli import LIMIT, Ran, command

from opsrun.lab import Lab

HOSTS = 20
MOST = 40
"""Processes and threads of the user's; 20 hosts on threads would take 56 and more."""

USERS = count(20_000 + 8 * (os.getpid() % 5_000))
"""Users with no process at all: each command has one of its own, and each run of these tests."""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="root's word is needed to become somebody else"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv(1): util-linux"),
]


def confined(*words: str | Path) -> Ran:
    """Run ``opsrun WORDS...`` as a user who may have `MOST` processes and threads.

    Root passes over the limit, and so do two capabilities; the one that is kept reads files that
    are root's: this tree, perhaps, and the lab's keys.
    """
    user = next(USERS)
    kept = "-all,+dac_override"
    became = subprocess.run(
        [
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
            *(f"--bounding-set={kept}", f"--inh-caps={kept}", f"--ambient-caps={kept}"),
            *("prlimit", f"--nproc={MOST}", *command(*words)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    return Ran(became.returncode, became.stdout.decode(), became.stderr.decode())


def over_ssh(lab: Lab, *words: str) -> Ran:
    """Run a command on `HOSTS` hosts of the lab's, all at once."""
    hosts = ":".join(host.name for host in lab.hosts[:HOSTS])
    options = ("--hosts", hosts, "-f", str(HOSTS), "-o", "json", "-u", "root")
    return confined("exec", "-i", lab.inventory, *options, *words, "--", "true")


def test_threads_are_counted_before_the_start(lab: Lab) -> None:
    ran = over_ssh(lab, "--engine", "threads")
    assert ran.status == 0, ran.err
    assert {result["outcome"] for result in ran.results.values()} == {"ok"}
    assert len(ran.results) == HOSTS
    # Itself and sixteen for everything but hosts; the rest is two a host.
    assert f"processes and threads are limited: 11 hosts at once instead of {HOSTS}" in ran.err
    assert "(see ulimit -u)" in ran.err


def test_greenlets_take_none(lab: Lab) -> None:
    ran = over_ssh(lab, "--engine", "gevent")
    assert ran.status == 0, ran.err
    assert len(ran.results) == HOSTS
    assert "are limited" not in ran.err


@pytest.mark.parametrize("engine", ["threads", "gevent"])
def test_processes_of_this_machine_are_counted(tmp_path: Path, engine: str) -> None:
    inventory = tmp_path / "here.ini"
    names = "\n".join(f"here{number:02}" for number in range(HOSTS))
    inventory.write_text(f"[all:vars]\nansible_connection=local\n[here]\n{names}\n")
    options = ("--hosts", "here", "-f", str(HOSTS), "-o", "json", "--engine", engine)
    ran = confined("exec", "-i", inventory, *options, "--", "true")
    assert ran.status == 0, ran.err
    assert len(ran.results) == HOSTS
    assert "processes and threads are limited: " in ran.err
