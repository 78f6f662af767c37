"""Assertions that are waived are those that were meant, and each has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.targets import read_ratchet
from conformance.waived import Waived, read_waived, sum_of, waive

TEXT = "- assert:\n    that:\n      - a == 1\n      - b == 2\n"


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/main.yml").write_text(TEXT)
    return tmp_path


def test_a_line_is_waived_and_no_other(targets: Path) -> None:
    waive(targets, [Waived("t/main.yml", 3, sum_of("- a == 1"), "why")])
    assert (targets / "t/main.yml").read_text() == TEXT.replace("a == 1", "true")


def test_a_line_of_a_script_does_nothing(targets: Path) -> None:
    (targets / "t/runme.sh").write_text("a\nb | c\n")
    waive(targets, [Waived("t/runme.sh", 2, sum_of("b | c"), "why")])
    assert (targets / "t/runme.sh").read_text() == "a\n:\n"


def test_a_line_is_replaced(targets: Path) -> None:
    waive(targets, [Waived("t/main.yml", 4, sum_of("- b == 2"), "why", "- b == 3")])
    assert (targets / "t/main.yml").read_text() == TEXT.replace("b == 2", "b == 3")


@pytest.mark.parametrize(("line", "text"), [(4, "- a == 1"), (9, "- a == 1"), (9, "")])
def test_another_line_is_noticed(targets: Path, line: int, text: str) -> None:
    with pytest.raises(ValueError, match=f"t/main.yml:{line} is another line"):
        waive(targets, [Waived("t/main.yml", line, sum_of(text), "why")])
    assert (targets / "t/main.yml").read_text() == TEXT


def test_rows_have_reasons_and_targets_that_are_run() -> None:
    rows = read_waived()
    assert rows
    assert len({(each.file, each.line) for each in rows}) == len(rows)
    assert {each.target for each in rows} <= set(read_ratchet())
    assert all(len(each.why.split()) > 2 for each in rows)
