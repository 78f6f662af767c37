"""wait_for: ports, files and connections of this machine, with each program that can connect."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.servers import LoopbackServer
from support.shells import busybox_path

from opsrun.modules.looking import Answers
from opsrun.modules.waiting.probing import active
from opsrun.remote.command import CommandResult

BASE = (
    *("cat", "date", "dd", "env", "getent", "grep", "head", "ls", "mkdir", "readlink", "rm", "sh"),
    *("sleep", "stat", "timeout", "tr", "wc"),
)


def _greet(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-Open\0SSH_9\r\n")
    connection.recv(1)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(_greet) as found:
        yield found


@pytest.fixture
def closed() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder in which one program can connect."""
    program = getattr(request, "param", "bash")
    if program == "busybox":
        return busybox_path(tmp_path / "busybox")
    folder = tmp_path / "programs"
    folder.mkdir()
    found = shutil.which(program) if program else None
    if program and found is None:
        pytest.skip(f"there is no {program}")
    for name in (*BASE, *([program] if program else [])):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


@pytest.fixture
def host(tmp_path: Path, path: str) -> Iterator[ModuleHost]:
    with module_host(tmp_path, "sh", ("/usr/bin/env", f"PATH={path}", "/bin/sh", "-c")) as found:
        found.hands.pause = lambda _seconds: None
        yield found


each_program = pytest.mark.parametrize("path", ["bash", "curl", "busybox"], indirect=True)


@each_program
def test_a_port(host: ModuleHost, server: LoopbackServer, closed: int) -> None:
    found = host.run("wait_for", {"port": server.port, "connect_timeout": 1})
    assert found.get("failed") is None
    assert (found["state"], found["port"], found["path"]) == ("started", server.port, None)
    gone = host.run("wait_for", {"port": closed, "state": "stopped"})
    assert gone.get("failed") is None
    late = host.run("wait_for", {"port": closed, "timeout": 0, "connect_timeout": 1})
    assert late["failed"]
    assert late["msg"] == f"Timeout when waiting for 127.0.0.1:{closed}"
    still = {"port": server.port, "state": "stopped", "timeout": 0, "msg": "mine"}
    assert host.run("wait_for", still | {"connect_timeout": 1})["msg"] == "mine"


@each_program
def test_what_is_said_on_a_connection(host: ModuleHost, server: LoopbackServer) -> None:
    args = {"port": server.port, "search_regex": r"Open.?(?P<what>SSH)", "connect_timeout": 2}
    found = host.run("wait_for", args)
    assert (found["match_groups"], found["match_groupdict"]) == (["SSH"], {"what": "SSH"})
    other = {"search_regex": "other", "timeout": 0}
    assert "search string other" in host.run("wait_for", args | other)["msg"]


@pytest.mark.parametrize("path", [""], indirect=True)
def test_a_host_that_can_not_connect(host: ModuleHost, closed: int) -> None:
    told = host.run("wait_for", {"port": closed, "state": "stopped"})
    assert told["failed"]
    assert "they are usually in the packages bash, netcat-openbsd (Debian, " in told["msg"]


def test_files(host: ModuleHost, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"first\nready \xff 12\n")
    args: dict[str, Any] = {"path": str(tmp_path / "log"), "timeout": 0}
    assert host.run("wait_for", args).get("failed") is None
    found = host.run("wait_for", args | {"search_regex": r"^ready . (\d+)"})
    assert found["match_groups"] == ["12"]
    late = host.run("wait_for", args | {"search_regex": "never"})
    assert late["msg"] == f"Timeout when waiting for search string never in {tmp_path}/log"
    assert host.run("wait_for", args | {"state": "absent"})["failed"]
    assert host.run("wait_for", args | {"state": "absent", "search_regex": "first"})["failed"]
    gone = {"state": "absent", "search_regex": "never"}
    assert host.run("wait_for", args | gone).get("failed") is None
    none = args | {"path": str(tmp_path / "none")}
    assert host.run("wait_for", none)["msg"].startswith("Timeout when waiting for file")
    assert host.run("wait_for", none | {"state": "absent"}).get("failed") is None


def test_it_looks_again(host: ModuleHost, tmp_path: Path) -> None:
    """Each pause brings the next line; the third has what is waited for."""
    log = tmp_path / "log"
    log.write_text("one\n")
    lines = iter(["two\n", "three\n"])

    def pause(_seconds: float) -> None:
        with log.open("a") as file:
            file.write(next(lines))

    host.hands.pause = pause
    found = host.run("wait_for", {"path": str(log), "search_regex": "th(r)ee", "timeout": 60})
    assert found["match_groups"] == ["r"]
    assert next(lines, None) is None


def test_connections_that_are_left(host: ModuleHost, server: LoopbackServer) -> None:
    args = {"port": server.port, "state": "drained", "timeout": 0}
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        assert connection.recv(1)
        busy = host.run("wait_for", args)
        assert busy["msg"] == f"Timeout when waiting for 127.0.0.1:{server.port} to drain"
        assert host.run("wait_for", args | {"exclude_hosts": ["127.0.0.1"]}).get("failed") is None
        lists = {"active_connection_states": ["SYN_SENT"]}
        assert host.run("wait_for", args | lists).get("failed") is None
    wrong = host.run("wait_for", args | {"active_connection_states": ["OPEN"]})
    assert "there are ESTABLISHED" in wrong["msg"]


def test_addresses_as_the_kernel_writes_them() -> None:
    head = "sl local rem st\n"
    mapped = "0000000000000000FFFF00000100007F"
    table = f"{head}0: {mapped}:0016 {mapped}:D431 01 x\n1: 0100007F:0016 0200007F:D431 01 x\n"
    told = CommandResult(0, stdout=f"table\0{table}\0".encode())
    for left_out, number in (((), 2), (("127.0.0.1",), 1), (("127.0.0.2", "127.0.0.1"), 0)):
        counted = active(Answers(told), "127.0.0.1", 22, left_out, ["ESTABLISHED"])
        assert counted == number


@pytest.mark.parametrize(
    ("args", "what"),
    [
        ({"path": "/x", "state": "stopped"}, "checking a port"),
        ({"path": "/x", "state": "drained"}, "checking a port"),
        ({"state": "drained"}, "wants a port"),
        ({"port": 1, "exclude_hosts": ["a"]}, "state=drained"),
        ({"path": "/x", "search_regex": "("}, "no regular expression"),
    ],
)
def test_what_makes_no_sense(host: ModuleHost, args: dict[str, Any], what: str) -> None:
    told = host.run("wait_for", args)
    assert told["failed"]
    assert what in told["msg"]
