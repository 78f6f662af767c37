"""Servers that want more than the password, and encrypted keys that a server is asked about."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from paramiko.common import MSG_USERAUTH_INFO_REQUEST, byte_chr
from support import evil
from support.evil import EvilSSH

from opsrun.engine.base import Engine
from opsrun.errors import AuthenticationFailed, ConnectionFailed
from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential, KeyRing
from opsrun.transports.credentials.passphrases import Passphrases
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.targets.target import SSHTarget

PATIENT = Timeouts(**dict.fromkeys(("dns", "tcp", "banner", "kex", "auth", "open", "exec"), 30.0))


def target_of(server: EvilSSH, **more: object) -> SSHTarget:
    values: dict[str, object] = {"host": "web01", "address": "127.0.0.1", "port": server.port}
    return SSHTarget(**(values | {"user": "alice", "timeouts": PATIENT} | more))  # type: ignore[arg-type]


def with_password(engine: Engine, server: EvilSSH) -> SSHTransport:
    methods = ("password", "keyboard-interactive")
    password = Credential("password", methods, _password=Secret(evil.FULL))
    shared = SSHShared(
        engine=engine,
        credentials=lambda target: [password],
        verify=lambda *host_key: None,
        known_key_types=lambda target: (),
    )
    return SSHTransport(target_of(server), shared)


def test_a_password_that_has_to_be_changed_is_told_apart(engine: Engine) -> None:
    def demand(server: EvilSSH) -> int:
        # RFC 4252 section 8: SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, which shares its number.
        request = paramiko.Message()
        request.add_byte(byte_chr(MSG_USERAUTH_INFO_REQUEST))
        request.add_string("Your password has expired.")
        request.add_string("")
        server.send(request)
        return paramiko.AUTH_FAILED

    with EvilSSH(on_password=demand) as server:
        with pytest.raises(AuthenticationFailed, match=r"another one first: Your password") as got:
            with_password(engine, server).connect()
        assert server.passwords == [evil.FULL]
    assert "expired" in got.value.hint
    assert evil.FULL not in str(got.value)


def test_what_is_asked_behind_the_password_is_told(engine: Engine) -> None:
    questions = iter([paramiko.InteractiveQuery("", "", ("New password: ", False))])

    def demand(server: EvilSSH) -> int:
        return next(questions, paramiko.AUTH_FAILED)  # type: ignore[arg-type]

    with EvilSSH(on_password=demand, asks=(("Password: ", False),)) as server:
        with pytest.raises(AuthenticationFailed, match=r"then asked 'New password:'") as got:
            with_password(engine, server).connect()
        assert server.answers == [[evil.FULL], [""]]
    assert evil.FULL not in str(got.value)


def test_a_question_that_repeats_the_password_is_not_shown_with_it(engine: Engine) -> None:
    questions = iter([paramiko.InteractiveQuery("", "", (f"{evil.FULL}? ", False))])

    def demand(server: EvilSSH) -> int:
        return next(questions, paramiko.AUTH_FAILED)  # type: ignore[arg-type]

    with EvilSSH(on_password=demand, asks=(("Password: ", False),)) as server:
        transport = with_password(engine, server)
        with pytest.raises(AuthenticationFailed) as got:
            transport.connect()
    assert evil.FULL not in str(got.value)


# -- encrypted keys


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen to make a key with")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    path = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "sesame", "-f", str(path)]
    subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return path


Answer = Callable[[str, Callable[[], bool]], Secret | None]


def with_key(engine: Engine, target: SSHTarget, answer: Answer) -> SSHTransport:
    ring = KeyRing(can_ask=True, lock=engine.lock())
    passphrases = Passphrases(engine, answer, lambda words: None)

    def unlock(wanted: Credential, given_up: Callable[[], bool]) -> bool:
        assert wanted.locked is not None
        return passphrases.unlock(wanted.locked, given_up)

    shared = SSHShared(
        engine=engine,
        credentials=ring.offers,
        verify=lambda *host_key: None,
        known_key_types=lambda target: (),
        unlock=unlock,
    )
    return SSHTransport(target, shared)


def test_nobody_is_connected_while_the_passphrase_is_thought_of(
    engine: Engine, locked: Path
) -> None:
    ended: list[bool] = []
    with EvilSSH(on_key=lambda blob: True) as server:

        def think(prompt: str, given_up: Callable[[], bool]) -> Secret:
            server.wait_until_alone()
            ended.append(True)
            return Secret("sesame")

        target = target_of(server, identity_files=(str(locked),))
        connection = with_key(engine, target, think).connect()
        connection.close()
        assert server.accepted == 2
    assert ended == [True]


def test_a_key_that_the_server_would_not_take_is_not_asked_for(
    engine: Engine, locked: Path
) -> None:
    def nobody(prompt: str, given_up: Callable[[], bool]) -> Secret | None:
        pytest.fail(f"asked: {prompt}")

    with EvilSSH(on_key=lambda blob: False) as server:
        target = target_of(server, identity_files=(str(locked),))
        with pytest.raises(AuthenticationFailed, match="permission denied"):
            with_key(engine, target, nobody).connect()
        assert server.accepted == 1


def test_without_the_passphrase_the_first_answer_stands(engine: Engine, locked: Path) -> None:
    with EvilSSH(on_key=lambda blob: True) as server:
        target = target_of(server, identity_files=(str(locked),))
        with pytest.raises(AuthenticationFailed, match=r"encrypted; the server would take it"):
            with_key(engine, target, lambda prompt, given_up: None).connect()
        assert server.accepted == 1


def test_closed_while_the_passphrase_is_thought_of(engine: Engine, locked: Path) -> None:
    with EvilSSH(on_key=lambda blob: True) as server:

        def think(prompt: str, given_up: Callable[[], bool]) -> Secret | None:
            transport.close()
            assert given_up()
            return None

        target = target_of(server, identity_files=(str(locked),))
        transport = with_key(engine, target, think)
        with pytest.raises(ConnectionFailed):
            transport.connect()
        assert server.accepted == 1
