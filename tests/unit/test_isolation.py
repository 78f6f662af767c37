"""The walls around the tests hold."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.isolation import left_behind, private_environment, usual_signals
from support.servers import LoopbackServer, hanging_up


@pytest.mark.parametrize(
    "name",
    [
        *("SSH_AUTH_SOCK", "OPSRUN_INVENTORY", "ANSIBLE_CONFIG", "NO_COLOR", "https_proxy"),
        *("XDG_CONFIG_HOME", "SUDO_USER", "CLICOLOR_FORCE", "COLUMNS", "BASH_ENV"),
    ],
)
def test_the_operators_variables_are_gone(tmp_path: Path, name: str) -> None:
    private = private_environment({name: "theirs", "PATH": "/bin"}, tmp_path)
    assert private.get(name) != "theirs"
    assert private["PATH"] == "/bin"


def test_home_is_ours_and_empty() -> None:
    assert Path.home() == Path(os.environ["HOME"])
    assert list(Path.home().iterdir()) == []
    assert Path(os.environ["XDG_CONFIG_HOME"]).is_relative_to(Path.home())
    (Path.home() / ".opsrun.toml").touch()


def test_home_is_empty_again() -> None:
    assert list(Path.home().iterdir()) == []


@pytest.mark.parametrize("name", ["www.python.org", b"web01", "example.com."])
def test_names_of_others_are_not_asked_for(name: str, network_attempts: list[str]) -> None:
    for ask in (lambda: socket.getaddrinfo(name, 22), lambda: socket.gethostbyname(name)):
        with pytest.raises(socket.gaierror):
            ask()
        assert len(network_attempts) == 1
        network_attempts.clear()


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "8.8.8.8"])
def test_nothing_leaves_loopback(address: str, network_attempts: list[str]) -> None:
    with socket.socket() as sock, pytest.raises(OSError, match="unreachable"):
        sock.connect((address, 9))
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(OSError, match="unreachable"):
        sock.sendto(b"x", (address, 9))
    assert network_attempts == [f"tried to reach {address}"] * 2
    network_attempts.clear()


def test_gevent_is_watched_too(network_attempts: list[str]) -> None:
    gevent_socket = pytest.importorskip("gevent._socket3").socket
    sock = gevent_socket()
    try:
        with pytest.raises(OSError, match="unreachable"):
            sock.connect(("192.0.2.1", 9))
    finally:
        sock.close()
    assert network_attempts == ["tried to reach 192.0.2.1"]
    network_attempts.clear()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.99.1.2", "::1", None])
def test_the_machine_itself_can_be_asked_for(name: str | None) -> None:
    assert socket.getaddrinfo(name, 22)


def test_invalid_names_are_unknown_until_given(resolver: Callable[..., None]) -> None:
    with pytest.raises(socket.gaierror, match="not known"):
        socket.getaddrinfo("web01.invalid", 22)
    resolver("web01.invalid", "127.3.0.1", "127.3.0.2")
    found = socket.getaddrinfo("web01.invalid", 22, type=socket.SOCK_STREAM)
    assert [entry[4] for entry in found] == [("127.3.0.1", 22), ("127.3.0.2", 22)]


def test_invalid_names_are_forgotten_after_a_test() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("web01.invalid", 22)


def test_a_thread_that_stays_is_noticed() -> None:
    before = set(threading.enumerate())
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    assert left_behind(before, 0.0) == [thread]
    release.set()
    assert left_behind(before) == []


def test_servers_leave_no_thread() -> None:
    before = set(threading.enumerate())
    with (
        LoopbackServer(hanging_up) as server,
        socket.create_connection((server.address, server.port)) as client,
    ):
        assert client.recv(1) == b""
    assert left_behind(before, 0.0) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_what_is_ignored_here_is_heeded_by_programs(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with usual_signals():
            os.kill(os.getpid(), number)
            ended = subprocess.run(["/bin/sh", "-c", f"kill -{int(number)} $$"], check=False)
        assert ended.returncode == -number
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
