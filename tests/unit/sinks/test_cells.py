from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from opsrun.sinks.cells import cut, pad, width


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｆｕｌｌ", 8)]
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns == cell_len(text)


@given(st.text(), st.integers(1, 20))
def test_cut_never_takes_more_columns(text: str, columns: int) -> None:
    short = cut(text, columns)
    assert width(short) <= columns
    assert short == text if width(text) <= columns else short.endswith("…")


@given(st.text(), st.integers(0, 20))
def test_pad_fills_up_to_the_column(text: str, columns: int) -> None:
    assert width(pad(text, columns)) == max(width(text), columns)
