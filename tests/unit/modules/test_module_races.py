"""Two hosts may be one file system: what another one made meanwhile is as good as our own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.module_host import LocalController

from opsrun.modules.base import Context, ModuleResult, Steps
from opsrun.modules.files import File
from opsrun.modules.options import resolve
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
