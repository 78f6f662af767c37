"""What a run says before its first task, of keywords that won't do what they seem to."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.playruns import run, tasks


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{debug: , async: 5, poll: 0}", "async can't be had with debug"),
        ("{copy: {content: x, dest: /x}, async: 5, poll: 0}", "copy can't be left to the host"),
        ("{raw: x, async: 5, poll: 0}", "raw can't be left to the host"),
        ("{command: x, module_defaults: {group/aws: {region: x}}}", "group/aws has no effect"),
        ("{command: x, debugger: on_failed}", "'debugger' has no effect"),
    ],
)
def test_said_with_its_place(tmp_path: Path, line: str, words: str) -> None:
    ran = run(tmp_path, tasks(line), start_at=None, check=True)
    [said] = [each for each in ran.notices if words in each]
    assert "site.yml:4" in said


@pytest.mark.parametrize(
    "line",
    [
        "{debug: , async: 0, poll: 0}",
        "{command: 'true', async: 5, poll: 0}",
        "{file: {path: /}, async: 5, poll: 0}",
        "{command: 'true', debugger: never, module_defaults: {command: {chdir: /}}}",
    ],
)
def test_nothing_is_said_of_what_works(tmp_path: Path, line: str) -> None:
    assert run(tmp_path, tasks(line), check=True).notices == []
