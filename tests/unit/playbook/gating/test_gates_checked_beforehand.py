"""What is refused before the first host is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.playruns import stage

from opsrun.errors import PlaybookError

TWO = """
- name: one
  hosts: all
  tasks:
    - debug:
      awaits: {awaits}
- name: two
  hosts: all
  {more}
  tasks:
    - debug:
      opens: {opens}
      tags: t
"""


def prepared(
    folder: Path, awaits: str, opens: str, more: str = "order: inventory", **options: Any
) -> None:
    stage(folder, TWO.format(awaits=awaits, opens=opens, more=more), **options)


@pytest.mark.parametrize(
    ("awaits", "opens", "more", "words"),
    [
        ("databse", "database", "after: []", "6:15: no task opens the gate 'databse'; did you"),
        ("g", "g", "order: inventory", "6:15: the gate 'g' is opened by 'two', which begins when"),
        ("g", "g", "after: [one]", "which begins when this play ends"),
        (
            "g",
            "g",
            "after: [onee]",
            "7:3: after: there is no other play 'onee'; did you mean 'one'",
        ),
    ],
)
def test_what_could_only_wait_is_refused(
    tmp_path: Path, awaits: str, opens: str, more: str, words: str
) -> None:
    with pytest.raises(PlaybookError) as caught:
        prepared(tmp_path, awaits, opens, more)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("awaits", "opens", "more"),
    [
        ("g", "g", "after: []"),
        ("g", "'{{ x }}'", "after: []"),
        ("'{{ x }}'", "g", "order: inventory"),
        ("tcp:80", "g", "order: inventory"),
    ],
)
def test_what_may_open_is_not(tmp_path: Path, awaits: str, opens: str, more: str) -> None:
    prepared(tmp_path, awaits, opens, more)


def test_tags_that_leave_the_opener_out_are_named(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="no task that is left by the tags opens the gate 'g'"):
        prepared(tmp_path, "g", "g", "after: []", skip_tags=("t",))
