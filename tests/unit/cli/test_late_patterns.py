"""Patterns of modules that are compiled late are patterns like any other."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from opsrun.cli import late_patterns
from opsrun.cli.late_patterns import Late


@pytest.fixture
def late() -> Iterator[None]:
    late_patterns.install()
    yield
    late_patterns.uninstall()


def _module(name: str, source: str) -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": name, "re": re}
    exec(compile(source, name, "exec"), made)
    return made


def _behaviour(pattern: Any) -> list[Any]:
    found = pattern.fullmatch("ab12")
    return [
        found and found.groupdict(),
        pattern.match("12"),
        pattern.sub("x", "ab1 cd2"),
        pattern.findall("AB1"),
        [each.span() for each in pattern.finditer("a1b2")],
        pattern.split("-a1-"),
        (pattern.pattern, pattern.flags, pattern.groups, dict(pattern.groupindex)),
        repr(pattern),
        copy.deepcopy(pattern).search("a1") is not None,
    ]


@pytest.mark.usefixtures("late")
def test_they_behave_alike() -> None:
    source = "made = re.compile(r'(?P<word>[a-z]+)(\\d+)', re.IGNORECASE)"
    ours = _module("opsrun.some.where", source)["made"]
    assert isinstance(ours, Late)
    theirs = _module("some.where", source)["made"]
    assert isinstance(theirs, re.Pattern)
    assert _behaviour(ours) == _behaviour(theirs)
    with pytest.raises(AttributeError):
        _ = ours.nothing


@pytest.mark.usefixtures("late")
def test_it_is_compiled_once_and_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []

    def counted(*written: Any) -> Any:
        compiled.append(written)
        return original(*written)

    original = late_patterns._compile
    monkeypatch.setattr(late_patterns, "_compile", counted)
    made = _module("opsrun.some.where", "made = re.compile('a+')")["made"]
    assert compiled == []
    assert made.match("aa")
    assert made.match("b") is None
    assert made.search("ba")
    assert compiled == [("a+", 0)]


@pytest.mark.usefixtures("late")
def test_what_is_compiled_in_a_function_is_told_at_once() -> None:
    ours = _module("opsrun.some.where", "def make(text): return re.compile(text)")
    assert isinstance(ours["make"]("a"), re.Pattern)
    with pytest.raises(re.error):
        ours["make"]("(")


@pytest.mark.usefixtures("late")
def test_classes_of_theirs_are_late() -> None:
    made = _module("yaml.reader", "class Reader:\n    found = re.compile('a')")["Reader"]
    assert isinstance(made.found, Late)
    assert made.found.match("a")


def test_twice_is_once_and_undone() -> None:
    before = re.compile
    late_patterns.install()
    late_patterns.install()
    late_patterns.uninstall()
    assert re.compile is before


def test_the_command_has_them_and_the_library_does_not() -> None:
    run = "try: entry_point(['--version'])\nexcept SystemExit: pass"
    say = (
        "import opsrun.inventory.names as m\nprint([type(v).__name__ for v in vars(m).values() if "
    )
    say += "type(v).__name__ in ('Late', 'Pattern')][0])"
    for first, expected in (
        (f"from opsrun.cli.main import entry_point\n{run}", "Late"),
        ("import opsrun.cli.main", "Pattern"),
    ):
        code = f"{first}\n{say}"
        words = [sys.executable, "-c", code]
        ran = subprocess.run(words, capture_output=True, text=True, check=True)
        assert ran.stdout.splitlines()[-1] == expected
