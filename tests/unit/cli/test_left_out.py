"""The command's paramiko comes without invoke; nobody else's does, and invoke is there as ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

from opsrun.cli import left_out

_SAY = "import paramiko, paramiko.config as c; print('invoke' in sys.modules, c.invoke is None)"


def _said(*lines: str) -> list[str]:
    words = [sys.executable, "-c", "\n".join(("import sys", *lines))]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("from opsrun.cli import left_out; left_out.install()", "False True"),
        ("import opsrun.cli.main, opsrun.api", "True False"),
        ("from opsrun.cli import left_out; left_out.install(); import invoke", "True False"),
    ],
    ids=["the command's", "a script's", "somebody had imported it"],
)
def test_paramiko_and_invoke(first: str, expected: str) -> None:
    assert _said(first, _SAY) == [expected]


def test_whoever_else_imports_it_gets_it() -> None:
    first = "from opsrun.cli import left_out; left_out.install(); import paramiko"
    assert _said(first, "import invoke; print(invoke.run is not None)") == ["True"]


def test_the_command_leaves_it_out() -> None:
    lines = ("from opsrun.cli.main import entry_point",)
    run = "try: entry_point(['--version'])\nexcept SystemExit: pass"
    assert _said(*lines, run, _SAY)[-1] == "False True"


def test_twice_is_once() -> None:
    before = list(sys.meta_path)
    left_out.install()
    left_out.install()
    assert len(sys.meta_path) == len(before) + 1
    left_out.uninstall()
    assert sys.meta_path == before
