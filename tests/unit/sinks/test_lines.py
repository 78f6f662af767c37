from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.sinks import lines
from opsrun.sinks.lines import Line, LineBuffer, lines_of

pieces = st.binary(max_size=8) | st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\r\n", "é日".encode()])


def texts(data: bytes) -> list[str]:
    return [line.text() for line in lines_of(data)]


def fed(chunks: list[bytes]) -> list[Line]:
    buffer = LineBuffer()
    found = [line for chunk in chunks for line in buffer.feed(chunk)]
    last = buffer.end()
    return [*found, last] if last else found


@given(st.lists(pieces, max_size=12))
def test_lines_are_the_same_however_the_bytes_were_cut(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    assert fed(chunks) == list(lines_of(data))
    assert fed([data[i : i + 1] for i in range(len(data))]) == list(lines_of(data))


@given(st.lists(st.binary().filter(lambda b: b"\r" not in b and b"\n" not in b), min_size=1))
def test_lines_without_carriage_returns_are_exact(parts: list[bytes]) -> None:
    data = b"".join(part + b"\n" for part in parts)
    assert [line.data for line in lines_of(data)] == parts


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\nb", ["a", "b"]),
        (b"dos\r\nend\r\n", ["dos", "end"]),
        (b"1%\r50%\r100%\n", ["… 100%"]),
        (b"\r1%", ["1%"]),
        (b"1%\r100%\r\n", ["… 100%"]),
        (b"safe\rrm -rf\r", ["… rm -rf"]),
        (b"a\r\r\nb", ["a", "b"]),
    ],
)
def test_carriage_returns(data: bytes, expected: list[str]) -> None:
    assert texts(data) == expected


def test_a_line_without_end_is_passed_on_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LIMIT", 8)
    buffer = LineBuffer()
    assert list(buffer.feed(b"x" * 20)) == [Line(b"x" * 8), Line(b"x" * 8, continues=True)]
    assert list(buffer.feed(b"\nnext\n")) == [Line(b"xxxx", continues=True), Line(b"next")]


@given(st.text(min_size=1), st.integers(8, 20), st.data())
def test_pieces_never_cut_a_character(text: str, limit: int, data: st.DataObject) -> None:
    raw = text.replace("\r", "").replace("\n", "").encode() * 5
    cut = data.draw(st.integers(0, len(raw)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LIMIT", limit)
        found = fed([raw[:cut], raw[cut:]])
    assert b"".join(line.data for line in found) == raw
    for line in found:
        line.data.decode()
        assert len(line.data) <= limit


def test_a_progress_bar_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LIMIT", 8)
    chunks = [b"%6d%%\r" % number for number in range(1000)]
    assert [line.text() for line in fed(chunks)] == ["…    999%"]
