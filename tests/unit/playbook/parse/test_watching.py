"""A watch gets every problem, and sees every node where it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsrun.errors import InputError, PlaybookError
from opsrun.playbook.model.nodes import Block, Play, Task
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.files import Files
from opsrun.playbook.parse.playbooks import PlaybookReader
from opsrun.playbook.parse.roles import Use
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.tasks import read_nodes
from opsrun.playbook.parse.watching import Watch

TEXT = """\
- hosts: all
  becom: true
  serial: x
  vars: [1]
  roles: [gone, 7]
  tasks:
    - import_tasks: gone.yml
    - ping:
      whne: true
    - 7
    - block:
        - ping:
          retries: few
          register: 1a
      rescue: 7
- import_playbook: gone.yml
- 7
- hosts: all
  tasks:
    - command: "'"
"""


class Everything(Watch):
    follow = False

    def __init__(self) -> None:
        self.problems: list[tuple[str, int | None]] = []
        self.nodes: list[tuple[str, int | None]] = []

    def problem(self, error: InputError) -> None:
        self.problems.append((error.rule, error.line))

    def node(self, spot: Spot, node: Any, above: Above) -> None:
        self.nodes.append((type(node).__name__, spot.origin.line))


def read(folder: Path, watch: Watch) -> None:
    (folder / "site.yml").write_text(TEXT)
    list(PlaybookReader(Kit(Files(str(folder), watch=watch), read_nodes)).read("site.yml"))


def test_every_problem_is_told(tmp_path: Path) -> None:
    watch = Everything()
    read(tmp_path, watch)
    assert sorted(watch.problems, key=lambda each: each[1] or 0) == [
        ("unknown-keyword", 2),
        ("keyword-value", 3),
        ("", 4),
        ("", 5),
        ("unknown-keyword", 9),
        ("", 10),
        ("keyword-value", 13),
        ("variable-name", 14),
        ("keyword-value", 15),
        ("", 17),
        ("", 20),
    ]


def test_everything_is_seen_and_nothing_is_followed(tmp_path: Path) -> None:
    watch = Everything()
    read(tmp_path, watch)
    kinds = (Use.__name__, Task.__name__, Block.__name__, Play.__name__, "NoneType")
    assert watch.nodes == [
        (kinds[0], 5),
        (kinds[1], 7),
        (kinds[1], 8),
        (kinds[1], 12),
        (kinds[2], 11),
        (kinds[3], 1),
        (kinds[4], 16),
        (kinds[1], 20),
        (kinds[3], 18),
    ]


def test_without_a_watch_the_first_problem_is_raised(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="did you mean 'become'") as caught:
        read(tmp_path, Watch())
    assert (caught.value.rule, caught.value.line) == ("unknown-keyword", 2)
