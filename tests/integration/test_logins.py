"""Logging in to real servers, in each way there is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cli import opsrun
from support.typing_at import typing_at

from opsrun.lab import Lab

PASSPHRASE = "of nobody's business"


class Logins:
    """Three hosts that take the keys made here, and no other."""

    def __init__(self, make: Callable[..., Lab], folder: Path) -> None:
        self._folder = folder
        self._authorized = folder / "authorized_keys"
        self._authorized.touch()
        self.lab = make(f"AuthorizedKeysFile {self._authorized}", hosts=3)
        self.inventory = folder / "inventory.ini"
        self.inventory.write_text(
            "".join(
                f"{host.name} ansible_host={host.address} ansible_port={host.port} "
                f"ansible_user={self.lab.user} ansible_ssh_common_args="
                f"'-F none -o UserKnownHostsFile={self.lab.known_hosts}'\n"
                for host in self.lab.hosts
            )
        )

    def key(self, kind: str, passphrase: str = "", *, known: bool = True) -> Path:
        path = self._folder / f"key_{kind}"
        keygen("-t", kind, "-N", passphrase, "-C", kind, "-f", path)
        if known:
            with self._authorized.open("a") as file:
                file.write(path.with_suffix(".pub").read_text())
        return path

    def trust(self, authority: Path) -> None:
        with self._authorized.open("a") as file:
            file.write(f"cert-authority {authority.with_suffix('.pub').read_text()}")

    def words(self, *more: str | Path) -> list[str | Path]:
        return ["exec", "-i", self.inventory, "-w", "all", "-o", "json", *more, "--", "true"]


def keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def logins(sshd: Callable[..., Lab], tmp_path: Path) -> Logins:
    return Logins(sshd, tmp_path)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    socket = tmp_path / "agent"
    words = ["ssh-agent", "-D", "-a", str(socket)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    # It says where it listens once it does.
    assert process.stdout.readline()
    yield socket
    process.terminate()
    process.wait()
    process.stdout.close()


def with_agent(socket: Path) -> dict[str, str]:
    return os.environ | {"SSH_AUTH_SOCK": str(socket)}


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_each_kind(logins: Logins, kind: str) -> None:
    ran = opsrun(*logins.words("--private-key", logins.key(kind)))
    assert ran.status == 0, ran.results


def test_a_key_that_the_hosts_do_not_know(logins: Logins) -> None:
    ran = opsrun(*logins.words("--private-key", logins.key("ed25519", known=False)))
    assert ran.status == 3
    for result in ran.results.values():
        assert result["error"]["phase"] == "auth"
        assert "permission denied" in result["error"]["message"]
        assert "key_ed25519" in result["error"]["message"]


def test_a_passphrase_is_asked_for_once_for_all_hosts(logins: Logins) -> None:
    key = logins.key("ed25519", PASSPHRASE)
    with typing_at(*logins.words("--private-key", key), NO_COLOR="1") as terminal:
        terminal.wait_for(f"passphrase for {key}: ")
        terminal.type("wrong\r")
        terminal.wait_for(f"wrong; passphrase for {key}: ")
        terminal.type(f"{PASSPHRASE}\r")
        shown = terminal.wait_for('"exit_status"')
        assert terminal.status() == 0
    assert "passphrase for" not in shown
    assert PASSPHRASE not in shown


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_a_passphrase_is_asked_for_only_where_the_key_would_do(logins: Logins, engine: str) -> None:
    locked = logins.key("ed25519", PASSPHRASE, known=False)
    words = logins.words("--engine", engine, "--private-key", locked)
    with typing_at(*words) as terminal:
        shown = terminal.wait_for('"exit_status"')
        assert terminal.status() == 3
    assert "passphrase for" not in shown
    plain = logins.key("ecdsa")
    words = logins.words("--engine", engine, "--private-key", locked, "--private-key", plain)
    with typing_at(*words) as terminal:
        shown = terminal.wait_for('"exit_status"')
        assert terminal.status() == 0
    assert "passphrase for" not in shown


def test_no_passphrase_where_another_key_gets_in(logins: Logins, agent: Path) -> None:
    locked, held = logins.key("ed25519", PASSPHRASE), logins.key("ecdsa")
    subprocess.run(["ssh-add", "-q", held], check=True, env=with_agent(agent))
    words = logins.words("--private-key", locked)
    with typing_at(*words, SSH_AUTH_SOCK=str(agent)) as terminal:
        shown = terminal.wait_for('"exit_status"')
        assert terminal.status() == 0
    assert "passphrase for" not in shown


def test_an_encrypted_key_comes_first_once_too_many_others_were_tried(
    sshd: Callable[..., Lab], tmp_path: Path, agent: Path
) -> None:
    logins = Logins(lambda *words, **more: sshd(*words, "MaxAuthTries 3", **more), tmp_path)
    locked = logins.key("ed25519", PASSPHRASE)
    for number in range(6):
        other = tmp_path / f"other{number}"
        keygen("-t", "ed25519", "-N", "", "-f", other)
        subprocess.run(["ssh-add", "-q", other], check=True, env=with_agent(agent))
    words = logins.words("--private-key", locked)
    with typing_at(*words, SSH_AUTH_SOCK=str(agent)) as terminal:
        terminal.wait_for(f"passphrase for {locked}: ")
        terminal.type(f"{PASSPHRASE}\r")
        terminal.wait_for('"exit_status"')
        assert terminal.status() == 0


def test_a_wrong_passphrase_is_asked_for_three_times(logins: Logins) -> None:
    key = logins.key("ed25519", PASSPHRASE)
    words = ["exec", "-i", logins.inventory, "-w", "all", "--private-key", key, "--", "true"]
    with typing_at(*words, NO_COLOR="1") as terminal:
        for prefix in ("", "wrong; ", "wrong again; "):
            terminal.wait_for(f"{prefix}passphrase for {key}: ")
            terminal.type("wrong\r")
        shown = terminal.wait_for("unreachable 3")
        assert terminal.status() == 3
    assert f"key {key}: wrong passphrase; going on without it" in shown.replace("\r\n", "")


@pytest.mark.parametrize("engine", ["gevent", "threads"])
@pytest.mark.parametrize("more", [(), ("-q",)], ids=["with a status line", "without"])
def test_an_interrupt_at_the_question_ends_the_run_and_echoes_again(
    logins: Logins, engine: str, more: tuple[str, ...]
) -> None:
    key = logins.key("ed25519", PASSPHRASE)
    words = logins.words("--engine", engine, "--private-key", key, *more)
    with typing_at(*words) as terminal:
        assert terminal.echoes()
        terminal.wait_for("passphrase for ")
        assert not terminal.echoes()
        terminal.type("\x03")
        shown = terminal.wait_for('"exit_status": 130')
        assert terminal.status() == 130
        assert terminal.echoes()
    assert "Traceback" not in shown


def test_an_interrupt_at_the_question_for_the_password(logins: Logins) -> None:
    with typing_at(*logins.words("-k")) as terminal:
        terminal.wait_for("SSH password: ")
        assert not terminal.echoes()
        terminal.type("\x03")
        assert terminal.status() == 130
        assert terminal.echoes()
        assert "Traceback" not in terminal.seen


def test_an_encrypted_key_and_nobody_to_ask(logins: Logins) -> None:
    key = logins.key("ed25519", PASSPHRASE)
    ran = opsrun(*logins.words("--private-key", key))
    assert ran.status == 3
    assert all("key_ed25519" in r["error"]["message"] for r in ran.results.values())


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_a_key_of_the_agents(logins: Logins, agent: Path, engine: str) -> None:
    for kind in ("rsa", "ed25519"):
        key = logins.key(kind, known=kind == "rsa")
        subprocess.run(["ssh-add", "-q", key], check=True, env=with_agent(agent))
        key.unlink()
    ran = opsrun(*logins.words("--engine", engine, "-vv"), env=with_agent(agent))
    assert ran.status == 0, ran.results
    assert ran.err.count(f"debug: auth: ssh-agent {agent} holds 2 keys\n") == 1, "asked once"


def ten_others(agent: Path, folder: Path) -> None:
    """Keys in the agent that no host knows."""
    others = [folder / f"other{number}" for number in range(10)]
    for other in others:
        keygen("-t", "ed25519", "-N", "", "-f", other)
    subprocess.run(["ssh-add", "-q", *others], check=True, env=with_agent(agent))


def test_the_key_that_is_asked_for_goes_before_ten_of_the_agents(
    sshd: Callable[..., Lab], tmp_path: Path, agent: Path
) -> None:
    logins = Logins(lambda *words, **more: sshd(*words, "MaxAuthTries 3", **more), tmp_path)
    ten_others(agent, tmp_path)
    key = logins.key("ed25519")
    env = with_agent(agent)
    assert opsrun(*logins.words("--private-key", key), env=env).status == 0
    ran = opsrun(*logins.words(), env=env)
    assert ran.status == 3
    for result in ran.results.values():
        error = result["error"]
        assert (error["phase"], result["attempts"]) == ("auth", 1)
        assert "Too many authentication failures" in error["message"]
        assert error["message"].count("agent key") == 3
        assert "--private-key" in error["hint"]
    # Now the agent holds it too, as the last of eleven; its public half picks it.
    subprocess.run(["ssh-add", "-q", key], check=True, env=env)
    key.unlink()
    public = key.with_suffix(".pub")
    words = logins.words("--private-key", public, "-O", "IdentitiesOnly=yes")
    assert opsrun(*words, env=env).status == 0


def test_a_locked_agent_is_named(logins: Logins, agent: Path, tmp_path: Path) -> None:
    held = logins.key("ecdsa")
    env = with_agent(agent)
    subprocess.run(["ssh-add", "-q", held], check=True, env=env)
    held.unlink()
    answer = tmp_path / "answer"
    answer.write_text("#!/bin/sh\necho sesame\n")
    answer.chmod(0o700)
    asking = env | {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", "-x"], check=True, env=asking, capture_output=True)
    ran = opsrun(*logins.words("-F", "none"), env=env | {"HOME": str(tmp_path)})
    assert ran.status == 3
    for result in ran.results.values():
        assert "ssh-agent: it has no key, or is locked" in result["error"]["message"]


def test_an_agent_that_would_not_sign_is_told_and_done_without(
    logins: Logins, agent: Path, tmp_path: Path
) -> None:
    held, other = logins.key("ecdsa"), logins.key("ed25519")
    refusal = tmp_path / "refuse"
    refusal.write_text("#!/bin/sh\nexit 1\n")
    refusal.chmod(0o700)
    env = with_agent(agent)
    subprocess.run(["ssh-add", "-q", "-c", held], check=True, env=env, capture_output=True)
    held.unlink()
    words = ["exec", "-i", logins.inventory, "-w", "all", "--private-key", held]
    ran = opsrun(*words, "--private-key", other, "--", "true", env=env)
    assert ran.status == 0, ran.out
    assert ran.err.count("would not sign") == 1


def test_a_users_certificate(logins: Logins) -> None:
    authority = logins.key("ecdsa", known=False)
    logins.trust(authority)
    key = logins.key("ed25519", known=False)
    user = logins.lab.user
    keygen("-s", authority, "-I", "test", "-n", user, key.with_suffix(".pub"))
    ran = opsrun(*logins.words("--private-key", key))
    assert ran.status == 0, ran.results
