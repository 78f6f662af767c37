"""The configuration of sshd, and when there is no using it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from opsrun.lab import openssh
from opsrun.lab.folder import Folder
from opsrun.lab.launch import Plan
from opsrun.lab.layout import LabHost
from opsrun.lab.openssh import OpenSSH


def plan(directory: Path, count: int = 1, *, shared: bool = False) -> Plan:
    folder = Folder.at(directory)
    folder.make()
    folder.make_rooms()
    hosts = tuple(
        LabHost(f"web{number:02}", f"127.80.0.{number}", 22022) for number in range(1, count + 1)
    )
    return Plan(folder, "0123", "me", hosts, shared=shared, tied=False)


def config_of(sshd: OpenSSH, asked: Plan, server: str = "web01") -> list[str]:
    sshd.launches(asked)
    return asked.folder.config(server).read_text().splitlines()


def test_one_process_a_host(tmp_path: Path) -> None:
    asked = plan(tmp_path, 3)
    launches = OpenSSH("/x/sshd", "OpenSSH_9.2").launches(asked)
    assert [launch.hosts for launch in launches] == [("web01",), ("web02",), ("web03",)]
    for launch, host in zip(launches, asked.hosts, strict=True):
        config = str(asked.folder.config(host.name))
        assert launch.argv[-5:] == ("/x/sshd", "-D", "-e", "-f", config)
        assert f"ListenAddress {host.address}" in Path(config).read_text().splitlines()


def test_shared_ones_have_no_more_addresses_than_sshd_takes(tmp_path: Path) -> None:
    asked = plan(tmp_path, 35, shared=True)
    launches = OpenSSH("/x/sshd", "OpenSSH_9.2").launches(asked)
    assert [len(launch.hosts) for launch in launches] == [16, 16, 3]
    lines = asked.folder.config("web17").read_text().splitlines()
    assert sum(line.startswith("ListenAddress") for line in lines) == 16
    at = lines.index("Match LocalAddress 127.80.0.18")
    assert "OPSRUN_HOST=web18" in lines[at + 1]
    assert launches[0].argv[0] == "/x/sshd"


def test_options_win_and_matches_go_last(tmp_path: Path) -> None:
    options = ("PasswordAuthentication yes", "Match User x", "    ForceCommand true")
    lines = config_of(OpenSSH("/x/sshd", "OpenSSH_9.2", options), plan(tmp_path))
    assert lines.index("PasswordAuthentication yes") < lines.index("PasswordAuthentication no")
    matches = [line for line in lines if line.startswith("Match")]
    assert matches == ["Match User x", "Match LocalAddress 127.80.0.1"]
    assert all(line.startswith((" ", "Match")) for line in lines[lines.index("Match User x") :])


@pytest.mark.parametrize(
    ("version", "has"),
    [
        *(("OpenSSH_9.8p1", True), ("OpenSSH_10.0p2", True), ("OpenSSH_9.10", True)),
        *(("OpenSSH_9.2p1", False), ("OpenSSH_8.9", False), ("sshd", False)),
    ],
)
def test_penalties_are_off_where_sshd_knows_them(tmp_path: Path, version: str, has: bool) -> None:
    lines = config_of(OpenSSH("/x/sshd", version), plan(tmp_path))
    assert ("PerSourcePenalties no" in lines) is has


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("OpenSSH_9.2, OpenSSL 3.0.19 27 Jan 2026", "OpenSSH_9.2"),
        ("unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL\nusage: sshd", "OpenSSH_8.4p1"),
        ("what?", "sshd"),
    ],
)
def test_version_as_each_release_tells_it(tmp_path: Path, says: str, version: str) -> None:
    fake = tmp_path / "sshd"
    fake.write_text(f"#!/bin/sh\ncat >&2 <<'E'\n{says}\nE\nexit 1\n")
    fake.chmod(0o700)
    assert openssh.version_of(str(fake)) == version


def test_no_sshd_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssh, "find_sshd", lambda: None)
    reason = openssh.obstacle()
    assert reason is not None
    assert "apt-get install openssh-server" in reason


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false", "/no/such/shell"])
def test_an_account_that_runs_no_commands(monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    account = pwd.struct_passwd(("me", "x", os.geteuid(), 1, "", "/", shell))
    monkeypatch.setattr(openssh, "find_sshd", lambda: "/x/sshd")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: account)
    assert openssh.obstacle() == f"the login shell of me is {shell}, which runs no commands"


def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(openssh, "find_sshd", lambda: "/x/sshd")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert "has no name" in (openssh.obstacle() or "")


def test_found_in_sbin_without_it_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    before = openssh.find_sshd()
    monkeypatch.setenv("PATH", "/nowhere")
    assert openssh.find_sshd() == before
