"""The lab with the system's sshd, seen through ssh(1) and /proc."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.lab_fixtures import LAB_HOSTS, SSHDFactory
from support.processes import mentioning, wait_gone
from support.ssh_client import ssh, ssh_command

from opsrun.errors import LabError, UsageError
from opsrun.lab import Lab, LabHost, openssh, starting
from opsrun.lab.layout import host_names


def opsrun(*words: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "opsrun", *words],
        cwd=cwd,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


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
    with pytest.raises(LabError, match=r"server of web0[12] ended at once: .*NoSuchOption"):
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
    starting_up = opsrun("lab", "up", "--hosts", "1", cwd=tmp_path, **deaf_sshd)
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
    starting_up = opsrun("lab", "up", "--hosts", "1", cwd=tmp_path, **deaf_sshd)
    pid = int((tmp_path / "deaf" / "started").read_text())
    starting_up.kill()
    finished(starting_up)
    document = json.loads((tmp_path / ".lab" / "lab.json").read_text())
    document["servers"] = []  # as if it had come before they were written down
    (tmp_path / ".lab" / "lab.json").write_text(json.dumps(document))
    assert finished(opsrun("lab", "down", cwd=tmp_path)) == (0, "the lab in .lab is gone\n", "")
    assert wait_gone(pid)
    assert not (tmp_path / ".lab").exists()


@pytest.mark.sshd
def test_command_line_from_up_to_down(tmp_path: Path) -> None:
    status, out, err = finished(opsrun("lab", "up", "--hosts", "2", cwd=tmp_path))
    try:
        assert (status, err) == (0, "")
        assert out.startswith("2 hosts are up in .lab (OpenSSH_")
        assert "  opsrun exec df --hosts web -i .lab/inventory.yml\n" in out
        assert "  ssh -F .lab/ssh_config web01\n" in out
        again = finished(opsrun("lab", "up", "--hosts", "2", cwd=tmp_path))
        assert again[1].startswith("2 hosts were already up in .lab (OpenSSH_")
        status, out, _ = finished(opsrun("lab", "status", cwd=tmp_path))
        rows = [line.split() for line in out.splitlines()]
        assert status == 0
        assert [row[:2] for row in rows[:-1]] == [["web01", "up"], ["db01", "up"]]
        assert out.splitlines()[-1].startswith("2 of 2 up, served by OpenSSH_")
        os.kill(int(rows[0][4]), signal.SIGKILL)
        assert wait_gone(int(rows[0][4]))
        status, out, _ = finished(opsrun("lab", "status", cwd=tmp_path))
        assert (status, out.split()[:2]) == (1, ["web01", "down"])
    finally:
        done = finished(opsrun("lab", "down", cwd=tmp_path))
    assert done == (0, "the lab in .lab is gone\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sshd
@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_run_passes_on_how_the_command_ended(tmp_path: Path, script: str, status: int) -> None:
    command = ("sh", "-c", f'cat "$OPSRUN_INVENTORY" && {script}')
    running = opsrun(
        "lab", "run", "--hosts", "1", "--", *command, cwd=tmp_path, TMPDIR=str(tmp_path)
    )
    ended, out, err = finished(running)
    assert (ended, err) == (status, "")
    assert "ansible_host: 127." in out
    assert list(tmp_path.iterdir()) == []
    assert mentioning(tmp_path / "opsrun-lab-") == []


@pytest.mark.sshd
def test_run_uses_a_lab_that_is_up_and_leaves_it_up(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", hosts=2) as made:
        words = ("lab", "run", "--dir", "lab", "--hosts", "2", "--", "printenv", "OPSRUN_INVENTORY")
        assert finished(opsrun(*words, cwd=tmp_path)) == (0, f"{made.inventory}\n", "")
        assert all(row.up for row in made.status())


@pytest.mark.sshd
def test_run_passes_signals_on_and_ends_the_lab(tmp_path: Path) -> None:
    script = "trap 'echo caught; exit 5' TERM; echo $$; while :; do sleep 0.01; done"
    words = ("lab", "run", "--dir", "lab", "--hosts", "1", "--", "sh", "-c", script)
    running = opsrun(*words, cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()
    running.terminate()
    assert finished(running) == (5, "caught\n", "")
    assert list(tmp_path.iterdir()) == []
    assert mentioning(tmp_path / "lab") == []


@pytest.mark.sshd
def test_servers_of_a_run_die_with_it(tmp_path: Path) -> None:
    words = ("lab", "run", "--dir", "lab", "--hosts", "2", "--", "sh", "-c", "echo; read x; :")
    running = opsrun(*words, cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()
    document = json.loads((tmp_path / "lab" / "lab.json").read_text())
    pids = [server["process"]["pid"] for server in document["servers"]]
    running.kill()
    finished(running)
    assert len(pids) == 2
    assert all(wait_gone(pid) for pid in pids)
    assert Lab(tmp_path / "lab").down()


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


ON_A_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""

COUNTS_INTERRUPTS = """
import os, signal, sys
wanted = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
interrupts = 0
while signal.sigwait(wanted) == signal.SIGINT:
    interrupts += 1
    # What is passed on keeps its order: this comes back after any second interrupt.
    os.kill(os.getppid(), signal.SIGTERM)
sys.exit(40 + interrupts)
"""


@pytest.mark.sshd
def test_interrupt_from_the_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    words = ("-m", "opsrun", "lab", "run", "--dir", "lab", "--hosts", "1", "--")
    command = [sys.executable, *words, sys.executable, "-c", COUNTS_INTERRUPTS]
    running = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *command],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\r\n"
    running.stdin.write(b"\x03")
    running.stdin.flush()
    assert running.wait(timeout=60) == 41
    running.communicate()
    assert list(tmp_path.iterdir()) == []
