"""``opsrun new module``: what it writes runs as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import opsrun

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("kind", ["sh", "py"])
def test_its_own_tests_pass(kind: str, tmp_path: Path) -> None:
    flags = ["--python"] if kind == "py" else []
    made = opsrun("new", "module", "banner", "--dir", str(tmp_path), *flags)
    library, test = tmp_path / "library" / f"banner.{kind}", tmp_path / "tests/test_banner.py"
    assert made.out.splitlines() == [str(library), str(test)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    # What whoever runs us told pytest is not for that one.
    told = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=told
    )
    assert "3 passed" in ran.stdout, ran.stdout
    # As the house writes: people go on from here.
    python = [str(test), *([str(library)] if kind == "py" else [])]
    subprocess.run([BIN / "ruff", "check", "--isolated", *python], check=True)
    subprocess.run(
        [BIN / "ruff", "format", "--isolated", "--line-length=100", "--check", *python], check=True
    )
    if kind == "sh" and shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-s", "sh", library], check=True)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_banner.py").touch()
    refused = opsrun("new", "module", "banner", "--dir", str(tmp_path))
    assert refused.status == 2
    assert "test_banner.py is there already" in refused.err
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("copy", "opsrun's own"), ("Two-Words", "small letters"), ("", "small")]
)
def test_names_that_no_module_can_have(name: str, words: str, tmp_path: Path) -> None:
    refused = opsrun("new", "module", name, "--dir", str(tmp_path))
    assert refused.status == 2
    assert words in refused.err
