"""Passwords from files: private ones alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsrun.cli.passwords import password_of
from opsrun.errors import UsageError


def written(path: Path, data: bytes, mode: int = 0o600) -> str:
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\nmore\n", "hunter2"),
        (b" with spaces \n", " with spaces "),
        (b"caf\xc3\xa9 \xff\n", "caf\u00e9 \udcff"),
        (b"x" * 4096, "x" * 4096),
    ],
)
def test_the_first_line(tmp_path: Path, data: bytes, password: str) -> None:
    assert password_of(written(tmp_path / "p", data), "--option").reveal() == password


def test_a_file_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "p", b"x")
    assert password_of("~/p", "--option").reveal() == "x"


def test_a_pipe(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"secret\n")
    os.close(theirs)
    try:
        assert password_of(f"/dev/fd/{ours}", "--option").reveal() == "secret"
    finally:
        os.close(ours)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_what_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "p", b"secret", mode)
    with pytest.raises(UsageError, match=f"mode {mode:04o}.*chmod 600") as caught:
        password_of(path, "--option")
    assert "secret" not in str(caught.value)


@pytest.mark.root
def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "p", b"secret")
    os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match="somebody else's"):
        password_of(path, "--option")


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "first line is empty"), (b"\nx", "first line is empty"), (b"x" * 4097, "longer than")],
)
def test_no_password(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=f"--option: .*{words}"):
        password_of(written(tmp_path / "p", data), "--option")


@pytest.mark.parametrize(("path", "words"), [("-", "takes a file"), ("/nowhere/p", "No such file")])
def test_no_file(path: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        password_of(path, "--option")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        password_of(str(tmp_path), "--option")
