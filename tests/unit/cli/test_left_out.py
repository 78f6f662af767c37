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


_VERSION = "from importlib import metadata; import paramiko as p"
_REAL = "hasattr(metadata, 'entry_points'), metadata.version('paramiko') == p.__version__"
_LEFT = "from opsrun.cli import left_out; left_out.install()"


def test_its_version_is_told_without_reading_mail() -> None:
    lines = ("import paramiko", "print('email.message' in sys.modules, 'zipfile' in sys.modules)")
    assert _said(_LEFT, *lines) == ["False False"]
    assert _said(_LEFT, "import paramiko", _VERSION, f"print({_REAL})") == ["True True"]


def test_whoever_had_importlibs_metadata_keeps_it() -> None:
    before = "import importlib.metadata as before"
    same = "import importlib; print(before is sys.modules[before.__name__] is importlib.metadata)"
    assert _said(_LEFT, before, "import paramiko", same) == ["True"]


@pytest.mark.parametrize("told", [[], ["1", "2"]])
def test_where_no_folder_tells_it_is_asked_as_ever(told: list[str]) -> None:
    unsure = f"left_out._told_by_folders = lambda name: {told}"
    lines = ("import paramiko", "print('email.message' in sys.modules)", _VERSION)
    assert _said(_LEFT, unsure, *lines, f"print({_REAL})") == ["True", "True True"]


def test_folders_that_can_not_be_listed_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str) -> list[str]:
        raise PermissionError(path)

    assert left_out._told_by_folders("pytest") == [pytest.__version__]
    monkeypatch.setattr("os.listdir", refused)
    assert left_out._told_by_folders("pytest") == []
