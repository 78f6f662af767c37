"""SFTP packets: what is written is what is read, and nothing else is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.remote.sftp import requests
from opsrun.remote.sftp.packets import (
    LARGEST,
    Code,
    Contents,
    Decoder,
    Extended,
    Handle,
    Kind,
    Name,
    Names,
    Open,
    Reply,
    Status,
    Told,
    framed,
    hello,
    parse_reply,
    parse_version,
)
from opsrun.remote.sftp.wire import Attributes, Fields, PacketError, string, uint32, uint64
from opsrun.trees.entry import Kind as What

numbers = st.integers(0, (1 << 32) - 1)
optional = st.none() | numbers


@st.composite
def attributes(draw: st.DrawFn) -> Attributes:
    owner = draw(st.none() | st.tuples(numbers, numbers))
    times = draw(st.none() | st.tuples(numbers, numbers))
    return Attributes(
        size=draw(st.none() | st.integers(0, (1 << 64) - 1)),
        uid=owner and owner[0],
        gid=owner and owner[1],
        mode=draw(optional),
        atime=times and times[0],
        mtime=times and times[1],
        extended=tuple(draw(st.lists(st.tuples(st.binary(), st.binary()), max_size=3))),
    )


replies: st.SearchStrategy[Reply] = st.one_of(
    st.builds(Status, numbers, st.text()),
    st.builds(Handle, st.binary(max_size=256)),
    st.builds(Contents, st.binary()),
    st.builds(Names, st.lists(st.builds(Name, st.binary(), st.binary(), attributes())).map(tuple)),
    st.builds(Told, attributes()),
    st.builds(Extended, st.binary()),
)


def encoded(number: int, reply: Reply) -> bytes:
    """As a server writes it; independent of what is tested but for `Attributes.encode`."""
    if isinstance(reply, Status):
        kind, body = 101, uint32(reply.code) + string(reply.message.encode()) + string(b"en")
    elif isinstance(reply, Handle):
        kind, body = 102, string(reply.handle)
    elif isinstance(reply, Contents):
        kind, body = 103, string(reply.data)
    elif isinstance(reply, Names):
        listed = (string(n.name) + string(n.long) + n.attributes.encode() for n in reply.names)
        kind, body = 104, uint32(len(reply.names)) + b"".join(listed)
    elif isinstance(reply, Told):
        kind, body = 105, reply.attributes.encode()
    else:
        kind, body = 201, reply.data
    return bytes([kind]) + uint32(number) + body


@given(attributes())
def test_attributes_come_back(each: Attributes) -> None:
    fields = Fields(each.encode())
    assert Attributes.read(fields) == each
    assert fields.over


def test_attributes_as_the_draft_has_them() -> None:
    each = Attributes(size=1 << 40, uid=1, gid=2, mode=0o100644, atime=3, mtime=4)
    assert each.encode().hex() == (
        "0000000f00000100000000000000000100000002000081a40000000300000004"
    )
    assert Attributes(uid=1).encode() == bytes(4), "an owner goes with a group, or not at all"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (0o100644, What.FILE),
        (0o40755, What.DIRECTORY),
        (0o120777, What.LINK),
        (0o10644, What.OTHER),
        (0o140755, What.OTHER),
        (0o644, None),
        (None, None),
    ],
)
def test_the_kind_of_a_file(mode: int | None, kind: What | None) -> None:
    assert Attributes(mode=mode).kind is kind


@given(numbers, replies)
def test_replies_come_back(number: int, reply: Reply) -> None:
    assert parse_reply(encoded(number, reply)) == (number, reply)


@given(numbers, replies, st.data())
def test_a_reply_that_is_cut_off_is_none(number: int, reply: Reply, data: st.DataObject) -> None:
    whole = encoded(number, reply)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        got = parse_reply(cut)
    except PacketError:
        return
    # What can be left out is the words of a status, and an extension's data have no length.
    assert isinstance(got[1], (Status, Extended))


@given(st.binary(max_size=200))
def test_whatever_comes_gives_a_reply_or_that_error(noise: bytes) -> None:
    for parse in (parse_reply, parse_version):
        try:
            parse(noise)
        except PacketError:
            pass


@given(st.binary(max_size=60), st.sampled_from([101, 102, 103, 104, 105, 201]))
def test_noise_of_the_right_type(noise: bytes, kind: int) -> None:
    try:
        parse_reply(bytes([kind]) + noise)
    except PacketError:
        pass


def test_a_count_of_names_without_end_takes_no_memory() -> None:
    with pytest.raises(PacketError):
        parse_reply(bytes([104]) + uint32(1) + uint32((1 << 32) - 1))


def test_a_long_handle_is_refused() -> None:
    with pytest.raises(PacketError, match="257 bytes"):
        parse_reply(bytes([102]) + uint32(1) + string(bytes(257)))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 50))
def test_packets_are_the_same_however_the_stream_is_cut(packets: list[bytes], step: int) -> None:
    stream = b"".join(map(framed, packets))
    decoder, came = Decoder(), []
    for at in range(0, len(stream), step):
        came += decoder.feed(stream[at : at + step])
    assert came == packets
    assert decoder.peek() == b""


@pytest.mark.parametrize("size", [0, LARGEST + 1, (1 << 32) - 1])
def test_a_length_that_can_not_be_is_refused_before_anything_is_waited_for(size: int) -> None:
    with pytest.raises(PacketError, match=f"a packet of {size} bytes"):
        list(Decoder().feed(uint32(size)))


def test_the_largest_packet_is_taken() -> None:
    assert list(Decoder().feed(framed(bytes(LARGEST)))) == [bytes(LARGEST)]


def test_what_came_before_a_bad_length_is_given() -> None:
    decoder = Decoder()
    packets = decoder.feed(framed(b"good") + uint32(0))
    assert next(packets) == b"good"
    with pytest.raises(PacketError):
        next(packets)


def test_the_first_packets() -> None:
    assert hello() == b"\0\0\0\x05\x01\0\0\0\x03"
    told = bytes([2]) + uint32(3) + string(b"a@b") + string(b"1") + string(b"c") + string(b"")
    assert parse_version(told) == {b"a@b": b"1", b"c": b""}


@pytest.mark.parametrize("packet", [b"", bytes([2]), bytes([2]) + uint32(4), b"Welcome to h\n"])
def test_another_first_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(PacketError):
        parse_version(packet)


@given(numbers, st.binary(min_size=1, max_size=50), st.binary(max_size=50))
def test_a_request_as_the_draft_has_it(number: int, path: bytes, data: bytes) -> None:
    [packet] = Decoder().feed(requests.write(b"h", 7, data, path).encode(number))
    assert packet == bytes([6]) + uint32(number) + string(b"h") + uint64(7) + string(data)
    [packet] = Decoder().feed(requests.open_file(path, Open.WRITE | Open.CREATE).encode(number))
    assert packet == bytes([3]) + uint32(number) + string(path) + uint32(10) + uint32(0)
    [packet] = Decoder().feed(requests.posix_rename(path, data).encode(number))
    named = string(b"posix-rename@openssh.com")
    assert packet == bytes([200]) + uint32(number) + named + string(path) + string(data)


def test_a_link_s_words_are_in_the_order_of_openssh() -> None:
    request = requests.symlink(b"/link", b"target")
    assert request.kind is Kind.SYMLINK
    assert request.body == string(b"target") + string(b"/link")


def test_codes_are_those_of_the_draft() -> None:
    assert [int(each) for each in Code] == list(range(9))
