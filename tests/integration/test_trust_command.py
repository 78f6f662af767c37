"""``opsrun trust`` on real sshd: what is shown, what is recorded, and what never is."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cli import LIMIT, Ran, command, opsrun

from opsrun.lab import Lab
from opsrun.transports.hostkeys.lines import fingerprint, parse_line

ENGINES = ("gevent", "threads")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass(frozen=True)
class Stranger:
    """Hosts of a lab, to somebody who has a known_hosts file of his own."""

    lab: Lab
    inventory: Path
    known: Path

    def run(self, name: str, *words: str | Path) -> Ran:
        return opsrun(name, "-i", self.inventory, "-w", "all", *words)

    def mark(self, host: str) -> str:
        """The fingerprint of a host of the lab's."""
        return fingerprint(self.blobs()[self.lookup(host)])

    def lookup(self, host: str) -> str:
        found = next(one for one in self.lab.hosts if one.name == host)
        return f"[{found.address}]:{found.port}"

    def blobs(self) -> dict[str, bytes]:
        """The lab's own keys, by the names that known_hosts has for them."""
        parsed = [parse_line(x, "", 0) for x in self.lab.known_hosts.read_text().splitlines()]
        return {str(names): entry.blob for names, entry in filter(None, parsed)}

    def log(self) -> str:
        return "".join(self.lab.log(host.name).read_text() for host in self.lab.hosts)


def stranger(lab: Lab, folder: Path, count: int, *options: str) -> Stranger:
    known, inventory = folder / "mine" / "known_hosts", folder / "hosts.ini"
    args = " ".join(
        f"-o {option}" for option in (f"UserKnownHostsFile={known}", *options, "HashKnownHosts=no")
    )
    inventory.write_text(
        "".join(
            f"{host.name} ansible_host={host.address} ansible_port={host.port} "
            f"ansible_user={lab.user} ansible_ssh_private_key_file={lab.private_key} "
            f"ansible_ssh_common_args='{args}'\n"
            for host in lab.hosts[:count]
        )
    )
    return Stranger(lab, inventory, known)


