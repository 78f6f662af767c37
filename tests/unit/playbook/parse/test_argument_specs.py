"""argument_specs, as they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsrun.errors import PlaybookError

PLAY = "- hosts: all\n  roles: [r]\n"


def files(specs: str, name: str = "argument_specs.yml") -> dict[str, str]:
    return {f"roles/r/meta/{name}": specs, "roles/r/tasks/main.yml": "- {name: t, ping: }\n"}


@pytest.mark.parametrize(
    ("specs", "words", "line"),
    [
        ("argument_specs: [a]", "argument_specs: expected a dictionary, found a list", 1),
        ("argument_specs:\n  main: x", "main: expected a dictionary", 2),
        ("argument_specs: {main: {options: [a]}}", "options: expected a dictionary", 1),
        ("argument_specs:\n  main:\n    options:\n      a: str", "the specification of 'a' is", 4),
        (
            "argument_specs:\n  main:\n    options:\n      a: {type: dict, options: {b: 3}}",
            "the specification of 'b' is a dictionary",
            4,
        ),
    ],
)
def test_what_can_be_no_specification(desk: Any, specs: str, words: str, line: int) -> None:
    with pytest.raises(PlaybookError, match=words.replace("[", r"\[")) as caught:
        desk.play(PLAY, files(specs))
    assert caught.value.path == "roles/r/meta/argument_specs.yml"
    assert caught.value.line == line


def test_what_is_overlooked_is_warned_of(desk: Any) -> None:
    desk.play(
        PLAY,
        files(
            """
            argument_specs:
              main:
                mutually_exclusive: [[a, b]]
                options:
                  a: {tipe: str, author: me}
            """
        ),
    )
    found = [str(each) for each in desk.loader.warnings]
    assert [each for each in found if "'mutually_exclusive' has no effect here" in each]
    assert [each for each in found if "'tipe'" in each and "did you mean 'type'?" in each]
    assert not [each for each in found if "author" in each]


def test_a_file_of_their_own_wins(desk: Any, tasks_of: Callable[..., Any]) -> None:
    written = files("argument_specs: {main: {options: {a: {}}}}", "argument_specs.yaml")
    written |= {"roles/r/meta/main.yml": "argument_specs: {main: {options: {b: {}}}}\n"}
    first, _ = tasks_of(desk.play(PLAY, written))
    assert first.action.args["argument_spec"] == {"a": {}}
    assert first.keywords.tags == ("always",)


@pytest.mark.parametrize("specs", ["", "argument_specs:\n", "argument_specs: {main: }\n", "a: 1\n"])
def test_nothing_said_is_nothing_asked(desk: Any, tasks_of: Callable[..., Any], specs: str) -> None:
    assert [each.name for each in tasks_of(desk.play(PLAY, files(specs)))] == ["t"]
