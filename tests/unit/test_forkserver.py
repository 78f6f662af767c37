"""A command that is forked ends as one that was started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import forkserver
from support.cli import LIMIT, command


def forked(cwd: Path, *words: str, stdin: bytes = b"", **env: str) -> tuple[int, bytes, bytes]:
    environ = {**os.environ, **env}
    assert forkserver.can_run(words, environ)
    ran = forkserver.run(words, stdin, cwd, environ, LIMIT)
    assert ran is not None
    return ran


@pytest.mark.parametrize(
    "words",
    [
        ["inventory", "graph"],
        ["inventory", "graph", "--no-such-option"],
        ["lint", "-"],
        ["exec", "--hosts", "here", "--", "cat; echo $0 $WORD; exit 3"],
        ["exec", "--hosts", "nobody", "--", "true"],
        ["playbook", "missing.yml"],
    ],
    ids=" ".join,
)
def test_what_comes_of_a_command(tmp_path: Path, words: list[str]) -> None:
    """Directory, environment and input reach it; output, errors and status come back."""
    (tmp_path / "hosts").write_text("here ansible_connection=local\n")
    own = {"OPSRUN_INVENTORY": "hosts", "WORD": "a word"}
    started = subprocess.run(
        command(*words),
        input=b"- hosts: all\n",
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | own,
        timeout=LIMIT,
        check=False,
    )
    status, out, err = forked(tmp_path, *words, stdin=b"- hosts: all\n", **own)
    assert (status, out) == (started.returncode, started.stdout)
    assert err.splitlines()[:1] == started.stderr.splitlines()[:1]


def test_a_command_that_hangs_is_killed(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("here ansible_connection=local\n")
    environ = {**os.environ, "OPSRUN_INVENTORY": "hosts"}
    words = ["exec", "--hosts", "here", "--", "sleep 20"]
    with pytest.raises(subprocess.TimeoutExpired):
        forkserver.run(words, b"", tmp_path, environ, 0.01)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--version"], {}),
        (["lab", "up"], {}),
        (["exec", "--engine", "threads", "true"], {}),
        (["inventory", "graph"], {"LC_ALL": "de_DE.ISO-8859-1"}),
        (["inventory", "graph"], {"PYTHONWARNINGS": "ignore"}),
    ],
)
def test_what_would_differ_is_started(words: list[str], env: dict[str, str]) -> None:
    assert not forkserver.can_run(words, os.environ | env)
