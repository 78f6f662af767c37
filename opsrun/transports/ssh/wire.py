"""What all channels of a link have in common: opening, the two windows, closing (RFC 4254)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
    byte_chr,
)
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.bursts import Burst

if TYPE_CHECKING:
    from opsrun.transports.ssh.link import Link

WINDOW = 2 * 1024 * 1024
"""Bytes that the server may send before we have read any; bounds a stalled reader's memory."""

IN_FLIGHT = 256 * 1024 * 1024
"""Bytes that all servers of a run together may send before we have read any."""

_LEAST_WINDOW = 64 * 1024

MAX_PACKET = 32 * 1024

_HINTS = {
    "open": "the server is overloaded, or allows this user no commands (MaxSessions, ForceCommand)",
    "exec": "may this user run commands there? ForceCommand and PermitTTY in sshd_config say",
}


def window_for(connections: int) -> int:
    """Bytes of each channel's window, where there are so many connections at once.

    >>> window_for(1), window_for(1000)
    (2097152, 268435)
    """
    return max(_LEAST_WINDOW, min(WINDOW, IN_FLIGHT // max(1, connections)))


class Channel:
    """A channel's number, its windows and its end.

    Methods with a leading underscore that take a message are called by the link's thread, in the
    protocol's order; all others by one consumer. Between them lies a deque, and an event that says
    "look again".
    """

    kind = "session"
    """Channel type, as in the request to open it."""

    def __init__(self, link: Link, chanid: int, engine: Engine, host: str) -> None:
        self._link = link
        self._window = link.window
        self.chanid = chanid
        self._host = host
        self._now = engine.now
        self._inbox: deque[Any] = deque()
        self._news = engine.event()
        self._window_lock = engine.lock()
        self._remote = -1
        self._out_window = 0
        self._out_packet = MAX_PACKET
        self._starved = False
        # Each has one writer, the link's thread or the consumer: no count is ever lost.
        self._arrived_bytes = 0
        self._taken_bytes = 0
        self._unacknowledged = 0
        self._refusal: str | None = None
        self._refusal_code = 0
        self._queued = False
        """Refused because others were open: the claim to a channel is queued again."""
        self._eof_sent = False
        self._close_sent = False
        self._closed = False

    # -- asked by the consumer

    def _open(self, deadline: Deadline) -> None:
        opening = message_of(MSG_CHANNEL_OPEN)
        opening.add_string(self.kind)
        opening.add_int(self.chanid)
        opening.add_int(self._window)
        opening.add_int(MAX_PACKET)
        self._add_details(opening)
        self._send(opening)
        while self._remote < 0:
            if self._refusal is not None:
                raise self._refused(self._refusal_code, f"{self._refusal} {deadline.after()}")
            if self._closed:
                raise self._failed(deadline.phase, f"{self._link.epitaph()} {deadline.after()}")
            if not self._news.wait(deadline.remaining()):
                raise self._failed(deadline.phase, f"no answer within {deadline.seconds:g} s")
            self._news.clear()
        # What came with the confirmation may have been cleared along with it.
        self._news.set()

    def _add_details(self, opening: Message) -> None:
        """What a type of channel adds to the request to open it."""

    def _refused(self, code: int, reason: str) -> ConnectionFailed:
        return self._failed("open", f"the server refused a channel: {reason}")

    def _acknowledge(self, size: int) -> None:
        self._taken_bytes += size
        self._unacknowledged += size
        if self._unacknowledged < max(self._window // 8, MAX_PACKET) or self._closed:
            return
        adjust = self._message(MSG_CHANNEL_WINDOW_ADJUST)
        adjust.add_int(self._unacknowledged)
        self._unacknowledged = 0
        self._send(adjust)

    def _send_data(self, data: bytes | memoryview, packets: int = 1) -> int:
        """Send as much as so many packets and the peer's window hold; how many bytes that was."""
        size = self._reserve(min(len(data), packets * self._out_packet))
        if size:
            self._send(Burst(self._remote, memoryview(data)[:size], self._out_packet))
        return size

    def _reserve(self, wanted: int) -> int:
        with self._window_lock:
            size = min(wanted, self._out_window)
            if self._closed or self._eof_sent:
                return 0
            self._out_window -= size
            self._starved = wanted > 0 and self._out_window == 0
            return size

    def _send_eof(self) -> None:
        if not self._eof_sent and not self._closed:
            self._eof_sent = True
            self._send(self._message(MSG_CHANNEL_EOF))

    def close(self) -> None:
        """Give the channel up; safe again, and from another task."""
        # First this: who opens it meanwhile, or finds it open, sees that it is to be closed.
        self._closed = True
        if self._remote < 0:
            self._link.sessions.leave(self.chanid)
        elif self.take_close():
            self._send(self._message(MSG_CHANNEL_CLOSE))
            self._link.sessions.close(self.chanid)
        self._news.set()

    def take_close(self) -> bool:
        """Whether the caller is the one to send the close."""
        with self._window_lock:
            taken, self._close_sent = self._close_sent, True
        return not taken

    @property
    def given_up(self) -> bool:
        """Whether nobody uses it any more."""
        return self._closed

    def _send(self, message: Message | Burst) -> None:
        try:
            self._link._send_user_message(message)
        except (EOFError, OSError):
            # The link's thread meets it too, behind all that came before, and tells the reader.
            pass
        except SSHException as error:
            self._link.give_up(error)

    # -- told by the link's thread

    def _tell(self, news: object) -> None:
        self._inbox.append(news)
        self._news.set()

    def _set_remote_channel(self, chanid: int, window: int, max_packet: int) -> None:
        self._out_window = window
        self._out_packet = max(1, min(max_packet - 64, MAX_PACKET))
        self._remote = chanid
        self._news.set()

    def _open_refused(self, code: int, reason: str, *, queued: bool) -> None:
        self._queued = queued
        self._refusal_code, self._refusal = code, reason
        self._news.set()

    def _count_arrived(self, size: int) -> None:
        self._arrived_bytes += size
        if self._arrived_bytes - self._taken_bytes > self._window + MAX_PACKET:
            raise SSHException("the server sent more than the window allows")

    def _window_adjust(self, message: Message) -> None:
        with self._window_lock:
            self._out_window += message.get_int()
            starved, self._starved = self._starved, False
        if starved:
            self._on_writable()

    def _on_writable(self) -> None:
        """The peer takes bytes again."""

    def _handle_close(self, message: Message) -> None:
        # Ours is sent by `close`: the link's thread must not wait for the end of a key exchange.
        self._link._unlink_channel(self.chanid)
        self._closed = True
        self._news.set()

    def _unlink(self) -> None:
        """The link is gone."""
        self._closed = True
        self._news.set()

    def _handle_request(self, message: Message) -> None:
        message.get_text()
        self._answer(message.get_boolean())

    def _answer(self, want_reply: bool) -> None:
        if want_reply:
            self._link.answer(self._message(MSG_CHANNEL_FAILURE))

    # -- words

    def _message(self, kind: int) -> Message:
        message = message_of(kind)
        message.add_int(self._remote)
        return message

    def _request(self, kind: str, *, want_reply: bool) -> Message:
        message = self._message(MSG_CHANNEL_REQUEST)
        message.add_string(kind)
        message.add_boolean(want_reply)
        return message

    def _failed(self, phase: str, message: str) -> ConnectionFailed:
        words = f"{self._link.where()}: {message}"
        return ConnectionFailed(words, host=self._host, phase=phase, hint=_HINTS.get(phase, ""))


def message_of(kind: int) -> Message:
    """A message of this number (RFC 4250 section 4.1), nothing in it yet."""
    message = Message()
    message.add_byte(byte_chr(kind))
    return message
