"""The lab where there is no sshd, seen through ssh(1)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import mentioning, wait_gone
from support.ssh_client import ssh, ssh_command

from opsrun.lab import Lab, openssh


def test_without_sshd_the_mock_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssh, "find_sshd", lambda: None)
    with Lab(tmp_path / "lab", hosts=2) as made:
        assert made.state.version.startswith("mock-ssh-server ")
        assert all(row.up for row in made.status())


def test_mock_hosts_are_hosts_of_their_own(mock_host: Lab) -> None:
    assert len({line.split()[2] for line in mock_host.known_hosts.read_text().splitlines()}) == 4
    for host in mock_host.hosts:
        done = ssh(mock_host, host.name, "echo $OPSRUN_HOST; pwd")
        home = mock_host.directory / "home" / host.name
        assert done.stdout.decode() == f"{host.name}\n{home}\n"


def test_mock_passes_on_stdin_and_its_end(mock_host: Lab) -> None:
    data = os.urandom(300_000)
    done = ssh(mock_host, "web01", "cat; echo e >&2; exit 3", stdin=data)
    assert (done.stdout, done.stderr, done.returncode) == (data, b"e\n", 3)


def test_mock_tells_the_signal(mock_host: Lab) -> None:
    done = ssh(mock_host, "web01", "kill -TERM $$", options=("-o", "LogLevel=DEBUG"))
    assert done.returncode == 255
    assert b"client_input_channel_req: channel 0 rtype exit-signal reply 0" in done.stderr


def test_mock_drops_what_nobody_reads(mock_host: Lab) -> None:
    done = ssh(mock_host, "web01", "exec <&-; echo done", stdin=b"x" * 3_000_000)
    assert (done.stdout, done.returncode) == (b"done\n", 0)


def test_mock_with_a_password(mock_with_password: Callable[[str], Lab], tmp_path: Path) -> None:
    made = mock_with_password("correct horse")
    askpass = tmp_path / "askpass"
    askpass.write_text('#!/bin/sh\necho "$ANSWER"\n')
    askpass.chmod(0o700)
    wanted = ("BatchMode=no", "PreferredAuthentications=password", "NumberOfPasswordPrompts=1")
    options = [word for option in wanted for word in ("-o", option)]
    words = ssh_command(made, "web01", "echo in", options=options)
    for answer, status in (("correct horse", 0), ("wrong", 255)):
        env = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "ANSWER": answer}
        done = subprocess.run(
            words, env=os.environ | env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert done.returncode == status, done.stderr


def test_mock_is_gone_with_all_it_ran(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", hosts=1, server="mock") as made:
        started = ssh(made, "web01", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!")
        server = made.state.servers[0].process
    assert wait_gone(int(started.stdout))
    assert not server.running
    assert mentioning(tmp_path) == []
