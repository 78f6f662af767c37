"""What a lab's folder remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun.errors import LabError
from opsrun.lab import state
from opsrun.lab.folder import Folder
from opsrun.lab.layout import LabHost
from opsrun.lab.process import ProcessId
from opsrun.lab.state import LabState, ServerProcess

STATE = LabState(
    id="0123",
    kind="sshd",
    version="OpenSSH_9.2",
    user="me",
    shared=False,
    hosts=(LabHost("web01", "127.80.0.1", 22022), LabHost("db01", "127.80.0.2", 22022)),
    servers=(ServerProcess(ProcessId(4, 5, "boot"), ("web01",)),),
    complete=True,
)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    state.save(Folder.at(tmp_path), STATE)
    assert state.load(Folder.at(tmp_path)) == STATE


def test_a_host_whose_server_was_never_started() -> None:
    assert STATE.process_of("web01") == ProcessId(4, 5, "boot")
    assert STATE.process_of("db01") is None


def test_no_lab(tmp_path: Path) -> None:
    assert state.load(Folder.at(tmp_path)) is None
    assert state.load(Folder.at(tmp_path / "nowhere")) is None
    (tmp_path / "file").touch()
    assert state.load(Folder.at(tmp_path / "file")) is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": 0}', '{"format": 1, "id": "x"}', "\x00"]
)
def test_a_file_that_is_no_state_is_one_error(tmp_path: Path, text: str) -> None:
    folder = Folder.at(tmp_path)
    folder.state.write_text(text)
    with pytest.raises(LabError, match="not written by this version"):
        state.load(folder)


def test_a_state_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    folder.state.mkdir()
    with pytest.raises(LabError, match="can't read"):
        state.load(folder)
