"""What can't be meant is refused before a host hears of it."""

from __future__ import annotations

import math
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import UsageError
from opsrun.remote.command import Command


@pytest.mark.parametrize(
    ("script", "fields"),
    [
        ("", {}),
        (" \n", {}),
        ("a\0b", {}),
        ("true", {"timeout": 0}),
        ("true", {"timeout": -1.0}),
        ("true", {"timeout": math.nan}),
        ("true", {"timeout": math.inf}),
        ("true", {"stdin": "text"}),
        ("true", {"env": {"A-B": "x"}}),
        ("true", {"env": {"A\n": "x"}}),
        ("true", {"env": {"A": "\0"}}),
    ],
)
def test_nonsense_is_refused(script: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Command(script, **fields)


def test_what_makes_sense_is_kept() -> None:
    command = Command("cat", {"A": "1"}, b"in", 0.5)
    assert (command.stdin, command.timeout) == (b"in", 0.5)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_a_shell_gets_the_value_of_a_variable_to_the_byte(value: str) -> None:
    rendered = Command("pwd", {"VALUE": value}).rendered()
    assert shlex.split(rendered.removesuffix("; pwd")) == ["export", f"VALUE={value}"]


def test_a_variable_arrives_in_a_real_shell() -> None:
    script = Command('printf %s "$A"', {"A": 'x\'y "z"\n$(id) `id` \\'}).rendered()
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == 'x\'y "z"\n$(id) `id` \\'
