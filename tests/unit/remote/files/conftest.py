"""A host of each shell and userland."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.remote_files import hosted
from support.shells import SHELLS, shared_shells

from opsrun.remote.files.remote_files import RemoteFiles

COMBINATIONS = [(shell, userland) for shell in SHELLS for userland in ("system", "busybox")]


@pytest.fixture(params=[pytest.param(each, id="-".join(each)) for each in COMBINATIONS])
def files(request: pytest.FixtureRequest) -> Iterator[RemoteFiles]:
    """Every shell with this machine's programs, and with busybox's alone."""
    shell = shared_shells(*request.param)
    with hosted(shell.words, shell.prefix) as host:
        yield host


@pytest.fixture(params=["system", "busybox"])
def two(request: pytest.FixtureRequest) -> Iterator[RemoteFiles]:
    """dash with either userland: for what doesn't depend on the shell."""
    shell = shared_shells("dash", request.param)
    with hosted(shell.words, shell.prefix) as host:
        yield host


@pytest.fixture
def host() -> Iterator[RemoteFiles]:
    """This machine's sh, for what depends on neither."""
    with hosted() as one:
        yield one


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """An empty directory of the host."""
    made = tmp_path / "top"
    made.mkdir()
    return made


@pytest.fixture
def public() -> Iterator[Path]:
    """An empty directory that every user may write and reach."""
    made = Path(tempfile.mkdtemp(prefix="opsrun-test-"))
    made.chmod(0o777)
    yield made
    for where, _, _ in os.walk(made):
        os.chmod(where, 0o700)
    shutil.rmtree(made)
