"""The loop between a module and its host."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.module_host import LocalController, module_host

from opsrun.errors import ConnectionFailed, ConnectionLost, TransferFailed, UsageError
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.driver import SessionHands, drive
from opsrun.modules.options import module, resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Fetch, Fetched, Reconnect, Request, Run, Upload
from opsrun.remote.command import CommandResult
from opsrun.remote.files.delivery import Delivered


class Scripted:
    """Hands that answer, or raise, what a test says."""

    def __init__(self, *answers: CommandResult | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def run(self, request: Run) -> CommandResult:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    raw = run

    def upload(self, request: Upload) -> Delivered:
        raise TransferFailed("no space left on device", hint="the file system is full")

    def fetch(self, request: Fetch) -> Fetched:
        raise NotImplementedError

    def reconnect(self, request: Reconnect) -> None:
        raise ConnectionFailed("connection refused", phase="tcp")

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@module("changing")
class Changing(Module):
    """It asks for a change whatever is said."""

    def steps(self, context: Context) -> Steps:
        yield Run("rm x")
        raise ModuleError("no", path="x")


def context(check: bool = False) -> Context:
    return Context(LocalController(Path("/nonexistent")), check=check)


def test_a_change_in_check_mode_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="check mode"):
        drive(Changing(), context(check=True), Scripted())


def test_a_module_that_gives_up_has_failed() -> None:
    result = drive(Changing(), context(), Scripted(CommandResult(0)))
    assert result == ModuleResult(failed=True, msg="no", data={"path": "x"})


def test_a_lost_connection_is_no_failed_task() -> None:
    with pytest.raises(ConnectionLost):
        drive(Changing(), context(), Scripted(ConnectionLost("reset")))


def test_waiting_for_a_host_that_does_not_come_fails() -> None:
    found = find("wait_for_connection")
    assert found is not None
    result = drive(resolve(found, {"timeout": 1}), context(), Scripted())
    assert result.failed
    assert "connection refused" in result.msg
    assert "elapsed" in result.data


def test_raw_needs_no_session() -> None:
    found = find("raw")
    assert found is not None
    hands = Scripted(CommandResult(3, stdout=b"out\n", stderr=b"err\n"))
    result = drive(resolve(found, {"executable": "/bin/bash"}, "echo 'x'"), context(), hands)
    assert hands.asked == [Run("/bin/bash -c 'echo '\"'\"'x'\"'\"''")]
    assert (result.failed, result.data["rc"], result.data["stdout"]) == (True, 3, "out\n")
    assert drive(resolve(found, {}, "x"), context(check=True), Scripted()).skipped


def test_the_environment_reaches_the_users_commands_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    value = "a 'b\" $c\nd"
    with module_host(tmp_path, environment={"WORDS": value}) as host:
        told = host.run("command", {"argv": ["printenv", "WORDS"]})
        assert told["stdout"] == value
        assert (
            host.run("setup", {"filter": "env"})["ansible_facts"]["ansible_env"]["WORDS"] == value
        )
        assert not host.run("stat", {"path": "$WORDS"})["stat"]["exists"]


def test_a_name_that_is_no_variables() -> None:
    with pytest.raises(UsageError, match="no name for a variable"):
        SessionHands(None, {"a-b": "x"})  # type: ignore[arg-type]


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    with module_host(tmp_path) as host:
        result = host.run("copy", {"content": "x", "dest": "/dev/full/x"})
    assert result["failed"]
