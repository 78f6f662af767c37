"""Frames from bytes, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import UsageError
from opsrun.remote.framing import (
    LONGEST_STATUS,
    Frame,
    FramingError,
    Part,
    Stream,
    StreamDecoder,
    new_mark,
)

MARKS = [f"{number:032x}" for number in (0x0123456789ABCDEF << 64, 7, 0, (1 << 128) - 1)]

# Output that is likely to look like a mark, or like the beginning of one.
tricky = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [b"0", b"0" * 31, MARKS[0][:20].encode(), b"\n", b" 0\n", b"f" * 31, b"\0"]
        ),
        max_size=6,
    ).map(b"".join),
)
frames = st.lists(st.tuples(tricky, st.integers(0, 255)), min_size=1, max_size=6)


def marks(number: int) -> list[str]:
    return [f"{0xA5A5A5A5 + at:032x}" for at in range(number)]


def stream(shares: list[tuple[bytes, int]], names: list[str]) -> bytes:
    return b"".join(
        output + f"{mark} {status}\n".encode()
        for (output, status), mark in zip(shares, names, strict=True)
    )


def decode(pieces: list[bytes], names: list[str], cap: int = 1 << 20) -> list[Part]:
    decoder = StreamDecoder()
    for name in names:
        decoder.expect(name, cap)
    return [part for piece in pieces for part in decoder.feed(piece)]


@given(frames)
def test_shares_come_back_whole_also_when_cut_at_every_byte(
    shares: list[tuple[bytes, int]],
) -> None:
    names = marks(len(shares))
    data = stream(shares, names)
    expected = [
        Part(name, str(status), output, truncated=False)
        for (output, status), name in zip(shares, names, strict=True)
    ]
    assert decode([data], names) == expected
    assert decode([data[at : at + 1] for at in range(len(data))], names) == expected


@given(st.data(), frames)
def test_shares_come_back_whole_however_they_are_cut(
    data: st.DataObject, shares: list[tuple[bytes, int]]
) -> None:
    names = marks(len(shares))
    whole = stream(shares, names)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    edges = [0, *cuts, len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    assert [part.output for part in decode(pieces, names)] == [output for output, _ in shares]


@given(st.binary(max_size=300), st.integers(0, 100))
def test_what_is_past_the_cap_is_dropped_and_told(output: bytes, cap: int) -> None:
    (name,) = marks(1)
    (part,) = decode([stream([(output, 0)], [name])], [name], cap)
    assert part.output == output[:cap]
    assert part.truncated == (len(output) > cap)


def test_memory_is_bounded_by_the_cap_while_a_frame_is_under_way() -> None:
    decoder = StreamDecoder()
    decoder.expect(new_mark(), 1000)
    for _ in range(100):
        assert decoder.feed(b"x" * 65536) == []
    assert len(decoder.peek()) <= 1000 + 32


def test_a_cap_holds_for_its_own_frame_only() -> None:
    names = marks(2)
    decoder = StreamDecoder()
    decoder.expect(names[0], 1)
    decoder.expect(names[1], 100)
    parts = decoder.feed(stream([(b"long", 0), (b"long", 0)], names))
    assert [(part.output, part.truncated) for part in parts] == [(b"l", True), (b"long", False)]


def test_what_comes_between_frames_belongs_to_nobody() -> None:
    names = marks(2)
    decoder = StreamDecoder()
    decoder.expect(names[0], 100)
    assert len(decoder.feed(stream([(b"one", 0)], names[:1]) + b"late")) == 1
    assert decoder.feed(b"later") == []
    decoder.expect(names[1], 100)
    (part,) = decoder.feed(stream([(b"two", 0)], names[1:]))
    assert part.output == b"two"
    assert decoder.stray == len(b"latelater")


def test_the_mark_of_another_frame_is_output() -> None:
    names = marks(2)
    text = names[1].encode() + b" 0\n"
    (part,) = decode([stream([(text, 5)], names[:1])], names[:1])
    assert (part.output, part.status) == (text, "5")


def test_a_mark_without_a_status_ends_all_belief() -> None:
    (name,) = marks(1)
    with pytest.raises(FramingError, match="no status"):
        decode([name.encode() + b"x" * (LONGEST_STATUS + 1)], [name])


def test_a_frame_says_how_long_it_is_and_its_mark_comes_last() -> None:
    mark, name = new_mark(), new_mark()
    frame = Frame("echo 'é'\n", b"\0\n. \xff")
    script = "echo 'é'\n".encode()
    assert b"".join(frame.encode(mark, name)) == (
        f"r {len(script)} 5 {name}\n".encode() + script + b"\0\n. \xff" + f". {mark}\n".encode()
    )
    apart = b"".join(Frame("x", None, apart=True).encode(mark, name))
    assert apart.startswith(f"f 1l - {name}\nx\n.".encode())
    assert b"".join(Frame("x", b"").encode(mark, name)).startswith(b"r 1l 0 ")
    streamed = Frame("x", stream=Stream(3, iter([b"a", b"bc"])))
    assert b"".join(streamed.encode(mark, name)) == f"t 1l 3 {name}\nx\nabc. {mark}\n".encode()


@pytest.mark.parametrize("chunks", [[], [b"ab"], [b"ab", b"cd"]])
def test_a_stream_of_another_size_is_never_ended_as_if_it_were_whole(chunks: list[bytes]) -> None:
    mark = new_mark()
    sent = []
    with pytest.raises(FramingError, match=r"a stream of 3 bytes is (short|long)"):
        sent.extend(Frame("x", stream=Stream(3, iter(chunks))).encode(mark))
    assert mark.encode() not in b"".join(sent)


def test_output_goes_to_whoever_takes_it_and_to_nobody_else() -> None:
    first, second = marks(2)
    decoder, taken = StreamDecoder(), list[bytes]()
    decoder.expect(first, 0, taken.append)
    decoder.expect(second, 10)
    parts = []
    for byte in f"abc\0\n{first} 0\ndef{second} 1\n".encode():
        parts += decoder.feed(bytes([byte]))
    assert b"".join(taken) == b"abc\0\n"
    assert [(part.output, part.truncated) for part in parts] == [(b"", False), (b"def", False)]


def test_undecodable_names_in_a_script_go_out_as_they_came_in() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert b"ls caf\xe9. " in b"".join(Frame(f"ls {name}").encode(new_mark()))


def test_a_script_with_a_nul_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        Frame("a\0b")


def test_marks_are_random_and_fixed_in_length() -> None:
    made = {new_mark() for _ in range(100)}
    assert len(made) == 100
    assert {len(mark) for mark in made} == {32}
