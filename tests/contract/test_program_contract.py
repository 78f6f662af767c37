"""Commands in containers, over programs that stand in for docker, podman and kubectl."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.processes import wait_gone

from opsrun import Fleet
from opsrun.events import Output, Result
from opsrun.remote import killing, running

FAKE = """\
#!/bin/sh
# Takes what the real one takes, and runs the rest here, in a session of its own as the real one's
# server would.
printf '%s\\n' "$0" "$@" > "$FAKE_LOG.$$"
name=
while [ $# -gt 0 ]; do
  case $1 in
    exec|-i|--) ;;
    -n|-c|-u|--user) shift ;;
    sh) break ;;
    *) name=$1 ;;
  esac
  shift
done
case $name in
  gone) echo "Error response from daemon: No such container: gone" >&2; exit 1 ;;
  mute) exec sleep 600 ;;
  bare) echo 'exec: "sh": executable file not found in $PATH' >&2; exit 127 ;;
  weak) setsid "$@" & sleep 0.5; kill -9 -$!; echo "daemon: connection reset" >&2; exit 1 ;;
esac
echo "a warning of the program's own" >&2
setsid --wait "$@"
"""


@pytest.fixture(params=["docker", "podman", "kubectl"])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program of this name on PATH, with all its words written down."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / request.param
    fake.write_text(FAKE)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "argv"))
    return str(request.param)


@pytest.fixture
def fleet(program: str, tmp_path: Path) -> Any:
    """A fleet of such containers."""
    inventory = tmp_path / "hosts.ini"
    names = ("box1", "box2", "gone", "bare", "weak", "mute")
    inventory.write_text(
        f"[all:vars]\nansible_connection={program}\n[containers]\n" + "\n".join(names)
    )

    def make(**options: Any) -> Fleet:
        return Fleet(inventory, **options)

    return make


def test_commands_run_and_only_their_own_output_comes_back(fleet: Any, program: str) -> None:
    report = fleet().exec("echo out; echo err >&2; cat; exit 3", "box*", stdin=b"in")
    for result in report:
        assert (result.outcome, result.rc) == ("failed", 3), result.error
        assert (result.stdout, result.stderr) == (b"out\nin", b"err\n")


def test_the_programs_words(fleet: Any, program: str, tmp_path: Path) -> None:
    assert fleet().exec("true", "box1").ok
    [log] = tmp_path.glob("argv.*")
    words = log.read_text().splitlines()
    assert words[0].endswith(f"/{program}")
    between = ["--"] if program == "kubectl" else []
    assert words[1:][: 6 + len(between)] == [
        "exec",
        "-i",
        "box1",
        *between,
        "sh",
        "-c",
        words[6 + len(between)],
    ]
    assert words[7 + len(between) : 9 + len(between)] == ["sh", "true"]


@pytest.mark.parametrize(
    ("host", "outcome", "phase", "words"),
    [
        ("gone", "unreachable", "open", "No such container: gone"),
        ("bare", "unreachable", "open", "executable file not found"),
        ("weak", "lost", "run", "ended with status 1 before the command's end was known"),
    ],
)
def test_the_programs_failures_are_not_the_commands(
    fleet: Any, program: str, host: str, outcome: str, phase: str, words: str
) -> None:
    [result] = fleet().exec("sleep 600; exit 1", host)
    assert (result.outcome, result.rc) == (outcome, None)
    assert result.error is not None
    assert (result.error.phase, words in result.error.message) == (phase, True), result.error


def test_the_same_statuses_of_a_command_are_the_commands(fleet: Any) -> None:
    for status in (1, 125, 126, 127, 255):
        [result] = fleet().exec(f"echo No such container >&2; exit {status}", "box1")
        assert (result.outcome, result.rc) == ("failed", status)


def test_one_that_never_gives_a_shell_is_bounded(fleet: Any, tmp_path: Path) -> None:
    [result] = fleet(connect_timeout=0.4).exec("true", "mute")
    assert result.outcome == "unreachable"
    assert result.error is not None
    assert "no shell within" in result.error.message
    [log] = tmp_path.glob("argv.*")
    assert wait_gone(int(log.suffix[1:]))


@pytest.mark.parametrize("seconds", [3e6, 1e300])
def test_a_limit_that_no_system_can_count_to_is_none(fleet: Any, seconds: float) -> None:
    [result] = fleet(connect_timeout=seconds).exec("true", "box1", timeout=seconds)
    assert result.ok, result.error


def test_a_program_that_is_killed_loses_the_host(fleet: Any, tmp_path: Path) -> None:
    ended: list[Result] = []
    for event in fleet().stream("echo $$; exec sleep 600", "box1"):
        if isinstance(event, Output) and event.data.strip().isdigit():
            inside = int(event.data)
            [log] = tmp_path.glob("argv.*")
            os.kill(int(log.suffix[1:]), 9)
        if isinstance(event, Result):
            ended.append(event)
    os.kill(inside, 9)
    [result] = ended
    assert result.outcome == "lost"
    assert result.error is not None
    assert "ended with signal KILL" in result.error.message


def test_a_command_past_its_limit_is_ended_inside(fleet: Any) -> None:
    """Through a second call of the program: what ends the first one ends nothing inside."""
    script = "setsid sleep 600 & echo $! $$; exec sleep 600"
    [result] = fleet().exec(script, "box1", timeout=0.5)
    assert all(wait_gone(int(pid)) for pid in result.stdout.split())
    assert (result.outcome, result.data) == ("failed", {})
    assert "it was ended" in result.error.message


def test_where_nobody_can_have_a_look_it_may_still_run(
    fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "LAUNCH", "exit 1")
    monkeypatch.setattr(running, "GRACE", 0.1)
    [result] = fleet().exec("echo $$; exec sleep 600", "box1", timeout=0.2)
    os.kill(int(result.stdout), 9)
    assert result.outcome == "failed"
    assert result.data == {"may_still_run": True}


def test_a_port_of_a_container_is_not_waited_for(fleet: Any) -> None:
    # For ever, if it were tried again.
    [result] = fleet().wait("tcp:80", "box1", timeout=None)
    assert result.outcome == "failed"
    assert "can't be dialled through a program; wait for ssh" in result.error.message


def test_a_program_that_is_not_there(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    [result] = fleet().exec("true", "box1")
    assert result.outcome == "unreachable"
    assert result.error is not None
    assert "No such file" in result.error.message
