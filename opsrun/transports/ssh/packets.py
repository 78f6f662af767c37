"""The packet layer: paramiko's, with bounded sizes, fewer system calls and a dead man's switch."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.transports.ssh.bursts import TAG, Burst, Sealer
from opsrun.transports.ssh.paramiko_seam import NeedRekeyException, PacketizerBase

MAX_PACKET = 256 * 1024
"""Bytes; RFC 4253 section 6.1 asks for 35,000. A length field is believed no further."""

MAX_BANNER_LINE = 8 * 1024
"""Bytes before the end of a line; RFC 4253 section 4.2 allows 255 for the version itself."""

MAX_PREFACE = 4
"""Lines before the banner that are kept (RFC 4253 section 4.2 allows any)."""

_READ_SIZE = 64 * 1024
"""Bytes asked of the socket at once."""

_AT_ONCE = 3
"""Packets sent with one system call. These, and what is read, stay below 128 KiB: malloc(3) gives
out more than that as fresh pages of the kernel's each time, which costs more than all is saved."""


class Packetizer(PacketizerBase):
    """Reads ahead into a buffer of its own, so that a packet costs one system call or none.

    ``on_silence`` is called with the seconds since the last byte whenever a read has waited for
    the socket's timeout; it may raise to end the connection.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._sock = sock
        self._inbound = b""
        self._taken = 0
        self._held: tuple[int, bytes] | None = None
        self.last_heard = time.monotonic()
        self.on_silence: Callable[[float], None] = lambda seconds: None
        self.preface: list[bytes] = []
        """The first lines that came in place of a banner, or before it."""
        self.max_write_stall = 60.0
        """Seconds without a byte going out before the peer counts as gone."""

    def _log(self, level: int, msg: Any) -> None:
        """Nothing: the link tells the story."""

    def start_handshake(self, timeout: float) -> None:
        """Nothing: paramiko would start a timer thread here; the link's deadlines do it."""

    def read_message(self) -> tuple[int, Message]:
        """The next message's number, and the message.

        Data and window for a channel that are here already, packet behind packet, are handed on as
        one message: a server answers each packet of data with a few bytes of window, and what
        handing on a packet takes is more than what decrypting it does.

        Raises:
            EOFError: the connection ended.
            SSHException: what came is no packet.
            NeedRekeyException: nothing came, and the keys are due.
        """
        if self._held is None and not self._Packetizer__aead_in:
            number, message = super().read_message()
            return number, message
        kind, content = self._held or self._open_packet()
        self._held = None
        if kind in _TOGETHER:
            content = self._with_what_follows(kind, content)
        message = Message(content)
        message.seqno = (self._Packetizer__sequence_number_in - 1) & 0xFFFF_FFFF
        return kind, message

    def _with_what_follows(self, kind: int, content: bytes) -> bytes:
        same = [content]
        while self._has_packet():
            self._held = self._open_packet()
            # The channel's number comes first in all messages for channels.
            if self._held[0] != kind or self._held[1][:4] != content[:4]:
                break
            same.append(self._held[1])
            self._held = None
        return content if len(same) == 1 else _TOGETHER[kind](same)

    def _has_packet(self) -> bool:
        length = self._inbound[self._taken : self._taken + 4]
        here = len(self._inbound) - self._taken
        return len(length) == 4 and here >= 4 + int.from_bytes(length, "big") + TAG

    def _open_packet(self) -> tuple[int, bytes]:
        """The next packet's message number, and what follows it; AES-GCM's alone (RFC 5647)."""
        length = self.read_all(4, check_rekey=True)
        size = int.from_bytes(length, "big")
        sealed = self.read_all(size + TAG)
        try:
            plain = self._Packetizer__block_engine_in.decrypt(
                self._Packetizer__iv_in, sealed, length
            )
        except InvalidTag:
            raise SSHException("a packet was changed on its way: its tag is wrong") from None
        if size < 2 or plain[0] > size - 2:
            raise SSHException("the server sent a packet without a message")
        self._Packetizer__iv_in = self._inc_iv_counter(self._Packetizer__iv_in)
        number = self._Packetizer__sequence_number_in + 1
        self._Packetizer__sequence_number_in = number & 0xFFFF_FFFF
        self._count_received(4 + len(sealed))
        return plain[1], plain[2 : size - plain[0]]

    def _count_received(self, size: int) -> None:
        """What paramiko does behind every packet that it reads."""
        self._Packetizer__received_bytes += size
        self._Packetizer__received_packets += 1
        if self.need_rekey():
            self._Packetizer__received_bytes_overflow += size
            if self._Packetizer__received_bytes_overflow >= self.REKEY_BYTES_OVERFLOW_MAX:
                raise SSHException("the server ignores that new keys are due")
        elif (
            self._Packetizer__received_bytes >= self.REKEY_BYTES
            or self._Packetizer__received_packets >= self.REKEY_PACKETS
        ):
            self._demand_keys()

    def _demand_keys(self) -> None:
        self._Packetizer__received_bytes_overflow = 0
        self._Packetizer__received_packets_overflow = 0
        self._trigger_rekey()

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Exactly ``n`` bytes.

        Raises:
            EOFError: the connection ended first.
            SSHException: more than any honest packet holds.
        """
        if not 0 <= n <= MAX_PACKET:
            raise SSHException(f"the server announced a packet of {n} bytes")
        if len(self._inbound) - self._taken < n:
            self._read_ahead(n, check_rekey)
        end = self._taken + n
        out = self._inbound[self._taken : end]
        if end < len(self._inbound):
            self._taken = end
        else:
            self._inbound, self._taken = b"", 0
        return out

    def _read_ahead(self, n: int, check_rekey: bool) -> None:
        """Have at least ``n`` bytes that nobody took."""
        parts = [self._inbound[self._taken :]]
        count = len(parts[0])
        while count < n:
            parts.append(self._receive(check_rekey and not count))
            count += len(parts[-1])
        self._inbound, self._taken = b"".join(parts), 0

    def _receive(self, check_rekey: bool) -> bytes:
        while True:
            try:
                data: bytes = self._sock.recv(_READ_SIZE)
            except (TimeoutError, BlockingIOError):
                if self.closed:
                    raise EOFError from None
                if check_rekey and self.need_rekey():
                    raise NeedRekeyException from None
                self.on_silence(time.monotonic() - self.last_heard)
                continue
            except OSError:
                if self.closed:
                    raise EOFError from None
                raise
            if not data:
                raise EOFError
            self.last_heard = time.monotonic()
            return data

    def readline(self, timeout: float) -> str:
        """A line of the banner. The link's deadline bounds it as a whole, not ``timeout``.

        Raises:
            SSHException: no end of line where every server has one.
        """
        while (end := self._inbound.find(b"\n", self._taken)) < 0:
            kept = self._inbound[self._taken :]
            if len(kept) > MAX_BANNER_LINE:
                raise SSHException("the server sent no SSH banner, but a very long line")
            try:
                self._read_ahead(len(kept) + 1, check_rekey=False)
            except (EOFError, OSError):
                self._keep(kept)
                raise
        line = self._inbound[self._taken : end].removesuffix(b"\r")
        self._taken = end + 1
        self._keep(line)
        return line.decode("utf-8", "replace")

    def _keep(self, line: bytes) -> None:
        if line and not line.startswith(b"SSH-") and len(self.preface) < MAX_PREFACE:
            self.preface.append(line)

    def send_message(self, data: Message | Burst) -> None:
        """Encrypt and send a message, or a burst of them.

        Raises:
            EOFError: the connection ended.
            SSHException: see `write_all`.
        """
        if not isinstance(data, Burst):
            super().send_message(data)
        elif self._Packetizer__aead_out and hasattr(
            self._Packetizer__block_engine_out, "encrypt_into"
        ):
            with self._Packetizer__write_lock:
                for part in data.parts(_AT_ONCE):
                    self._send_sealed(part)
        else:
            for message in data.messages():
                super().send_message(message)

    def _send_sealed(self, burst: Burst) -> None:
        engine, block = self._Packetizer__block_engine_out, self._Packetizer__block_size_out
        sealer = Sealer(engine, self._Packetizer__iv_out, block)
        out, packets = sealer.seal(burst)
        # First this: a counter that was used for a packet is never used for another one.
        self._Packetizer__iv_out = sealer.iv
        number = self._Packetizer__sequence_number_out + packets
        self._Packetizer__sequence_number_out = number & 0xFFFF_FFFF
        self.write_all(out)
        self._Packetizer__sent_bytes += len(out)
        self._Packetizer__sent_packets += packets
        much = self._Packetizer__sent_bytes >= self.REKEY_BYTES
        many = self._Packetizer__sent_packets >= self.REKEY_PACKETS
        if (much or many) and not self.need_rekey():
            self._demand_keys()

    def write_all(self, out: bytes | bytearray) -> None:
        """Send all of ``out``.

        Raises:
            EOFError: the connection ended.
            SSHException: nothing went out for `max_write_stall` seconds.
        """
        rest = memoryview(out)
        last_progress = time.monotonic()
        while rest:
            try:
                sent = self._sock.send(rest)
            except (TimeoutError, BlockingIOError):
                if self.closed:
                    raise EOFError from None
                if time.monotonic() - last_progress > self.max_write_stall:
                    raise SSHException(
                        f"the server took no byte for {self.max_write_stall:g} s"
                    ) from None
                continue
            except OSError as error:
                raise EOFError from error
            rest = rest[sent:]
            last_progress = time.monotonic()

    def close(self) -> None:
        """Close the socket so that a thread in a read wakes up."""
        self._Packetizer__closed = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        super().close()


def _windows(contents: list[bytes]) -> bytes:
    # RFC 4254 section 5.2: the sum can't pass 2^32 - 1, for the window never does.
    total = sum(int.from_bytes(content[4:8], "big") for content in contents)
    return contents[0][:4] + min(total, 0xFFFF_FFFF).to_bytes(4, "big")


def _data(contents: list[bytes]) -> bytes:
    parts = [
        memoryview(content)[8 : 8 + int.from_bytes(content[4:8], "big")] for content in contents
    ]
    length = sum(map(len, parts)).to_bytes(4, "big")
    return b"".join([contents[0][:4], length, *parts])


_TOGETHER: dict[int, Callable[[list[bytes]], bytes]] = {
    MSG_CHANNEL_WINDOW_ADJUST: _windows,
    MSG_CHANNEL_DATA: _data,
}
"""How what follows the number of several messages of a kind becomes that of one."""
