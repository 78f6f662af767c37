"""Files of reports: whole or not at all, and their owner's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsrun.errors import OpsrunError
from opsrun.reports.writing import write


def test_a_file_is_replaced_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("what was there before")
    file.chmod(0o644)
    write(str(file), ["caf", "é\n"])
    assert file.read_bytes() == "café\n".encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_link_leads_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("there")
    write(str(tmp_path / "link"), ["new"])
    assert (tmp_path / "there").read_text() == "new"
    assert (tmp_path / "link").is_symlink()


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    def parts() -> Iterator[str]:
        yield "half"
        raise RuntimeError("no more")

    file = tmp_path / "report"
    file.write_text("before")
    with pytest.raises(RuntimeError):
        write(str(file), parts())
    assert file.read_text() == "before"
    assert os.listdir(tmp_path) == ["report"]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(str(pipe), ["through", " it"])
    assert os.read(reader, 100) == b"through it"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "can't be written: it is a directory"),
        ("none/report", "can't be written: No such file or directory"),
        ("file/report", "can't be written: Not a directory"),
    ],
)
def test_what_can_not_be_written_is_one_error(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OpsrunError) as error:
        write(str(tmp_path / name), ["x"])
    assert str(error.value).endswith(expected)
    assert str(tmp_path) in str(error.value)
