"""Hosts that ssh(1) reaches, with what its own configuration may say."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.lab import Lab

HOSTS = 3


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose name leaves room for a socket's (108 bytes at most)."""
    with tempfile.TemporaryDirectory(prefix="cm") as name:
        yield Path(name)


@pytest.fixture
def shared(sshd: Callable[..., Lab], tmp_path: Path, short_dir: Path) -> Iterator[list[str | Path]]:
    """The words for three hosts whose connections ssh(1) shares, and keeps."""
    lab = sshd(hosts=HOSTS)
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host *\n  ControlMaster auto\n  ControlPath {short_dir}/%C\n  ControlPersist 60\n"
        f"  KexAlgorithms curve25519-sha256\nInclude {lab.ssh_config}\n"
    )
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        "".join(f"{host.name}\n" for host in lab.hosts)
        + "[all:vars]\nansible_connection=ssh_binary\n"
    )
    yield ["-i", inventory, "-w", "all", "-F", config, "-o", "json"]
    for name in lab.hosts:
        ending = ["ssh", "-F", str(config), "-O", "exit", name.name]
        subprocess.run(ending, stderr=subprocess.DEVNULL, check=False)


def test_a_connection_that_ssh_keeps_is_used_again(
    shared: list[str | Path], short_dir: Path
) -> None:
    first = opsrun("exec", *shared, "--", "echo one; echo two >&2; exit 3")
    assert first.status == 1, first.out
    sockets = {path: path.stat().st_ino for path in short_dir.iterdir()}
    assert len(sockets) == HOSTS, "each host's connection is kept"
    again = opsrun("exec", *shared, "--", "echo one; echo two >&2; exit 3")
    assert {path: path.stat().st_ino for path in short_dir.iterdir()} == sockets
    for ran in (first, again):
        for result in ran.results.values():
            assert (result["outcome"], result["rc"]) == ("failed", 3)
            assert (result["stdout"], result["stderr"]) == ("one\n", "two\n")


def test_a_kept_connection_takes_input_and_limits(shared: list[str | Path]) -> None:
    opsrun("exec", *shared, "--", "true")
    data = os.urandom(300_000).hex().encode()
    ran = opsrun("exec", *shared, "--stdin", "--", "cksum", stdin=data)
    expected = subprocess.run(["cksum"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert {result["stdout"] for result in ran.results.values()} == {expected.decode()}
    late = opsrun("exec", *shared, "--command-timeout", "0.5", "--", "echo begun; sleep 600")
    for result in late.results.values():
        assert (result["outcome"], result["stdout"]) == ("failed", "begun\n")


def test_a_kept_connection_that_has_died_is_made_anew(
    shared: list[str | Path], short_dir: Path
) -> None:
    opsrun("exec", *shared, "--", "true")
    for path in short_dir.iterdir():
        path.unlink()
    ran = opsrun("exec", *shared, "--", "true")
    assert ran.status == 0, ran.results
