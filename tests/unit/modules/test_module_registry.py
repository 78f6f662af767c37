"""Modules are found by name, and imported only then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from opsrun.modules.base import Module
from opsrun.modules.options import spec
from opsrun.modules.registry import find, known_names


@pytest.mark.parametrize("name", known_names())
def test_each_is_there_and_says_what_it_takes(name: str) -> None:
    found = find(name)
    assert found is not None
    assert issubclass(found, Module)
    assert found is find(f"ansible.builtin.{name}") is find(f"ansible.legacy.{name}")
    described = spec(found)
    assert described.doc
    assert all(each.doc for each in described.options)


def test_what_nobody_knows() -> None:
    assert find("nosuch") is None
    assert find("community.general.copy") is None


def test_names_are_known_without_importing_the_modules() -> None:
    code = (
        "import sys; from opsrun.modules.registry import known_names; known_names();"
        "print([n for n in sys.modules if n.startswith('opsrun.modules.')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "opsrun.modules.copying" not in ended.stdout
