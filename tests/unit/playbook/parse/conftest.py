"""A folder of files, and the playbook in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsrun.playbook.model.nodes import Play, Playbook, Task
from opsrun.playbook.parse.loader import Loader


class Desk:
    """Writes files, and reads playbooks from among them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options: dict[str, Any] = {}
        self.loader = Loader(str(folder))

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"))

    def using(self, **options: Any) -> Desk:
        self.options = options
        return self

    def book(self, text: str, **files: str) -> Playbook:
        self.write({"p.yml": text, **files})
        self.loader = Loader(str(self.folder), **self.options)
        return self.loader.load_playbook("p.yml")

    def play(self, text: str, files: Mapping[str, str] | None = None) -> Play:
        self.write(files or {})
        return self.book(text).plays[0]

    def tasks(self, text: str, files: Mapping[str, str] | None = None) -> list[Task]:
        """The tasks of a play whose ``tasks`` are ``text``; what opsrun adds left out."""
        body = textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")
        return every(self.play(f"- hosts: all\n  tasks:\n{body}\n", files))

    def task(self, text: str) -> Task:
        (task,) = self.tasks(text)
        return task


def every(play: Play) -> list[Task]:
    """The tasks of a play, those that opsrun adds left out."""
    return [task for block in play.blocks for task in block.every_task() if not task.implicit]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def tasks_of() -> Callable[[Play], list[Task]]:
    return every
