"""-v to -vvv: the story of a connection, phase after phase, and no secret in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.lab import Lab

CANARY = "hunter2-canary"


@pytest.fixture
def inventory(sshd: Callable[..., Lab], tmp_path: Path) -> Path:
    """``web`` behind ``bastion``, each known to the operator by a line of known_hosts."""
    lab = sshd(hosts=2)
    web, bastion = lab.hosts
    (tmp_path / "ssh_config").write_text(
        f"Host *\n  User {lab.user}\n  IdentityFile {lab.private_key}\n"
        f"  UserKnownHostsFile {lab.known_hosts}\n  SendEnv LANG\n  ForwardAgent yes\n"
        f"  RequestTTY auto\n"
        f"Host bastion\n  HostName {bastion.address}\n  Port {bastion.port}\n  SetEnv A=1\n"
    )
    path = tmp_path / "inventory.ini"
    reached = f"ansible_host={web.address} ansible_port={web.port}"
    reached += f" ansible_ssh_common_args='-F {tmp_path / 'ssh_config'}'"
    path.write_text(f"web {reached}\nalso {reached}\n")
    return path


def told(err: str, host: str) -> list[str]:
    """What was told of one host, without its name and the level."""
    start = f"debug: {host}: "
    return [line.removeprefix(start) for line in err.splitlines() if line.startswith(start)]


def in_order(lines: list[str], *beginnings: str) -> None:
    rest = iter(lines)
    for beginning in beginnings:
        assert any(line.startswith(beginning) for line in rest), (beginning, lines)


def test_the_phases_in_their_order(inventory: Path) -> None:
    ran = opsrun("exec", "-i", inventory, "-w", "web", "-J", "bastion", "-vv", "--", "true")
    assert ran.status == 0, ran.err
    login = ("banner: SSH-2.0-", "kex: ", "hostkey: ", "auth: offering ", "auth: ")
    in_order(told(ran.err, "bastion"), "dns: ", "tcp: connected to ", *login)
    in_order(told(ran.err, "web"), "tcp: going through jump host bastion", *login, "exec: ")
    story = told(ran.err, "web")
    [kex] = [line for line in story if line.startswith("kex: ")]
    assert "curve25519" in kex or "mlkem" in kex
    assert "aes128-gcm@openssh.com" in kex
    [key] = [line for line in story if line.startswith("hostkey: ")]
    assert "SHA256:" in key
    assert f"known_hosts:{key.rpartition(':')[2]}" in key
    assert "accepted as" in story[-2]


def test_addresses_that_were_tried_in_vain_are_told(inventory: Path) -> None:
    text = inventory.read_text().splitlines()[0]
    address = text.split("ansible_host=")[1].split()[0]
    inventory.write_text(text.replace(f"ansible_host={address}", "ansible_host=localhost"))
    ran = opsrun("exec", "-i", inventory, "-w", "web", "-vv", "--", "true")
    assert ran.status == 3
    assert any(line.startswith("dns: localhost is ") for line in told(ran.err, "web"))


def test_a_key_that_is_refused_is_told(inventory: Path, tmp_path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "wrong")]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    key = ["--private-key", tmp_path / "wrong"]
    ran = opsrun("exec", "-i", inventory, "-w", "web", *key, "-vv", "--", "true")
    story = told(ran.err, "web")
    in_order(story, f"auth: offering {tmp_path / 'wrong'}", f"auth: {tmp_path / 'wrong'} refused")


def test_keywords_without_effect_are_told_once_a_run(inventory: Path) -> None:
    ran = opsrun("exec", "-i", inventory, "-w", "all", "-J", "bastion", "-vv", "--", "true")
    assert ran.status == 0, ran.err
    lines = [line for line in ran.err.splitlines() if "without effect" in line]
    [line] = lines
    config = inventory.parent / "ssh_config"
    for keyword, place in (("SendEnv", 5), ("ForwardAgent", 6), ("SetEnv", 11)):
        assert f"{keyword} ({config}:{place}" in line
    assert "RequestTTY" not in line
    assert (
        "without effect" not in opsrun("exec", "-i", inventory, "-w", "web", "-v", "--", "true").err
    )


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_no_secret_at_any_length(
    inventory: Path, tmp_path: Path, engine: str, mock_with_password: Callable[[str], Lab]
) -> None:
    lab = mock_with_password(CANARY)
    password = tmp_path / "password"
    password.write_text(CANARY)
    password.chmod(0o600)
    words = ["exec", "-i", lab.inventory, "-w", "all", "--password-file", password]
    words += ["-O", "PubkeyAuthentication=no", "--engine", engine, "--env", f"TOKEN={CANARY}"]
    for length in ("-v", "-vv", "-vvv"):
        ran = opsrun(*words, length, "--", "true", env=os.environ | {"HOME": str(tmp_path)})
        assert ran.status == 0, ran.err
        assert CANARY not in ran.err + ran.out
    assert "auth: password accepted" in ran.err
