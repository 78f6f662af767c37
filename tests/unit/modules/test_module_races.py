"""Two hosts may be one file system: what another one made meanwhile is as good as our own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.module_host import LocalController, module_host

from opsrun.modules.base import Context, ModuleResult, Steps
from opsrun.modules.driver import drive
from opsrun.modules.files import File
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run
from opsrun.remote.command import CommandResult


def _ran(request: object) -> CommandResult:
    assert isinstance(request, Run)
    ended = subprocess.run(["sh", "-c", request.script], capture_output=True, check=False)
    return CommandResult(ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


def _to_the_end(steps: Steps, answer: CommandResult) -> ModuleResult:
    while True:
        try:
            request = steps.send(answer)
        except StopIteration as ended:
            result: ModuleResult = ended.value
            return result
        answer = _ran(request)


@pytest.mark.parametrize("there", ["a", "a/b"])
def test_directories_that_somebody_else_made_after_the_look(tmp_path: Path, there: str) -> None:
    path = tmp_path / "a/b"
    module = resolve(File, {"path": str(path), "state": "directory", "mode": "0750"})
    steps = module.steps(Context(LocalController(tmp_path)))
    looked = _ran(next(steps))
    (tmp_path / there).mkdir(parents=True)
    assert _to_the_end(steps, looked).changed
    assert path.stat().st_mode & 0o7777 == 0o750


def test_a_file_in_the_way_is_still_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "a/b"
    module = resolve(File, {"path": str(path), "state": "directory"})
    steps = module.steps(Context(LocalController(tmp_path)))
    looked = _ran(next(steps))
    (tmp_path / "a").write_text("in the way")
    answer = _ran(steps.send(looked))
    assert not answer.ok


@dataclass
class _Interfering:
    """Hands whose host somebody else changes once it has been looked at."""

    real: Any
    meanwhile: Callable[[], object]
    looked: bool = False

    def run(self, request: Run) -> CommandResult:
        answer: CommandResult = self.real.run(request)
        if not self.looked:
            self.looked = True
            self.meanwhile()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def _with(
    directory: Path, name: str, args: dict[str, Any], meanwhile: Callable[[], object]
) -> dict[str, Any]:
    with module_host(directory) as host:
        found = find(name)
        assert found is not None
        hands = _Interfering(host.hands, meanwhile)
        told = drive(resolve(found, args), Context(host.controller), hands)
    assert hands.looked
    return told.to_dict()


def test_a_directory_that_vanishes_before_the_file_comes(tmp_path: Path) -> None:
    top = tmp_path / "d"
    top.mkdir()
    told = _with(tmp_path, "copy", {"content": "x", "dest": f"{top}/f"}, top.rmdir)
    assert told["failed"]
    assert "No such file or directory" in told["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_became_a_link_elsewhere_gets_nothing(tmp_path: Path) -> None:
    top, other = tmp_path / "d", tmp_path / "other"
    top.mkdir()
    other.mkdir()

    def swapped() -> None:
        top.rmdir()
        top.symlink_to(other)

    told = _with(tmp_path, "copy", {"content": "x", "dest": f"{top}/f"}, swapped)
    assert told["failed"]
    assert list(other.iterdir()) == []


@pytest.mark.parametrize("state", ["file", "touch"])
def test_a_file_that_vanishes_before_its_mode_is_set(tmp_path: Path, state: str) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    args = {"path": str(path), "state": state, "mode": "0600", "modification_time": "preserve"}
    told = _with(tmp_path, "file", args, path.unlink)
    assert told["failed"]
    assert "No such file or directory" in told["msg"]
    assert list(tmp_path.iterdir()) == []


def test_what_vanishes_by_itself_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    told = _with(tmp_path, "file", {"path": str(path), "state": "absent"}, path.unlink)
    assert told["state"] == "absent"
    assert "failed" not in told


def test_a_backup_holds_what_was_there_last(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    args = {"content": "new", "dest": str(path), "backup": True}
    told = _with(tmp_path, "copy", args, lambda: path.write_text("newer"))
    assert path.read_text() == "new"
    assert Path(told["backup_file"]).read_text() == "newer"


def test_what_came_to_be_meanwhile_is_not_replaced_without_force(tmp_path: Path) -> None:
    path = tmp_path / "f"
    args = {"content": "new", "dest": str(path), "force": False}
    told = _with(tmp_path, "copy", args, lambda: path.write_text("somebody's"))
    assert (told["changed"], path.read_text()) == (False, "somebody's")
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
    path.unlink()
    assert _with(tmp_path, "copy", args, lambda: None)["changed"]
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_file_that_became_a_directory_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    def swapped() -> None:
        path.unlink()
        path.mkdir()

    told = _with(tmp_path, "copy", {"content": "new", "dest": str(path)}, swapped)
    assert told["failed"]
    assert "is a directory" in told["msg"]
    assert list(path.iterdir()) == []


def test_a_source_on_the_host_that_vanishes(tmp_path: Path) -> None:
    source, path = tmp_path / "s", tmp_path / "f"
    source.write_text("new")
    path.write_text("old")
    args = {"src": str(source), "dest": str(path), "remote_src": True, "backup": True}
    told = _with(tmp_path, "copy", args, source.unlink)
    assert told["failed"]
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
