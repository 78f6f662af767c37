"""A text in pieces is matched as the whole is."""

from __future__ import annotations

import io
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.modules.base import ModuleError
from opsrun.modules.finding import searching
from opsrun.modules.finding.searching import Search, Wording, encoded

_EXPRESSIONS = ["a", "b$", ".?$", "^b", "", "a\nb", "é+", r"[^\n]*x", "(?s).*b"]
_TEXTS = st.lists(st.sampled_from(["a", "b", "é", "x", "\n", "\r\n", "\r", "\x85", "\0"])).map(
    "".join
)


def _reference(data: bytes, wording: Wording) -> bool:
    text = io.TextIOWrapper(io.BytesIO(data), wording.encoding)
    if wording.whole:
        return wording.expression.search(text.read()) is not None
    return any(wording.expression.match(line) for line in text)


@given(
    st.sampled_from(_EXPRESSIONS),
    _TEXTS,
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_pieces_are_as_the_whole(
    expression: str, text: str, whole: bool, encoding: str, cuts: list[int]
) -> None:
    wording = Wording(re.compile(expression), whole, encoding)
    data = text.encode(encoding)
    places = [0, *sorted(cuts), len(data)]
    search = Search(wording)
    for start, end in pairwise(places):
        search.feed(data[start:end])
    assert search.ended() is _reference(data, wording)


def test_what_is_no_text_hides_nothing_that_came_long_before() -> None:
    wording = Wording(re.compile("good"))
    late = b"good\n" + b"x" * searching.PIECE + b"\n\xff\n"
    search = Search(wording)
    search.feed(late)
    assert search.ended() is _reference(late, wording) is True
    search = Search(wording)
    search.feed(b"good\n\xff\n")
    with pytest.raises(ModuleError, match="no text: 'utf-8' codec"):
        search.ended()
    search = Search(wording)
    search.feed(b"x\xc3")
    with pytest.raises(ModuleError, match="no text"):
        search.ended()


def test_lines_are_kept_up_to_a_limit() -> None:
    wording = Wording(re.compile("y"), limit=1 << 20)
    search = Search(wording)
    for _ in range(5):
        search.feed(b"x" * ((1 << 20) - 1) + b"\n")
    search.feed(b"y")
    assert search.ended() is True
    search = Search(wording)
    search.feed(b"x" * ((1 << 20) + 1))
    with pytest.raises(ModuleError, match="a line of more than 1 Mi characters"):
        search.ended()
    search = Search(Wording(wording.expression, whole=True, limit=1 << 20))
    search.feed(b"x\n" * (1 << 20))
    with pytest.raises(ModuleError, match=r"^more than 1 Mi characters"):
        search.ended()


@pytest.mark.parametrize("name", ["idontexist", "base64", "hex", "utf-8\0", ""])
def test_what_is_no_encoding(name: str) -> None:
    with pytest.raises(ModuleError, match=r"^encoding: "):
        encoded(name)
