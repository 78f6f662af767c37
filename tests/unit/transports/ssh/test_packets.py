"""Our packet layer beside paramiko's own: what one writes the other reads, bit for bit."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import paramiko.packet
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_WINDOW_ADJUST,
    byte_chr,
)
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.transports.ssh.bursts import Burst
from opsrun.transports.ssh.packets import MAX_PACKET, Packetizer

KEY, IV = bytes(range(16)), bytes(range(100, 112))
PIECE = 32 * 1024


class NoBuffers:
    """A cipher of a cryptography that can't encrypt into a buffer."""

    def __init__(self) -> None:
        self._cipher = AESGCM(KEY)

    def encrypt(self, nonce: bytes, data: bytes, length: bytes) -> bytes:
        return self._cipher.encrypt(nonce, data, length)


class Wire:
    """Two packet layers, keyed alike; ``theirs`` is paramiko's."""

    def __init__(self, iv: bytes = IV, engine: Callable[[], Any] = lambda: AESGCM(KEY)) -> None:
        self.sockets = socket.socketpair()
        self.ours = Packetizer(self.sockets[0])
        self.theirs = paramiko.packet.Packetizer(self.sockets[1])
        for layer in (self.ours, self.theirs):
            common: dict[str, Any] = {"aead": True}
            layer.set_outbound_cipher(engine(), 16, None, 16, None, **common, iv_out=iv)
            layer.set_inbound_cipher(AESGCM(KEY), 16, None, 16, None, **common, iv_in=iv)

    def close(self) -> None:
        for each in self.sockets:
            each.close()

    def read(self, count: int) -> list[tuple[int, bytes]]:
        """The next messages, as paramiko reads them."""
        got = []
        for _ in range(count):
            kind, message = self.theirs.read_message()
            got.append((kind, message.asbytes()))
        return got


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


def message(kind: int, *numbers: int, data: bytes | None = None) -> Message:
    made = Message()
    made.add_byte(byte_chr(kind))
    for number in numbers:
        made.add_int(number)
    if data is not None:
        made.add_string(data)
    return made


def wanted(data: bytes, piece: int, recipient: int = 7) -> list[tuple[int, bytes]]:
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    heads = [struct.pack(">II", recipient, len(each)) for each in pieces]
    return [(MSG_CHANNEL_DATA, head + each) for head, each in zip(heads, pieces, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    bursts=st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=4),
    piece=st.integers(1, 300),
    counter=st.sampled_from([0, 1, 255, 2**32 - 2, 2**63]),
    engine=st.sampled_from([lambda: AESGCM(KEY), NoBuffers]),
)
def test_bursts_are_packets_as_paramiko_reads_them(
    bursts: list[bytes], piece: int, counter: int, engine: Callable[[], Any]
) -> None:
    wire = Wire(IV[:4] + counter.to_bytes(8, "big"), engine)
    wire.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 1024 * 1024)
    try:
        for data in bursts:
            sender = threading.Thread(
                target=wire.ours.send_message, args=(Burst(7, memoryview(data), piece),)
            )
            sender.start()
            expected = wanted(data, piece)
            assert wire.read(len(expected)) == expected
            sender.join()
            # Whatever came before, the next ordinary message is in its place.
            wire.ours.send_message(message(MSG_CHANNEL_EOF, 7))
            assert wire.read(1) == [(MSG_CHANNEL_EOF, struct.pack(">I", 7))]
    finally:
        wire.close()


