"""Command lines again: on which hosts, in which directory, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.journals import command, keep

from opsrun.cli.history.group import history
from opsrun.events import Outcome
from opsrun.journal.about import About

ENDS = {"web01": (Outcome.OK, b""), "web02": (Outcome.FAILED, b"")}
ID = "abcd11110000"


def call(*words: Any) -> Result:
    return CliRunner().invoke(history, ["rerun", *map(str, words)])


def kept(tmp_path: Path, *argv: str) -> Path:
    file = tmp_path / "j.sqlite"
    keep(file, command(ID, ENDS), About(argv))
    return file


def test_the_words_are_the_same_but_for_the_hosts(tmp_path: Path) -> None:
    file = kept(tmp_path, "exec", "-w", "web", "-l", "web0*", "--", "df", "-h")
    found = call("last", "--failed", "--lost", "--dry-run", "--journal", file, "--", "--forks=3")
    assert found.exit_code == 0
    words = f"'--limit=&@{ID}:failed+lost' --forks=3 -w web -l 'web0*' -- df -h"
    assert f"opsrun exec --journal={file} {words}" in found.stderr
    assert "on 1 host, in " in found.stderr


def test_a_secret_is_given_anew(tmp_path: Path) -> None:
    file = kept(tmp_path, "playbook", "-e", "token=********", "site.yml", "--env=A=********")
    said = str(call(ID, "--journal", file).exception)
    assert "had a secret behind -e, which is not kept; give it anew" in said
    assert "rerun abcd11110000 -- -e 'token=…'" in said
    assert "behind --env" in str(call(ID, "--journal", file, "--", "-e", "token=x").exception)
    found = call(ID, "--dry-run", "--journal", file, "--", "-e", "token=x", "--env=A=b")
    assert "-e token=x --env=A=b site.yml\n" in found.stderr
    assert "********" not in found.stderr


@pytest.mark.parametrize(
    ("argv", "words", "said"),
    [
        ((), (), "there is no command line to repeat"),
        (("shell", "-w", "web"), (), "can't be repeated: it came of 'shell -w web'"),
        (("all", "-m", "ping"), (), "can't be repeated"),
        (("exec", "--", "mysql", "********"), (), "write the command anew"),
        (("exec", "-w", "web", "df"), ("--unreachable",), "no host of run abcd11110000"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, argv: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    file = kept(tmp_path, *argv)
    assert said in str(call("last", *words, "--journal", file).exception)


def test_a_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    file = kept(tmp_path, "exec", "-w", "web", "df")
    monkeypatch.chdir(tmp_path)
    gone.rmdir()
    found = str(call("last", "--journal", file).exception)
    assert "No such file or directory; with --here it is run here" in found