def on_a_terminal(words: list[str], typed: bytes) -> tuple[int, str]:
    """Run a command on a terminal of its own, with ``typed`` as what is typed there."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(words[0], words)
    os.write(master, typed)
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:
        pass
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_twenty_unknown_hosts_are_trusted_and_then_let_in_strictly(
    lab: Lab, tmp_path: Path, engine: str
) -> None:
    mine = stranger(lab, tmp_path, 20)
    assert mine.run("exec", "-q", "true").status == 3
    ran = mine.run("trust", "-y", "--engine", engine)
    assert ran.status == 0, ran.err
    assert "20 keys recorded" in ran.err
    for host in lab.hosts[:20]:
        assert mine.mark(host.name) in ran.out
    lines = mine.known.read_text().splitlines()
    theirs = {line.split()[0]: line for line in lab.known_hosts.read_text().splitlines()}
    assert lines == [theirs[mine.lookup(host.name)] for host in lab.hosts[:20]]
    assert stat.S_IMODE(mine.known.stat().st_mode) == 0o600
    assert mine.run("exec", "--engine", engine, "-q", "true").status == 0
    again = mine.run("trust")
    assert (again.status, again.out) == (0, "")
    assert "nothing to do" in again.err
    assert mine.known.read_text().splitlines() == lines


def test_nobody_logs_in(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    mine = stranger(sshd("LogLevel DEBUG1", hosts=1), tmp_path, 1)
    assert mine.run("trust", "-y").status == 0
    log = mine.log()
    assert "KEX done" in log
    assert "userauth-request" not in log
    assert "Accepted" not in log
    assert mine.lab.user not in log.split("KEX done")[-1]


def test_without_a_terminal_nothing_is_written(lab: Lab, tmp_path: Path) -> None:
    mine = stranger(lab, tmp_path, 2)
    words = command("trust", "-i", mine.inventory, "-w", "all")
    ran = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert ran.returncode == 1
    assert b"nothing was recorded: there is no terminal to ask on (say -y" in ran.stderr
    assert not mine.known.exists()


@pytest.mark.parametrize(("typed", "status"), [(b"y\n", 0), (b"\n", 1), (b"n\n", 1)])
def test_it_asks_once(lab: Lab, tmp_path: Path, typed: bytes, status: int) -> None:
    mine = stranger(lab, tmp_path, 3)
    words = command("trust", "-i", mine.inventory, "-w", "all")
    ended, shown = on_a_terminal(words, typed)
    assert ended == status, shown
    assert shown.count("[y/N]") == 1
    assert shown.index(mine.mark(lab.hosts[2].name)) < shown.index("[y/N]")
    assert mine.known.exists() is (status == 0)


def test_nobody_is_asked_who_has_seen_no_fingerprint(lab: Lab, tmp_path: Path) -> None:
    mine = stranger(lab, tmp_path, 1)
    words = command("trust", "-i", mine.inventory, "-w", "all", "-o", "json")
    ended, shown = on_a_terminal(words, b"y\n")
    assert ended == 1
    assert "-o json asks nobody" in shown
    assert not mine.known.exists()


def test_a_changed_key_is_shown_and_never_replaced(lab: Lab, tmp_path: Path, engine: str) -> None:
    mine = stranger(lab, tmp_path, 3)
    first, second, third = (host.name for host in lab.hosts[:3])
    other = next(
        line for line in lab.known_hosts.read_text().splitlines()
        if line.startswith(mine.lookup(second) + " ")
    ).split()  # fmt: skip
    mine.known.parent.mkdir()
    wrong = f"# mine\n{mine.lookup(first)} {other[1]} {other[2]}\n"
    mine.known.write_text(wrong)
    ran = mine.run("trust", "-y", "--engine", engine)
    assert ran.status == 1
    line = ran.out.splitlines()[0]
    assert line.startswith(first)
    assert mine.mark(first) in line
    assert f"changed: {mine.known}:2 has {other[1]} {mine.mark(second)}" in line
    assert "ssh-keygen -R" in ran.err
    text = mine.known.read_text()
    assert text.startswith(wrong)
    added = [one.split()[0] for one in text[len(wrong) :].splitlines()]
    assert added == [mine.lookup(second), mine.lookup(third)]
    assert mine.run("exec", "-q", "true").status == 3


def test_a_revoked_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    mine = stranger(lab, tmp_path, 1)
    line = next(x for x in lab.known_hosts.read_text().splitlines())
    assert line.startswith(mine.lookup(lab.hosts[0].name))
    mine.known.parent.mkdir()
    mine.known.write_text(f"@revoked * {' '.join(line.split()[1:3])}\n")
    ran = mine.run("trust", "-y")
    assert ran.status == 1
    assert f"revoked by {mine.known}:1" in ran.out
    assert mine.known.read_text().count("\n") == 1


def test_every_type_of_key_once_each_and_hashed(
    sshd: Callable[..., Lab], tmp_path: Path, engine: str
) -> None:
    for kind in ("rsa", "ecdsa"):
        made = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / kind]
        subprocess.run(made, check=True)
    options = (f"HostKey {tmp_path / 'rsa'}", f"HostKey {tmp_path / 'ecdsa'}")
    mine = stranger(sshd(*options), tmp_path, 1, "HashKnownHosts=yes")
    ran = mine.run("trust", "-y", "-o", "json", "--engine", engine)
    assert ran.status == 0, ran.err
    [result] = ran.results.values()
    shown = {key["type"]: (key["fingerprint"], key["status"]) for key in result["data"]["keys"]}
    assert set(shown) == {"ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"}
    for kind, name in (("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")):
        words = ["ssh-keygen", "-lf", tmp_path / f"{kind}.pub"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert shown[name] == (told.split()[1], "new")
    fields = [line.split() for line in mine.known.read_text().splitlines()]
    assert {field[1] for field in fields} == set(shown)
    assert all(field[0].startswith("|1|") for field in fields)
    find = ["ssh-keygen", "-F", mine.lookup(mine.lab.hosts[0].name), "-f", mine.known]
    found = subprocess.run(find, capture_output=True, text=True, check=True).stdout
    assert found.count("|1|") == 3
    # A type that goes missing comes back as new: the host is still known by the others.
    mine.known.write_text("".join(" ".join(one) + "\n" for one in fields if one[1] != "ssh-rsa"))
    ran = mine.run("trust", "-y")
    assert ran.status == 0, ran.err
    assert ran.out.split()[1::2] == ["ssh-rsa", "new"]
    assert mine.known.read_text().count("\n") == 3


def test_only_what_is_expected_is_recorded(lab: Lab, tmp_path: Path) -> None:
    mine = stranger(lab, tmp_path, 3)
    first, second, third = (host.name for host in lab.hosts[:3])
    expected = tmp_path / "expected"
    expected.write_text(
        f"# from the console\n{first} {mine.mark(first)}\n{second} {mine.mark(third)}\n"
    )
    ran = mine.run("trust", "--expect", expected)
    assert ran.status == 1
    assert [line.split()[0] for line in mine.known.read_text().splitlines()] == [mine.lookup(first)]
    ends = {line.split()[0]: line.split()[-1] for line in ran.out.splitlines()}
    assert ends == {first: "new", second: "refused", third: "refused"}
    assert f"not expected in {expected}" in ran.err
    ran = mine.run("trust", "--expect", lab.known_hosts)
    assert ran.status == 0, ran.err
    assert mine.known.read_text().count("\n") == 3


def test_an_unreachable_host_keeps_nobody_from_the_others(lab: Lab, tmp_path: Path) -> None:
    mine = stranger(lab, tmp_path, 2)
    with mine.inventory.open("a") as file:
        file.write("nobody ansible_host=127.0.0.1 ansible_port=1\n")
        file.write("here ansible_connection=local\n")
    ran = mine.run("trust", "-y", "-o", "jsonl")
    assert ran.status == 3
    outcomes = {host: result["outcome"] for host, result in ran.results.items()}
    assert outcomes["nobody"] == "unreachable"
    assert outcomes["here"] == "skipped"
    assert mine.known.read_text().count("\n") == 2


def test_behind_a_jump_host(lab: Lab, sshd: Callable[..., Lab], tmp_path: Path) -> None:
    bastion = sshd(hosts=["b1"])
    [b1] = bastion.hosts
    config = tmp_path / "config"
    config.write_text(
        f"Host b1\n HostName {b1.address}\n Port {b1.port}\n User {bastion.user}\n"
        f" IdentityFile {bastion.private_key}\n UserKnownHostsFile {bastion.known_hosts}\n"
    )
    mine = stranger(lab, tmp_path, 4)
    ran = mine.run("trust", "-y", "-F", config, "-J", "b1")
    assert ran.status == 0, ran.err
    assert mine.known.read_text().count("\n") == 4
    assert bastion.log("b1").read_text().count("Accepted publickey") == 1
    assert mine.run("exec", "-q", "-F", config, "-J", "b1", "true").status == 0
