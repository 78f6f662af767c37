"""``opsrun exec -m``: one module on several hosts, as an operator calls it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.cli import Ran, opsrun


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.ini"
    path.write_text(
        "[all:vars]\nansible_connection=local\n"
        "[these]\none colour=red\ntwo colour=blue\n[away]\nnowhere ansible_connection=ssh "
        "ansible_host=127.0.0.1 ansible_port=1\n"
    )
    return path


def _call(inventory: Path, *words: str, stdin: bytes | None = None) -> Ran:
    return opsrun("exec", "-i", inventory, "-w", "these", *words, stdin=stdin)


def test_equal_results_are_folded(inventory: Path) -> None:
    ran = _call(inventory, "-m", "ping")
    assert (ran.status, ran.out) == (0, "one,two (2)\n  ping: pong\n")


def test_templates_see_each_hosts_variables(inventory: Path) -> None:
    ran = _call(inventory, "-m", "debug", "-a", "msg='{{ colour }}{{ more }}'", "-e", "more=ish")
    assert ran.out == "one\n  msg: redish\ntwo\n  msg: blueish\n"


@pytest.mark.parametrize(
    "args", ["path={} state=touch", '{{"path": "{}", "state": "touch"}}', "path: {}\nstate: touch"]
)
def test_every_form_of_arguments(inventory: Path, tmp_path: Path, args: str) -> None:
    made = tmp_path / "made"
    ran = _call(inventory, "-l", "one", "-m", "ansible.builtin.file", "-a", args.format(made))
    assert ran.status == 0, ran.err
    assert made.exists()


def test_check_and_diff(inventory: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")
    args = f"dest={path} content='{{{{ colour }}}}\\n'"
    ran = _call(inventory, "-l", "one", "-m", "copy", "-a", args, "-C", "-D")
    assert ran.status == 0
    assert ran.out.splitlines()[0] == "one · changed"
    assert {"  -old", "  +red"} <= set(ran.out.splitlines())
    assert path.read_text() == "old\n"


def test_a_command_reads_as_without_m(inventory: Path) -> None:
    words = "echo out; echo err >&2; exit 3"
    called = _call(inventory, "-m", "shell", "-a", words)
    plain = _call(inventory, "-o", "fold", words)
    assert (called.status, called.out) == (plain.status, plain.out)
    assert called.err.partition("failed one,two")[0] == plain.err.partition("failed one,two")[0]


def test_json_has_the_whole_result(inventory: Path) -> None:
    ran = _call(inventory, "-m", "stat", "-a", "path=/", "-o", "json")
    assert ran.document["run"]["command"] == "-m stat"
    assert "events" not in ran.document
    for result in ran.results.values():
        assert result["outcome"] == "ok"
        assert result["data"]["stat"]["isdir"]
        assert result["stdout"] == ""
    lines = _call(inventory, "-m", "shell", "-a", "echo x; exit 2", "-o", "jsonl")
    assert {r["rc"] for r in lines.results.values()} == {2}
    assert lines.lines[-1]["type"] == "summary"


def test_failures_say_why(inventory: Path) -> None:
    ran = _call(inventory, "-m", "slurp", "-a", "path=/nonexistent")
    assert ran.status == 1
    assert "failed one,two (2): run: file not found: /nonexistent" in ran.err
    away = opsrun("exec", "-i", inventory, "-w", "all", "-m", "ping")
    assert away.status == 3
    assert "one,two (2)" in away.out


def test_environment_and_limits(inventory: Path) -> None:
    words = ("-m", "command", "-a", "printenv X", "--env", "X=there")
    assert _call(inventory, *words).out.endswith("\n  there\n")
    ran = _call(inventory, "-m", "command", "-a", "sleep 30", "--command-timeout", "1")
    assert ran.status != 0


def test_secrets_come_by_standard_input(inventory: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    args = f"content: hidden\ndest: {path}\nmode: '0600'\n".encode()
    ran = _call(inventory, "-l", "one", "-m", "copy", "-a", "-", stdin=args)
    assert ran.status == 0, ran.err
    assert path.read_text() == "hidden"
    assert "hidden" not in ran.out + ran.err
    (tmp_path / "args.yml").write_bytes(args)
    assert _call(inventory, "-l", "one", "-m", "copy", "-a", f"@{tmp_path}/args.yml").status == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-m", "stat", "-a", "pth=/"), "has no option 'pth'; did you mean 'path'?"),
        (("-m", "stat"), "stat needs 'path'"),
        (("-m", "file", "-a", "path=/x state=tuch"), "did you mean 'touch'?"),
        (("-m", "stat", "-a", "just words"), "-a: 'stat' takes `name=value` words"),
        (("-m", "stat", "-a", "{path: ["), "-a"),
        (("-m", "stta"), "there is no module 'stta'; did you mean 'stat'?"),
        (("-m", "set_fact", "-a", "x=1"), "for later tasks"),
        (("-m", "meta", "-a", "noop"), "for playbooks"),
        (("-m", "ping", "uptime"), "give one of them"),
        (("-m", "ping", "--pty"), "--pty is for commands"),
        (("-m", "ping", "--serial", "1"), "--serial is for commands"),
        (("-C", "uptime"), "name it with -m"),
        (("-m", "ping", "-a", "@/nonexistent"), "No such file"),
    ],
)
def test_mistakes_are_told_before_the_first_login(
    inventory: Path, words: tuple[str, ...], told: str
) -> None:
    ran = _call(inventory, *words)
    assert ran.status == 2
    assert told in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_hosts_are_listed_and_left_alone(inventory: Path) -> None:
    ran = _call(inventory, "-m", "command", "-a", f"touch {os.devnull}/x", "--list-hosts")
    assert (ran.status, ran.out) == (0, "one\ntwo\n")
