"""docs/reliability.md promises nothing that no test holds."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("| ---", "| fault", "| trap"))
]
NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def functions_of(path: str) -> set[str]:
    """Names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_is_a_table() -> None:
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_names_tests_that_exist_or_says_that_it_is_not_built(row: list[str]) -> None:
    fault, does, tests = row
    named = NAME.findall(tests)
    assert NAME.sub("", tests).strip() == "", f"{fault}: not the name of a test"
    assert named or "not built" in does, f"{fault}: nobody holds us to this"
    for path, name in named:
        assert (ROOT / path).is_file(), f"{fault}: no file {path}"
        assert name in functions_of(path), f"{fault}: no {name} in {path}"
