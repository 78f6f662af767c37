"""The lab with the system's sshd, seen through ssh(1) and /proc."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.lab_fixtures import LAB_HOSTS, SSHDFactory
from support.processes import mentioning, wait_gone
from support.ssh_client import ssh, ssh_command

from opsrun.errors import LabError, UsageError
from opsrun.lab import Lab, LabHost, openssh, starting
from opsrun.lab.layout import host_names


def test_every_host_is_a_host_of_its_own(lab: Lab) -> None:
    assert tuple(host.name for host in lab.hosts) == host_names(LAB_HOSTS)
    assert len({host.address for host in lab.hosts}) == LAB_HOSTS
    keys = {line.split()[2] for line in lab.known_hosts.read_text().splitlines()}
    assert len(keys) == LAB_HOSTS
    pids = {row.pid for row in lab.status() if row.up}
    assert len(pids) == LAB_HOSTS


def test_every_host_lets_us_in_and_knows_its_name(lab: Lab) -> None:
    running = [
        (host.name, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
        for host in lab.hosts
        for words in [ssh_command(lab, host.name, "echo $OPSRUN_HOST $LOGNAME")]
    ]
    for name, process in running:
        out, _ = process.communicate(timeout=120)
        assert (out, process.returncode) == (f"{name} {lab.user}\n".encode(), 0)


@pytest.mark.root
def test_root_gives_hosts_a_host_name(lab: Lab) -> None:
    if not openssh.can_rename_hosts():
        pytest.skip("no UTS namespaces here")
    assert ssh(lab, "db07", "hostname; uname -n").stdout == b"db07\ndb07\n"


def test_sessions_have_a_home_on_their_host(lab: Lab) -> None:
    done = ssh(lab, "app03", "echo ~; echo $HOME")
    home = str(lab.directory / "home" / "app03")
    assert done.stdout.decode().split() == [home, home]


def test_exit_status_and_streams(lab: Lab) -> None:
    done = ssh(lab, "web09", "cat; echo e >&2; exit 7", stdin=b"in\0")
    assert (done.stdout, done.stderr, done.returncode) == (b"in\0", b"e\n", 7)


def test_everything_is_private(lab: Lab) -> None:
    for path in [lab.directory, *lab.directory.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_nobody_else_gets_in(lab: Lab, mock_host: Lab) -> None:
    other_key = ("-i", str(mock_host.private_key), "-o", "IdentityFile=none")
    words = ["ssh", "-F", "none", *other_key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={lab.known_hosts}", "-p", str(lab.hosts[0].port)]
    done = subprocess.run(
        [*words, f"{lab.user}@{lab.hosts[0].address}", "true"], capture_output=True, check=False
    )
    assert done.returncode == 255
    assert b"Permission denied (publickey)" in done.stderr


def test_options_win_over_ours(sshd: SSHDFactory) -> None:
    made = sshd("ForceCommand echo forced", "Match LocalAddress 127.0.0.0/8", "  SetEnv X=1")
    assert ssh(made, "web01", "true").stdout == b"forced\n"


def test_shared_hosts_still_know_their_names(sshd: SSHDFactory) -> None:
    made = sshd(hosts=18, shared=True)
    assert len(made.state.servers) == 2
    assert len({line.split()[2] for line in made.known_hosts.read_text().splitlines()}) == 1
    for name in ("web01", "web09", "app04"):
        assert ssh(made, name, "echo $OPSRUN_HOST").stdout.decode().strip() == name
    assert "Accepted publickey" in made.log("app04").read_text()


def test_two_labs_know_nothing_of_each_other(sshd: SSHDFactory) -> None:
    one, other = sshd(), sshd()
    assert one.hosts != other.hosts
    one.down()
    assert ssh(other, "web01", "true").returncode == 0


@pytest.mark.sshd
def test_up_twice_and_down_twice(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", hosts=2) as first:
        again = Lab(tmp_path / "lab", hosts=2)
        assert not again.up()
        assert (again.hosts, again.state) == (first.hosts, first.state)
        with pytest.raises(UsageError, match="a lab of 2 hosts, not of these 3, is up"):
            Lab(tmp_path / "lab", hosts=3).up()
        with pytest.raises(UsageError, match="is up, and served by sshd"):
            Lab(tmp_path / "lab", hosts=2, server="mock").up()
        assert again.down()
        assert not again.down()
    assert mentioning(tmp_path) == []


def test_down_ends_what_runs_on_the_hosts(sshd: SSHDFactory) -> None:
    made = sshd(hosts=2)
    script = "echo $$; setsid sh -c 'echo $$; exec sleep 1000' & exec sleep 1000"
    words = ssh_command(made, "db01", script)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        pids = [int(session.stdout.readline()) for _ in range(2)]
        made.down()
        assert session.wait(timeout=60) == 255
    assert all(wait_gone(pid) for pid in pids)
    assert not made.directory.exists()


def test_what_left_its_session_is_ended_too(sshd: SSHDFactory) -> None:
    made = sshd()
    started = ssh(made, "web01", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!")
    made.down()
    assert wait_gone(int(started.stdout))


def test_a_lab_of_which_a_server_died_is_started_anew(sshd: SSHDFactory) -> None:
    made = sshd(hosts=2)
    survivor, victim = (server.process.pid for server in made.state.servers)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    assert [row.up for row in made.status()] == [True, False]
    before = made.state.id
    assert made.up()
    assert made.state.id != before
    assert wait_gone(survivor)
    assert all(row.up for row in made.status())


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "an earlier one"}])
def test_numbers_of_an_earlier_life_belong_to_others(
    sshd: SSHDFactory, change: dict[str, object]
) -> None:
    made = sshd()
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        made.down()
        other = Lab(made.directory, hosts=1)
        other.up()
        document = json.loads((made.directory / "lab.json").read_text())
        document["servers"][0]["process"] |= {"pid": bystander.pid} | change
        (made.directory / "lab.json").write_text(json.dumps(document))
        assert made.load()
        assert [row.pid for row in made.status()] == [None]
        assert made.up()
        assert bystander.poll() is None
        bystander.kill()


def test_a_server_that_will_not_start_leaves_nothing(sshd: SSHDFactory, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"server of (web0[12]|db01) ended at once: .*NoSuchOption"):
        sshd("NoSuchOption yes", hosts=3)
    assert mentioning(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_was_taken_meanwhile(
    sshd: SSHDFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = starting.place, 0

    def place(names: tuple[str, ...]) -> tuple[LabHost, ...]:
        nonlocal calls
        calls += 1
        if calls > 1:
            return real(names)
        return tuple(LabHost(name, "127.0.0.1", taken.getsockname()[1]) for name in names)

    monkeypatch.setattr(starting, "place", place)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = sshd()
    assert calls == 2
    assert made.hosts[0].address != "127.0.0.1"
    assert ssh(made, "web01", "true").returncode == 0


@pytest.fixture
def deaf_sshd(tmp_path: Path) -> Iterator[dict[str, str]]:
    """PATH with an sshd that starts, says so in ``deaf/NAME``, and never listens."""
    place = tmp_path / "deaf"
    place.mkdir()
    (place / "sshd").write_text(
        '#!/bin/sh\n[ "$1" = -D ] || { echo OpenSSH_9.2 >&2; exit; }\n'
        f"mkfifo {place}/$$; echo $$ >{place}/started; read x <{place}/$$\n"
    )
    (place / "sshd").chmod(0o700)
    os.mkfifo(place / "started")
    yield {"PATH": f"{place}:{os.environ['PATH']}"}
    assert not [pid for pid in mentioning(place / "sshd") if not wait_gone(pid, 0)]


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_up_that_is_interrupted_leaves_nothing(
    tmp_path: Path, deaf_sshd: dict[str, str], number: signal.Signals, status: int
) -> None:
    starting_up = opsrun_started("lab", "up", "--hosts", "1", cwd=tmp_path, **deaf_sshd)
    pid = int((tmp_path / "deaf" / "started").read_text())
    starting_up.send_signal(number)
    ended, out, err = finished(starting_up)
    assert (ended, out, err.strip()) == (status, "", "")
    assert wait_gone(pid)
    assert not (tmp_path / ".lab").exists()


@pytest.mark.sshd
def test_up_that_was_killed_is_cleaned_up_by_down(
    tmp_path: Path, deaf_sshd: dict[str, str]
) -> None:
    starting_up = opsrun_started("lab", "up", "--hosts", "1", cwd=tmp_path, **deaf_sshd)
    pid = int((tmp_path / "deaf" / "started").read_text())
    starting_up.kill()
    finished(starting_up)
    document = json.loads((tmp_path / ".lab" / "lab.json").read_text())
    document["servers"] = []  # as if it had come before they were written down
    (tmp_path / ".lab" / "lab.json").write_text(json.dumps(document))
    assert finished(opsrun_started("lab", "down", cwd=tmp_path)) == (
        0,
        "the lab in .lab is gone\n",
        "",
    )
    assert wait_gone(pid)
    assert not (tmp_path / ".lab").exists()


@pytest.mark.sshd
def test_command_line_from_up_to_down(tmp_path: Path) -> None:
    status, out, err = finished(opsrun_started("lab", "up", "--hosts", "2", cwd=tmp_path))
    try:
        assert (status, err) == (0, "")
        assert out.startswith("2 hosts are up in .lab (OpenSSH_")
        assert "  opsrun exec df --hosts web -i .lab/inventory.yml\n" in out
        assert "  ssh -F .lab/ssh_config web01\n" in out
        again = finished(opsrun_started("lab", "up", "--hosts", "2", cwd=tmp_path))
        assert again[1].startswith("2 hosts were already up in .lab (OpenSSH_")
        status, out, _ = finished(opsrun_started("lab", "status", cwd=tmp_path))
        rows = [line.split() for line in out.splitlines()]
        assert status == 0
        assert [row[:2] for row in rows[:-1]] == [["web01", "up"], ["db01", "up"]]
        assert out.splitlines()[-1].startswith("2 of 2 up, served by OpenSSH_")
        os.kill(int(rows[0][4]), signal.SIGKILL)
        assert wait_gone(int(rows[0][4]))
        status, out, _ = finished(opsrun_started("lab", "status", cwd=tmp_path))
        assert (status, out.split()[:2]) == (1, ["web01", "down"])
    finally:
        done = finished(opsrun_started("lab", "down", cwd=tmp_path))
    assert done == (0, "the lab in .lab is gone\n", "")
    assert list(tmp_path.iterdir()) == []