def test_a_burst_of_whole_packets(wire: Wire) -> None:
    data = bytes(range(256)) * (8 * PIECE // 256 + 3)
    burst = Burst(7, memoryview(data), PIECE)
    sender = threading.Thread(target=wire.ours.send_message, args=(burst,))
    sender.start()
    expected = wanted(data, PIECE)
    assert len(expected) == 9
    assert wire.read(9) == expected
    sender.join()


def test_without_a_cipher_a_burst_is_ordinary_messages() -> None:
    near, far = socket.socketpair()
    with near, far:
        ours, theirs = Packetizer(near), paramiko.packet.Packetizer(far)
        ours.send_message(Burst(7, memoryview(b"abcde"), 2))
        got = [theirs.read_message() for _ in range(3)]
        assert [(kind, each.asbytes()) for kind, each in got] == wanted(b"abcde", 2)


def test_what_is_sent_is_counted_and_asks_for_new_keys_in_time(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packetizer, "REKEY_BYTES", 3000)
    for _ in range(2):
        assert not wire.ours.need_rekey()
        wire.ours.send_message(Burst(7, memoryview(bytes(1000)), 500))
    wire.ours.send_message(Burst(7, memoryview(bytes(1000)), 500))
    assert wire.ours.need_rekey()
    assert wire.ours._Packetizer__sent_packets == 6


def test_what_is_read_is_counted_and_asks_for_new_keys_in_time(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packetizer, "REKEY_BYTES", 3000)
    monkeypatch.setattr(Packetizer, "REKEY_BYTES_OVERFLOW_MAX", 2000)
    for _ in range(5):
        wire.theirs.send_message(message(MSG_CHANNEL_EXTENDED_DATA, 7, 1, data=bytes(1000)))
    for _ in range(3):
        assert not wire.ours.need_rekey()
        wire.ours.read_message()
    assert wire.ours.need_rekey()
    wire.ours.read_message()
    with pytest.raises(SSHException, match="ignores that new keys are due"):
        wire.ours.read_message()


Sent = tuple[int, int, int | bytes]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just(MSG_CHANNEL_WINDOW_ADJUST), st.integers(0, 1), st.integers(0, 2**32 - 1)
            ),
            st.tuples(st.just(MSG_CHANNEL_DATA), st.integers(0, 1), st.binary(max_size=50)),
            st.tuples(st.just(MSG_CHANNEL_EXTENDED_DATA), st.integers(0, 1), st.integers(0, 9)),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_nothing_but_neighbours_for_one_channel_is_put_together(sent: list[Sent]) -> None:
    wire = Wire()
    try:
        for kind, channel, what in sent:
            if isinstance(what, bytes):
                wire.theirs.send_message(message(kind, channel, data=what))
            else:
                wire.theirs.send_message(message(kind, channel, what))
        wire.theirs.send_message(message(MSG_CHANNEL_EOF, 9))
        got: list[Sent] = []
        while (read := wire.ours.read_message())[0] != MSG_CHANNEL_EOF:
            kind, rest = read
            channel = rest.get_int()
            is_data = kind == MSG_CHANNEL_DATA
            got.append((kind, channel, rest.get_binary() if is_data else rest.get_int()))
            assert rest.get_remainder() == b""
        assert got == together(sent)
    finally:
        wire.close()


def together(sent: list[Sent]) -> list[Sent]:
    """All of it is in the buffer when the first of it is read."""
    expected: list[Sent] = []
    for kind, channel, what in sent:
        last = expected[-1] if expected else None
        if last is None or last[:2] != (kind, channel) or kind == MSG_CHANNEL_EXTENDED_DATA:
            expected.append((kind, channel, what))
        elif isinstance(what, bytes):
            assert isinstance(last[2], bytes)
            expected[-1] = (kind, channel, last[2] + what)
        else:
            assert isinstance(last[2], int)
            expected[-1] = (kind, channel, min(2**32 - 1, last[2] + what))
    return expected


def test_an_adjust_is_not_held_back_for_one_that_is_not_whole_yet(wire: Wire) -> None:
    near, far = socket.socketpair()
    with near, far:
        theirs = paramiko.packet.Packetizer(far)
        theirs.set_outbound_cipher(AESGCM(KEY), 16, None, 16, None, aead=True, iv_out=IV)
        for _ in range(2):
            theirs.send_message(message(MSG_CHANNEL_WINDOW_ADJUST, 7, 100))
        both = near.recv(4096)
    wire.sockets[1].sendall(both[:-1])
    assert wire.ours.read_message()[1].asbytes() == struct.pack(">II", 7, 100)
    wire.sockets[1].sendall(both[-1:])
    assert wire.ours.read_message()[1].asbytes() == struct.pack(">II", 7, 100)


def test_a_changed_bit_is_told(wire: Wire) -> None:
    near, far = socket.socketpair()
    with near, far:
        theirs = paramiko.packet.Packetizer(far)
        theirs.set_outbound_cipher(AESGCM(KEY), 16, None, 16, None, aead=True, iv_out=IV)
        theirs.send_message(message(MSG_CHANNEL_DATA, 7, data=b"word"))
        packet = bytearray(near.recv(4096))
    packet[9] ^= 1
    wire.sockets[1].sendall(packet)
    with pytest.raises(SSHException, match="its tag is wrong"):
        wire.ours.read_message()


@pytest.mark.parametrize("plain", [b"\x04", bytes([15]) + bytes(15), bytes([255]) + bytes(15)])
def test_a_packet_that_is_all_padding_is_told(wire: Wire, plain: bytes) -> None:
    length = len(plain).to_bytes(4, "big")
    wire.sockets[1].sendall(length + AESGCM(KEY).encrypt(IV, plain, length))
    with pytest.raises(SSHException, match="without a message"):
        wire.ours.read_message()


def test_a_length_that_no_packet_has_is_not_waited_for(wire: Wire) -> None:
    wire.sockets[1].sendall(MAX_PACKET.to_bytes(4, "big"))
    with pytest.raises(SSHException, match="announced a packet"):
        wire.ours.read_message()
