"""Modules for containers against a docker(1) that answers as a real one did."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.docker_calls import TASKS, recorded, shim, shown
from support.module_host import ModuleHost, module_host
from support.scripts import Listening
from support.shellcheck import findings
from support.shells import SHELLS, shared_shells

from opsrun.modules.base import ModuleError
from opsrun.modules.containers.comparing import Found, Wishes, differences, wanted
from opsrun.modules.containers.creating import create_words, env_words, network_words
from opsrun.modules.containers.docker_container import DockerContainer
from opsrun.modules.containers.volumes import bind, bindings, nanoseconds, ports
from opsrun.modules.options import OptionError, resolve


@contextmanager
def _host(directory: Path, shell: str) -> Iterator[ModuleHost]:
    programs = directory / "programs"
    programs.mkdir()
    (programs / "docker").write_text(shim(directory / "log"))
    (programs / "docker").chmod(0o755)
    path = f"PATH={programs}:{os.environ['PATH']}"
    with module_host(directory, shell, ("env", path, "/bin/sh", "-c")) as host:
        yield host


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_real_daemon_made_of_it(shell: str, tmp_path: Path) -> None:
    cases = recorded()["tasks"]
    assert len(cases) == len(TASKS)
    with _host(tmp_path, shared_shells(shell, "system").words) as made:
        heard = Listening(made.hands)
        host = ModuleHost(heard, made.controller)
        # Each call starts a Python: dash does them all, the others those with the most lines.
        for case in cases if shell == SHELLS[0] else cases[:4]:
            found = shown(host.run(case["module"], case["args"], check=True, diff=True))
            assert found == case["check"], case["args"]
            found = shown(host.run(case["module"], case["args"], check=False, diff=True))
            assert found == case["result"], case["args"]
        if shell == SHELLS[0]:
            assert findings(list(dict.fromkeys(heard.taken())), tmp_path / "read") == ""


def test_it_is_what_the_dialects_own_modules_make_of_it() -> None:
    for case in recorded()["tasks"]:
        result = case["result"]
        told = {"changed": result["changed"], "failed": result.get("failed", False)}
        assert told == case["peer"], case["args"]
        assert case["check"]["changed"] == result["changed"], case["args"]


def test_values_of_variables_are_no_words_of_a_command() -> None:
    said = recorded()
    assert any("SECRET" in call[0] for call in said["calls"])
    [env] = {tuple(case["result"]["env"]) for case in said["tasks"]
             if "SECRET" in case["args"].get("env", {})}  # fmt: skip
    assert "SECRET=a 'b\" $c*" in env
    assert "TEXT=one\ntwo" in env
    for key, *_ in said["calls"]:
        assert not re.search(r"\[\[[^\]]*(a 'b|one.{1,3}two)", key)


def test_variables_that_no_file_can_hold() -> None:
    before, begin, words, data = env_words({"A": "1", "B": "x\ny", "PATH": "p\nq", "C.D": "v"})
    assert (before, begin) == ("B='x\ny' ", "cat | ")
    assert words == ["--env-file", "/dev/stdin", "--env", "B", "--env", "PATH=p\nq"]
    assert data == b"A=1\nC.D=v\n"
    assert env_words({}) == ("", "", [], None)


def _wishes(**args: object) -> Wishes:
    made = resolve(DockerContainer, {"name": "x", **args})
    assert isinstance(made, Wishes)
    return made


_THERE = {
    "Id": "i",
    "Config": {"Env": ["A=1", "B=2"], "Labels": {"l": "1"}, "Entrypoint": ["sh"],
               "Cmd": ["-c", "x"], "StopTimeout": 3},
    "HostConfig": {"Binds": ["v:/v"], "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "1"}]},
                   "NetworkMode": "default", "CapAdd": ["CAP_SYS_TIME"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("args", "comparisons", "names"),
    [
        ({}, {}, []),
        ({"env": {"A": "1"}}, {}, []),
        ({"env": {"A": "1"}}, {"env": "strict"}, ["env"]),
        ({"env": {"A": "2"}}, {}, ["env"]),
        ({"env": {"A": "2"}}, {"*": "ignore"}, []),
        ({"entrypoint": ["sh", "-c"], "command": ["x"]}, {}, []),
        ({"entrypoint": ["sh", "-c"], "command": "y"}, {}, ["command"]),
        ({"entrypoint": ["bash", "-c"]}, {}, ["entrypoint"]),
        ({"volumes": ["v:/v"], "network_mode": "bridge", "ports": ["1:80"]}, {}, ["exposed_ports"]),
        ({"capabilities": ["sys_time"], "stop_timeout": 9}, {}, []),
        ({"stop_timeout": 9}, {"stop_timeout": "strict"}, ["stop_timeout"]),
        ({"labels": {}}, {"labels": "strict"}, ["labels"]),
    ],
)
def test_only_what_was_asked_for_is_compared(
    args: dict[str, object], comparisons: dict[str, str], names: list[str]
) -> None:
    wishes = _wishes(**args)
    found = Found(_THERE, None, None, others={})
    made = differences(wanted(wishes, found), found, comparisons, wishes.default_host_ip)
    assert list(made) == names


def test_words_of_networks_and_entry_points() -> None:
    found = Found(None, None, None, others={"o": "1f"})
    wish = wanted(_wishes(entrypoint=["a", "b"], command="c 'd e'", pid_mode="container:o"), found)
    assert list(create_words("n", "i", wish)) == [
        "--name", "n", "--pid", "container:1f", "--entrypoint=a", "i", "b", "c", "d e",
    ]  # fmt: skip
    assert list(network_words({"ipv4_address": "1.1.1.1", "aliases": ["x"]})) == [
        "--ip", "1.1.1.1", "--alias", "x",
    ]  # fmt: skip


def test_what_can_not_be_read_is_refused() -> None:
    for wrong in (
        lambda: nanoseconds("5 minutes"),
        lambda: bind("./a:/b"),
        lambda: bind("a:b:c:d"),
        lambda: bindings(["x:80"], ""),
        lambda: bindings(["9-5:80"], ""),
        lambda: ports(["http"]),
    ):
        with pytest.raises(ModuleError):
            wrong()
    for args in (
        {"comparisons": {"nosuch": "strict"}},
        {"comparisons": {"image": "allow_more_present"}},
        {"device_requests": []},
    ):
        with pytest.raises(OptionError):
            resolve(DockerContainer, {"name": "x", **args})


def test_ranges_of_ports() -> None:
    found = bindings(["8000-8001:80-81", "[::1]:9:9/udp", "85"], "0.0.0.0")
    assert list(found) == ["80/tcp", "81/tcp", "9/udp", "85/tcp"]
    assert found["81/tcp"] == [{"HostIp": "0.0.0.0", "HostPort": "8001"}]
    assert found["9/udp"] == [{"HostIp": "::1", "HostPort": "9"}]
