"""Where everything is required, a test that is skipped for want of it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.required import capabilities, excused

ALL = (1 << 41) - 1
ADMIN, IMMUTABLE = 1 << 21, 1 << 9

SKIPS = """
import pytest
REASON = "there is no frobnicate"
@pytest.mark.skipif(True, reason=REASON)
def test_marked(): pass
@pytest.fixture
def fixture(): pytest.skip(REASON)
def test_by_a_fixture(fixture): pass
def test_in_it(): pytest.skip(REASON)
def test_imported(): pytest.importorskip("frobnicate")
def test_by_design(): pytest.skip("the fake has no shell")
@pytest.mark.xfail(strict=True)
def test_known(): assert 0
def test_good(): pass
"""


@pytest.mark.parametrize(
    ("reason", "user", "rights", "expected"),
    [
        ("Skipped: the fake has no shell", 0, ALL, True),
        ("there is no shellcheck", 0, ALL, False),
        ("there is no shellcheck", 1000, 0, False),
        ("no real sshd: there is none", 1000, 0, False),
        ("a reason that is new", 1000, 0, False),
        ("needs root", 1000, 0, True),
        ("needs root", 0, ALL, False),
        ("mounting takes root", 0, ALL, False),
        ("no disposable machine: no disposable root: unshare failed", 0, ALL & ~ADMIN, True),
        ("no disposable machine: no disposable root: unshare failed", 0, ALL, False),
        ("nothing can be mounted here", 0, ALL, False),
        ("attributes can't be changed here", 0, ALL & ~IMMUTABLE, True),
        ("attributes can't be changed here", 0, ALL, False),
    ],
)
def test_what_may_be_skipped(reason: str, user: int, rights: int, expected: bool) -> None:
    assert excused(reason, user, rights) is expected


def test_capabilities_are_those_of_the_process() -> None:
    assert capabilities("Name:\tx\nCapPrm:\t00\nCapEff:\t0000000000200200\n") == ADMIN | IMMUTABLE
    assert capabilities("") == 0
    assert 0 <= capabilities() <= ALL


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ("", "1 passed, 6 skipped, 1 xfailed in"),
        ("1", "2 failed, 1 passed, 1 skipped, 1 xfailed, 3 errors in"),
    ],
    ids=["at home", "required"],
)
def test_skips_become_failures(tmp_path: Path, required: str, expected: str) -> None:
    (tmp_path / "test_all.py").write_text(SKIPS)
    (tmp_path / "test_whole.py").write_text('import pytest\npytest.importorskip("frobnicate")\n')
    words = ["-m", "pytest", "-q", "-p", "support.required", "-p", "no:cacheprovider"]
    own = {
        "OPSRUN_REQUIRE_ALL": required,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": f"--basetemp={tmp_path / 't'}",
    }
    ran = subprocess.run(
        [sys.executable, *words, "--continue-on-collection-errors", "--rootdir=.", "."],
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines()[-1].startswith(expected), ran.stdout
