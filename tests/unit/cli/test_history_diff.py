"""Runs compared and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.journals import command, keep

from opsrun.cli.history.group import history
from opsrun.events import Outcome


def call(*words: Any) -> Result:
    return CliRunner().invoke(history, list(map(str, words)), standalone_mode=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "j.sqlite"
    old, new = (Outcome.OK, b"kernel 1\nup\n"), (Outcome.OK, b"kernel 2\x1b[2J\nup\n")
    names = [f"web{number}" for number in range(1, 6)]
    keep(file, command("aaaa11110000", dict.fromkeys(names, old)))
    after = dict.fromkeys(names[:3], new) | {"web4": (Outcome.UNREACHABLE, b""), "db1": new}
    keep(file, command("bbbb22220000", after))
    return file


def test_each_difference_is_told_once(path: Path) -> None:
    found = call("diff", "--journal", path, "--exit-code")
    assert found.return_value == 1
    assert found.stdout.splitlines() == [
        "aaaa11110000 → bbbb22220000",
        "new hosts: db1",
        "gone hosts: web5",
        "ok → unreachable: web4",
        "web[1-3] (3)",
        "  @@ -1,2 +1,2 @@",
        "  -kernel 1",
        "  +kernel 2^[[2J",
        "   up",
        "web4",
        "  @@ -1,2 +0,0 @@",
        "  -kernel 1",
        "  -up",
    ]
    data = json.loads(call("diff", "--json", "--journal", path).stdout)
    assert data["outcomes"] == [{"before": "ok", "after": "unreachable", "hosts": ["web4"]}]


def test_a_run_is_equal_to_itself(path: Path) -> None:
    found = call("diff", "last", "last", "--journal", path, "--exit-code")
    assert (found.return_value, found.stdout.splitlines()[1:]) == (0, ["no difference"])


def test_what_fails_is_counted(path: Path) -> None:
    data = json.loads(call("stats", "--json", "--journal", path).stdout)
    hosts = {each["name"]: each for each in data["hosts"]}
    assert (hosts["web4"]["results"], hosts["web4"]["failure_rate"]) == (2, 0.5)
    assert [each["name"] for each in data["tasks"]] == ["exec uptime"]
    assert data["tasks"][0]["results"] == 10
    text = call("stats", "last", "--top", "2", "--journal", path).stdout
    assert "of 1 run\n" in text
    assert "… and 3 more" in text
