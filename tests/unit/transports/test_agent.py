"""The agent client: against the real ssh-agent, and against agents that don't behave."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paramiko import PKey, RSAKey
from paramiko.message import Message

from opsrun.transports.credentials.agent import Agent, AgentError, AgentKey
from opsrun.transports.credentials.wire import string

needs_agent = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("ssh-agent", "ssh-add", "ssh-keygen")),
    reason="there is no ssh-agent, ssh-add or ssh-keygen",
)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose name leaves room for a socket's (108 bytes at most)."""
    with tempfile.TemporaryDirectory(prefix="ag") as name:
        yield Path(name)


@pytest.fixture
def real_agent(short_dir: Path) -> Iterator[str]:
    path = str(short_dir / "s")
    child = subprocess.Popen(
        ["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield path
    child.send_signal(signal.SIGTERM)
    child.wait(10)
    child.stdout.close()


def keygen(path: Path, kind: str, *more: str) -> Path:
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{kind} key", "-f", str(path), *more]
    subprocess.run(words, check=True, timeout=20, stdin=subprocess.DEVNULL)
    return path


def ssh_add(agent: str, *words: str) -> None:
    environment = dict(os.environ) | {"SSH_AUTH_SOCK": agent}
    subprocess.run(
        ["ssh-add", "-q", *words], check=True, timeout=20, env=environment, capture_output=True
    )


@needs_agent
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_a_real_agent_sign(real_agent: str, short_dir: Path, kind: str) -> None:
    ssh_add(real_agent, str(keygen(short_dir / "k", kind)))
    agent = Agent(real_agent)
    [identity] = agent.identities()
    key = AgentKey(agent, identity)
    public = PKey.from_type_string(key.get_name(), key.asbytes())
    algorithms = ["rsa-sha2-256", "rsa-sha2-512", None] if kind == "rsa" else [None]
    for algorithm in algorithms:
        signature = key.sign_ssh_data(b"data", algorithm)
        assert public.verify_ssh_sig(b"data", Message(signature))
        if algorithm:
            assert Message(signature).get_text() == algorithm
    assert key.get_bits() == public.get_bits()
    assert key.can_sign()
    assert identity.comment == f"{kind} key"
    agent.close()


@needs_agent
def test_certificates_of_a_real_agent_sign(real_agent: str, short_dir: Path) -> None:
    authority, key_path = keygen(short_dir / "ca", "ed25519"), keygen(short_dir / "k", "rsa")
    signing = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", "me"]
    subprocess.run([*signing, f"{key_path}.pub"], check=True, timeout=20)
    ssh_add(real_agent, str(key_path))
    agent = Agent(real_agent)
    plain, certificate = agent.identities()
    assert certificate.key_type == "ssh-rsa-cert-v01@openssh.com"
    signature = AgentKey(agent, certificate).sign_ssh_data(
        b"data", "rsa-sha2-512-cert-v01@openssh.com"
    )
    assert RSAKey(data=plain.blob).verify_ssh_sig(b"data", Message(signature))
    agent.close()


@needs_agent
def test_a_key_that_is_gone_is_refused_and_the_agent_goes_on(
    real_agent: str, short_dir: Path
) -> None:
    path = keygen(short_dir / "k", "ed25519")
    ssh_add(real_agent, str(path))
    agent = Agent(real_agent)
    [identity] = agent.identities()
    ssh_add(real_agent, "-d", str(path))
    with pytest.raises(AgentError, match="refused"):
        AgentKey(agent, identity).sign_ssh_data(b"data")
    assert agent.identities() == []
    agent.close()


Answer = Callable[[socket.socket], None]


@pytest.fixture
def fake(short_dir: Path) -> Iterator[Callable[[Answer], str]]:
    """Starts an agent that does ``answer`` on its first connection, and no more."""
    path = str(short_dir / "f")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    threads: list[threading.Thread] = []

    def start(answer: Answer) -> str:
        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                answer(connection)

        threads.append(threading.Thread(target=serve))
        threads[0].start()
        return path

    yield start
    for thread in threads:
        thread.join(10)
    server.close()


def replies(*messages: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        for message in messages:
            connection.recv(65536)
            connection.sendall(message)
        connection.recv(65536)

    return answer


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_an_agent_that_never_answers_is_given_up_for_good(fake: Callable[[Answer], str]) -> None:
    agent = Agent(fake(silent), timeout=0.05)
    with pytest.raises(AgentError, match=r"no answer within 0\.05 s"):
        agent.identities()
    # There is nobody left to accept: a second try would fail in another way.
    with pytest.raises(AgentError, match=r"no answer within 0\.05 s"):
        agent.sign(b"", b"", "ssh-ed25519")


def test_an_agent_that_hangs_over_a_signature_is_given_up_for_good(
    fake: Callable[[Answer], str],
) -> None:
    def lists_and_falls_silent(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(identities(KEY))
        silent(connection)

    told: list[str] = []
    agent = Agent(fake(lists_and_falls_silent), timeout=0.05)
    agent.notify = told.append
    [identity] = agent.identities()
    for _ in range(2):
        with pytest.raises(AgentError, match=r"no answer within 0\.05 s"):
            AgentKey(agent, identity).sign_ssh_data(b"data")
    assert len(told) == 1, "nobody waits for it a second time"


def test_dripping_bytes_do_not_prolong_the_wait(fake: Callable[[Answer], str]) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        try:
            while True:
                connection.sendall(b"\0")
        except OSError:
            pass

    agent = Agent(fake(drip), timeout=3.0, clock=clock)
    with pytest.raises(AgentError):
        agent.identities()


KEY = string(b"ssh-ed25519") + string(b"k" * 32)
SK = string(b"sk-ssh-ed25519@openssh.com") + string(b"k" * 32) + string(b"ssh:")


def identities(*blobs: bytes, count: int | None = None) -> bytes:
    body = b"".join(string(blob) + string(b"c") for blob in blobs)
    return string(b"\x0c" + (len(blobs) if count is None else count).to_bytes(4, "big") + body)


@pytest.mark.parametrize(
    "answer",
    [
        *(b"\xff\xff\xff\xff", b"\0\0\0\0", string(b"\x0c\0\0\0\x01")),
        *(identities(KEY, count=2), identities(KEY, count=0), identities(b"\0\0")),
        string(b"\x0c"),
    ],
)
def test_garbage_is_one_error(fake: Callable[[Answer], str], answer: bytes) -> None:
    agent = Agent(fake(replies(answer)), timeout=5)
    with pytest.raises(AgentError, match="ssh-agent"):
        agent.identities()
    agent.close()


def test_an_agent_that_hangs_up_is_one_error(fake: Callable[[Answer], str]) -> None:
    agent = Agent(fake(lambda connection: None), timeout=5)
    with pytest.raises(AgentError):
        agent.identities()


def test_no_agent_at_all_is_one_error(short_dir: Path) -> None:
    with pytest.raises(AgentError, match="No such file"):
        Agent(str(short_dir / "none")).identities()


def test_keys_that_cannot_be_used_are_skipped(fake: Callable[[Answer], str]) -> None:
    agent = Agent(fake(replies(identities(SK, KEY, string(b"ssh-what") + b"?"))), timeout=5)
    assert [one.key_type for one in agent.identities()] == ["ssh-ed25519"]
    assert agent.skipped == ["sk-ssh-ed25519@openssh.com", "ssh-what"]
    agent.close()


def test_an_agent_that_falls_back_to_sha1_is_not_trusted(fake: Callable[[Answer], str]) -> None:
    weak = string(b"\x0e" + string(string(b"ssh-rsa") + string(b"s")))
    agent = Agent(fake(replies(weak)), timeout=5)
    with pytest.raises(AgentError, match="signed with ssh-rsa instead of rsa-sha2-512"):
        agent.sign(string(b"ssh-rsa"), b"data", "rsa-sha2-512")
    agent.close()


def test_the_lock_is_held_for_every_answer(fake: Callable[[Answer], str]) -> None:
    entered: list[str] = []

    class Lock:
        def __enter__(self) -> None:
            entered.append("in")

        def __exit__(self, *why: object) -> None:
            entered.append("out")

    agent = Agent(fake(replies(identities(KEY), string(b"\x05"))), timeout=5, lock=Lock())
    agent.identities()
    with pytest.raises(AgentError, match="refused"):
        agent.sign(KEY, b"data", "ssh-ed25519")
    assert entered == ["in", "out"] * 2
    agent.close()
