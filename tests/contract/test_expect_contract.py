"""expect: programs that ask on a terminal, here and over SSH."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.playruns import HERE, Ran, run, tasks
from support.processes import wait_gone
from support.terminals import need_sshd_with_terminals

from opsrun.lab import Lab

ASK = r"""
printf 'Name? '; read -r a
printf 'Pass'; sleep 0.05; printf 'word: '
stty -echo; IFS= read -r b; stty echo; echo
echo "got $a,$b"
"""
ANSWERS = {"Name": "Anna", "(?i)password: $": "s3cr et"}


@pytest.fixture(params=["local", "sshd"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Ran]:
    """Runs expect tasks, by name, on this machine or through an sshd."""
    if request.param == "sshd":
        need_sshd_with_terminals()

    def carry_out(**named: Mapping[str, Any]) -> Ran:
        lines = []
        for name, args in named.items():
            full = {"responses": {}, "timeout": 9, **args}
            lines.append(json.dumps({"name": name, "expect": full, "ignore_errors": True}))
        if request.param == "local":
            return run(tmp_path, tasks(*lines), extra=HERE)
        lab: Lab = request.getfixturevalue("sshd")()
        return run(tmp_path, tasks(*lines), str(lab.inventory), extra={})

    return carry_out


def sh(script: str) -> str:
    """A command that runs this script."""
    return "sh -c '{}'".format(script.replace("'", "'\"'\"'"))


def test_programs_that_ask(play: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "ask me"
    program.write_text(f"#!/bin/sh\n{ASK}")
    program.chmod(0o755)
    big = "i=0; while [ $i -lt 9000 ]; do echo 0123456789012345678901234567890; i=$((i+1)); done"
    ran = play(
        plain={"command": "'./ask me'", "chdir": str(tmp_path), "responses": ANSWERS},
        echoed={"command": "'./ask me'", "chdir": str(tmp_path), "responses": ANSWERS, "echo": 1},
        big={"command": sh(f"{big}; printf last?; read -r x; echo $x"), "responses": {"last": "a"}},
        early={"command": sh("echo so soon; exit 3"), "responses": ANSWERS},
        killed={"command": sh("read -r a"), "responses": {}, "timeout": 1},
        typed={"command": sh("printf x; exec sleep 600"), "responses": {"x": "\x03"}},
        fewer={"command": sh("while :; do printf Name?; read -r a; done"),
               "responses": {"N": ["one", "two"]}},
        endless={"command": "yes", "responses": {"never": ""}, "timeout": 1},
        tty={"command": sh("test -t 0 -a -t 1 -a -t 2 && stty size; echo >/dev/tty $TERM")},
        none={"command": "no-such-program"},
        denied={"command": str(tmp_path)},
        nowhere={"command": "ls", "chdir": str(tmp_path / "no")},
        there={"command": "ls", "creates": str(tmp_path)},
        gone={"command": "ls", "removes": str(tmp_path / "n*")},
    )  # fmt: skip
    told = {name: ran.result(name) for name in ran.names.values()}

    lines = ["Name? Password: ", "got Anna,s3cr et"]
    plain = told["plain"]
    assert (plain["stdout"], plain["stdout_lines"]) == ("\r\n".join(lines), lines)
    assert (plain["rc"], plain["changed"], plain["cmd"]) == (0, True, "'./ask me'")
    assert {"start", "end", "delta"} < plain.keys()
    assert told["echoed"]["stdout_lines"] == ["Name? Anna", "Password: ", lines[1]]
    assert told["big"]["stdout"].endswith("0\r\nlast?a")
    assert len(told["big"]["stdout"]) == 9000 * 33 + len("last?a")

    early = told["early"]
    assert (early["rc"], early["stdout"], early["failed"]) == (3, "so soon", True)
    killed = told["killed"]
    assert (killed["rc"], killed["stdout"], killed["failed"]) == (None, "", True)
    assert killed["msg"] == "nothing that responses waits for came within 1 s: it was ended"
    assert told["typed"]["msg"] == "SIGINT ended it"
    assert told["fewer"]["msg"].startswith("there are no more answers for 'N'")
    assert told["fewer"]["stdout"] == "Name?" * 3
    assert told["endless"]["stdout"].startswith("y\r\ny\r\n")
    assert "came within 1 s" in told["endless"]["msg"]
    assert told["tty"]["stdout_lines"] == ["24 80", "dumb"]

    assert told["none"]["msg"] == "[Errno 2] No such file or directory: 'no-such-program'"
    assert told["denied"]["msg"].startswith("[Errno 13] Permission denied")
    assert told["nowhere"]["msg"].startswith("chdir: ")
    assert not any(told[name]["changed"] for name in ("none", "denied", "nowhere", "there"))
    assert told["there"]["stdout"] == f"skipped, since {tmp_path} exists"
    assert told["gone"]["stdout_lines"] == [f"skipped, since {tmp_path}/n* does not exist"]


def test_what_nobody_answers_is_gone_with_its_children(play: Callable[..., Ran]) -> None:
    script = 'trap "" HUP TERM; (trap "" HUP; sleep 600) & echo $! $$; while :; do sleep 1; done'
    told = play(both={"command": sh(script), "timeout": 1}).result("both")
    assert told["failed"]
    for pid in told["stdout"].split():
        assert wait_gone(int(pid))


def test_the_tasks_own_limit_holds(tmp_path: Path) -> None:
    task = {"name": "t", "expect": {"command": "yes", "responses": {}}, "timeout": 1}
    ran = run(tmp_path, tasks(json.dumps(task)), extra=HERE)
    assert "the task's limit of 1 s was reached" in ran.msg("t")


def test_nothing_is_run_in_check_mode(tmp_path: Path) -> None:
    task = {"name": "t", "expect": {"command": "touch made", "responses": {}}}
    ran = run(tmp_path, tasks(json.dumps(task)), extra=HERE, check=True)
    assert ran.one("t").outcome == "skipped"


def test_answers_are_shown_nowhere(tmp_path: Path) -> None:
    """Neither is what a program repeats of them, under no_log."""
    args = {"command": sh("printf Pass:; read -r x; echo $x"), "responses": {"Pass": "hush"}}
    task = {"name": "t", "expect": args, "no_log": True}
    ran = run(tmp_path, tasks(json.dumps(task)), extra=HERE)
    assert ran.ends == {"h1": "changed"}
    assert not [each for each in ran.events if "hush" in repr(each)]


def test_the_environment_reaches_it(tmp_path: Path) -> None:
    value = "a 'b\" $c\nd!"
    task = {
        "name": "t",
        "expect": {"command": "printenv WORDS", "responses": {}},
        "environment": {"WORDS": value},
    }
    ran = run(tmp_path, tasks(json.dumps(task)), extra=HERE)
    assert ran.result("t")["stdout_lines"] == value.split("\n")


def test_hosts_without_terminals_fail_that_task_alone(
    sshd: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = sshd("PermitTTY no", hosts=1)
    task = {"name": "t", "expect": {"command": "ls", "responses": {}}, "ignore_errors": True}
    ran = run(
        tmp_path, tasks(json.dumps(task), "{name: after, ping: }"), str(lab.inventory), extra={}
    )
    assert ran.one("t").outcome == "failed"
    assert "no terminal: the server refused" in ran.msg("t")
    assert ran.one("after").outcome == "ok"


def test_programs_in_the_way_give_none(tmp_path: Path) -> None:
    task = {"name": "t", "expect": {"command": "ls", "responses": {}}}
    known = {"ansible_connection": "docker", "ansible_host": "box"}
    ran = run(tmp_path, tasks(json.dumps(task)), extra=known)
    assert ran.ends == {"h1": "failed"}
    assert "this connection gives programs no terminal" in ran.msg("t")


def test_one_channel_is_enough(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    need_sshd_with_terminals()
    lab = sshd("MaxSessions 1", hosts=1)
    task = {"name": "t", "expect": {"command": "tty", "responses": {}}}
    text = tasks("{ping: }", json.dumps(task), "{name: after, ping: }")
    ran = run(tmp_path, text, str(lab.inventory), extra={})
    assert "/dev/" in ran.result("t")["stdout"]
    assert ran.one("after").outcome == "ok"
