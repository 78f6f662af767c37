"""Which runs are listed, how times are said, and that the list is harmless and aligned."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.journals import command, keep, work_of

from opsrun.cli.history.columns import Cell, aligned
from opsrun.cli.history.group import history
from opsrun.cli.history.times import moment, shown
from opsrun.events import Outcome
from opsrun.journal.about import About
from opsrun.journal.opening import to_write

OK, FAILED = (Outcome.OK, b"up\n"), (Outcome.FAILED, b"")


def call(*words: Any) -> Result:
    return CliRunner().invoke(history, list(map(str, words)), catch_exceptions=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "j.sqlite"
    keep(file, command("aaaa11110000", {"web01": OK}, started=time.time() - 7200))
    keep(file, command("bbbb22220000", {"web01": OK, "db\x1b[2J\n": FAILED}, words="df -h"))
    keep(
        file,
        command("cccc33330000", {"web02": OK}, ["web02", "web03"], ends=False),
        About(("exec", "--hosts", "web", "uptime")),
        [work_of("web03")],
    )
    return file


def ids(path: Path, *words: str) -> list[str]:
    found = json.loads(call("list", "--json", "--journal", path, *words).stdout)
    return [each["run"][:4] for each in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["aaaa", "bbbb", "cccc"]),
        (("-n", "2"), ["bbbb", "cccc"]),
        (("-n", "0"), ["aaaa", "bbbb", "cccc"]),
        (("--host", "web01"), ["aaaa", "bbbb"]),
        (("--host", "web[02-03]"), ["cccc"]),
        (("--host", "w*3"), ["cccc"]),
        (("--grep", "DF -.$"), ["bbbb"]),
        (("--grep", "--hosts web"), ["cccc"]),
        (("--since", "3h", "--until", "1h"), ["aaaa"]),
        (("--state", "failed"), ["bbbb"]),
        (("--state", "ok"), ["aaaa"]),
        (("--state", "running"), ["cccc"]),
        (("--failed",), ["bbbb"]),
        (("--action", "playbook"), []),
        (("--who", "nobody-at-all"), []),
    ],
)
def test_runs_are_chosen(path: Path, words: tuple[str, ...], expected: list[str]) -> None:
    assert ids(path, *words) == expected


def test_the_list_is_aligned_and_harmless(path: Path) -> None:
    lines = call("--journal", path).stdout.splitlines()
    assert len(lines) == 4
    assert all("\x1b" not in line for line in lines)
    [start] = {line.index(word) for line, word in zip(lines, ("WHAT", *["exec"] * 3), strict=True)}
    assert lines[0][:start].split() == ["RUN", "WHEN", "WHO", "TOOK", "STATE", "HOSTS"]
    assert "2: 1 failed" in lines[2]
    assert "running" in lines[3]


def test_a_process_that_is_gone_has_left_its_run(path: Path) -> None:
    connection = to_write(path)
    connection.execute("UPDATE runs SET process = 'x 1 2' WHERE ended IS NULL")
    connection.close()
    assert ids(path, "--state", "cut-off") == ["cccc"]
    assert ids(path, "--failed") == ["bbbb", "cccc"]


def test_an_empty_journal_and_none(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    assert "there is no journal yet" in str(call("--journal", file).exception)
    to_write(file).close()
    found = call("--journal", file)
    assert (found.exit_code, found.stdout) == (0, "")
    assert "no run" in found.stderr
    assert json.loads(call("list", "--json", "--journal", file).stdout) == []


def test_what_is_no_expression_is_said(path: Path) -> None:
    assert "no regular expression" in str(call("--journal", path, "--grep", "(").exception)


@pytest.mark.parametrize(
    ("text", "ago"),
    [("2h", 7200.0), ("1.5 min ago", 90.0), ("3d", 259200.0), ("1w", 604800.0)],
)
def test_how_long_ago(text: str, ago: float) -> None:
    assert moment(text, 1700000000.0) == 1700000000.0 - ago


@pytest.mark.parametrize("text", ["", "2y", "25:00", "2026-13-01", "tomorrow", "9" * 400 + "d"])
def test_no_times(text: str) -> None:
    now = 1700000000.0
    found = moment(text, now)
    assert found is None or found == float("-inf")


def test_times_are_told_shortly() -> None:
    noon = moment("2023-11-14T12:00", 0.0)
    assert noon is not None
    assert moment("14:30", noon) == moment("2023-11-14T14:30", 0.0)
    assert moment("yesterday", noon) == moment("2023-11-13", 0.0)
    assert shown(noon + 1, noon) == "12:00:01"
    assert shown(noon - 86400, noon) == "11-13 12:00"
    assert shown(noon - 400 * 86400, noon) == "2022-10-10"


def test_the_last_column_takes_what_is_left() -> None:
    rows = [
        [Cell("a", "31"), Cell("7", right=True), "x" * 50],
        ["bbb", Cell("77", right=True), "y"],
    ]
    found = list(aligned(["A", "B", "C"], rows, color=False, columns=20))
    assert found == ["A     B  C", "a     7  xxxxxxxxxx…", "bbb  77  y"]
