"""``-y``, and what is typed in its place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.cli import LIMIT, command
from support.typing_at import typing_at

INVENTORY = """
all: {vars: {ansible_connection: local}}
prod: {protected: true, max_hosts: 1, hosts: {p1: , p2: }}
"""
PROMPT = "\x1b[?2004h"
"""What a prompt begins with, see test_shell_command."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "inv.yml").write_text(INVENTORY)
    (tmp_path / "site.yml").write_text(
        f"- hosts: prod\n  gather_facts: false\n  tasks: [command: touch {tmp_path}/done]\n"
    )
    return tmp_path


def words(home: Path, kind: str, *more: str) -> list[str]:
    inventory = str(home / "inv.yml")
    if kind == "playbook":
        return ["playbook", "-i", inventory, *more, str(home / "site.yml")]
    return ["exec", "-i", inventory, "-w", "prod", *more, "touch", str(home / "done")]


@pytest.mark.parametrize("kind", ["exec", "playbook"])
def test_without_a_terminal_it_is_refused(home: Path, kind: str) -> None:
    # In a session of its own there is no terminal, whoever runs the tests.
    ran = subprocess.run(
        command(*words(home, kind)),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 2
    assert b"typing 'prod' and '2' on a terminal, or with -y/--yes" in ran.stderr
    assert not (home / "done").exists()


@pytest.mark.parametrize("kind", ["exec", "playbook"])
def test_yes(home: Path, kind: str) -> None:
    ran = subprocess.run(
        command(*words(home, kind, "-y")),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 0
    assert (home / "done").exists()


@pytest.mark.parametrize("kind", ["exec", "playbook"])
def test_typed_at_a_terminal(home: Path, kind: str) -> None:
    with typing_at(*words(home, kind), NO_COLOR="1") as terminal:
        terminal.wait_for("the group 'prod' is protected")
        terminal.wait_for("Type prod to go on: ")
        terminal.type("prod\r")
        terminal.wait_for("Type 2 to go on: ")
        terminal.type("2\r")
        assert terminal.status() == 0
    assert (home / "done").exists()


@pytest.mark.parametrize("typed", ["yes\r", "\r", "\x04"])
def test_another_word_is_a_no(home: Path, typed: str) -> None:
    with typing_at(*words(home, "playbook"), NO_COLOR="1") as terminal:
        terminal.wait_for("Type prod to go on: ")
        terminal.type(typed)
        terminal.wait_for("this was not confirmed")
        assert terminal.status() == 2
    assert not (home / "done").exists()


def test_a_shell_asks_at_its_beginning(home: Path) -> None:
    with typing_at("shell", "-i", home / "inv.yml", "-w", "prod", NO_COLOR="1") as terminal:
        terminal.wait_for("Type prod to go on: ")
        terminal.type("prod\r")
        terminal.wait_for("Type 2 to go on: ")
        terminal.type("2\r")
        terminal.wait_for(PROMPT)
        terminal.type(f"touch {home}/done\r")
        terminal.wait_for("ok 2")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.status() == 0
    assert (home / "done").exists()


DELEGATE = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {other: p1}
  tasks:
    - set_fact: {late: p1}
    - command: touch %s/done
      delegate_to: "%s"
      failed_when: false
"""


@pytest.mark.parametrize(
    ("whom", "status"), [("p1", 2), ("{{ late }}", 1), ("{{ groups.prod | first }}", 1)]
)
def test_delegation_goes_round_no_question(home: Path, whom: str, status: int) -> None:
    (home / "site.yml").write_text(DELEGATE % (home, whom))
    for more, expected in (((), status), (("--check",), 0), (("-y",), 0)):
        ran = subprocess.run(
            command(*words(home, "playbook", *more)),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=LIMIT,
            check=False,
        )
        assert ran.returncode == expected
        assert (b"the group 'prod' is protected" in ran.stdout + ran.stderr) is bool(expected)
        assert (home / "done").exists() is (more == ("-y",))
