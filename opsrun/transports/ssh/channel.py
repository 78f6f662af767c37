"""One command on a channel of its own: a `Process` with nothing between packet and reader."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
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
from opsrun.errors import ConnectionFailed, ConnectionLost
from opsrun.remote.connection import Closed, Data, EndOfOutput, Exited, Packet, Writable
from opsrun.remote.deadline import Deadline, Timeouts

if TYPE_CHECKING:
    from opsrun.transports.ssh.link import Link

WINDOW = 2 * 1024 * 1024
"""Bytes that the server may send before we have read any; bounds a stalled reader's memory."""

MAX_PACKET = 32 * 1024
_WRITE_BURST = 8
"""Packets sent by one write before the reader gets its turn."""

_EXTENDED_STDERR = 1


class _Wake:
    """Put into the inbox to end a wait early."""


class _Lost:
    """Put into the inbox when the connection is gone."""


class SessionChannel:
    """A session channel (RFC 4254 section 6) that runs one script.

    Methods with a leading underscore are called by the link's thread, in the protocol's order; the
    public ones by one consumer. Between them lies a deque, and an event that says "look again".
    """

    def __init__(self, link: Link, chanid: int, engine: Engine, host: str) -> None:
        self._link = link
        self.chanid = chanid
        self._host = host
        self._now = engine.now
        self._inbox: deque[Packet | _Wake | _Lost] = deque()
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
        self._eof_sent = False
        self._close_sent = False
        self._closed = False
        self._awaiting_exec: Deadline | None = None

    # -- asked by the consumer

    def start(self, script: str, timeouts: Timeouts) -> None:
        """Open the channel and have ``script`` run; doesn't wait for the answer to the latter.

        Raises:
            ConnectionFailed: the server refused the channel, or did not answer in time.
        """
        self._open(Deadline("open", timeouts.open, self._now))
        self._awaiting_exec = Deadline("exec", timeouts.exec, self._now)
        request = self._request("exec", want_reply=True)
        request.add_string(script.encode("utf-8", "surrogateescape"))
        self._send(request)

    def _open(self, deadline: Deadline) -> None:
        opening = _message(MSG_CHANNEL_OPEN)
        opening.add_string("session")
        opening.add_int(self.chanid)
        opening.add_int(WINDOW)
        opening.add_int(MAX_PACKET)
        self._send(opening)
        while self._remote < 0:
            if self._refusal is not None:
                raise self._failed("open", f"the server refused a channel: {self._refusal}")
            if self._closed:
                raise self._failed("open", self._link.obituary())
            if not self._news.wait(deadline.remaining()):
                raise self._failed("open", f"no answer within {deadline.seconds:g} s")
            self._news.clear()
        # What came with the confirmation may have been cleared along with it.
        self._news.set()

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        while True:
            # First this, then the inbox: what came before the end must not be lost to it.
            closed = self._closed
            if self._inbox:
                return self._take(self._inbox.popleft())
            if closed:
                return Closed()
            self._news.clear()
            # Between the look and the clear something may have come.
            if self._inbox or self._closed:
                continue
            if not self._news.wait(self._patience(timeout)) and not self._inbox:
                self._check_exec()
                return None

    def _patience(self, timeout: float | None) -> float | None:
        if self._awaiting_exec is None:
            return timeout
        left = self._awaiting_exec.remaining()
        return left if timeout is None else min(timeout, left or 0.0)

    def _check_exec(self) -> None:
        waited = self._awaiting_exec
        if waited is not None and waited.expired:
            raise ConnectionLost(
                f"the server did not answer the request to run the command within "
                f"{waited.seconds:g} s",
                host=self._host,
                phase="exec",
                hint="it may or may not have run",
            )

    def _take(self, packet: Packet | _Wake | _Lost) -> Packet | None:
        if isinstance(packet, Data):
            self._acknowledge(len(packet.data))
        elif isinstance(packet, _Wake):
            return None
        elif isinstance(packet, _Lost):
            if self._refusal is not None:
                raise self._failed("exec", self._refusal)
            raise ConnectionLost(
                self._link.obituary(), host=self._host, phase="run", hint="what it did is not known"
            )
        return packet

    def _acknowledge(self, size: int) -> None:
        self._taken_bytes += size
        self._unacknowledged += size
        if self._unacknowledged < WINDOW // 8 or self._closed:
            return
        adjust = self._message(MSG_CHANNEL_WINDOW_ADJUST)
        adjust.add_int(self._unacknowledged)
        self._unacknowledged = 0
        self._send(adjust)

    def write(self, data: bytes) -> int:
        """See `Process.write`."""
        done = 0
        for _ in range(_WRITE_BURST):
            size = self._reserve(len(data) - done)
            if not size:
                break
            message = self._message(MSG_CHANNEL_DATA)
            message.add_string(data[done : done + size])
            self._send(message)
            done += size
        else:
            self._tell(Writable())
        return done

    def _reserve(self, wanted: int) -> int:
        with self._window_lock:
            size = min(wanted, self._out_window, self._out_packet)
            if self._closed or self._eof_sent:
                return 0
            self._out_window -= size
            self._starved = wanted > 0 and self._out_window == 0
            return size

    def close_stdin(self) -> None:
        """See `Process.close_stdin`."""
        if not self._eof_sent and not self._closed:
            self._eof_sent = True
            self._send(self._message(MSG_CHANNEL_EOF))

    def signal(self, name: str) -> None:
        """See `Process.signal`; RFC 4254 section 6.9, which OpenSSH honours since 7.9."""
        if not self._closed:
            request = self._request("signal", want_reply=False)
            request.add_string(name)
            self._send(request)

    def wake(self) -> None:
        """See `Process.wake`."""
        self._tell(_Wake())

    def close(self) -> None:
        """See `Process.close`."""
        if self._remote >= 0 and not self._close_sent:
            self._close_sent = True
            self._send(self._message(MSG_CHANNEL_CLOSE))
        self._closed = True
        self._news.set()

    def _send(self, message: Message) -> None:
        try:
            self._link._send_user_message(message)
        except (EOFError, OSError):
            # The link's thread meets it too, behind all that came before, and tells the reader.
            pass
        except SSHException as error:
            self._link.give_up(error)

    # -- told by the link's thread

    def _tell(self, packet: Packet | _Wake | _Lost) -> None:
        self._inbox.append(packet)
        self._news.set()

    def _set_remote_channel(self, chanid: int, window: int, max_packet: int) -> None:
        self._out_window = window
        self._out_packet = max(1, min(max_packet - 64, MAX_PACKET))
        self._remote = chanid
        self._news.set()

    def _open_refused(self, reason: str) -> None:
        self._refusal = reason
        self._news.set()

    def _request_success(self, message: Message) -> None:
        self._awaiting_exec = None

    def _request_failed(self, message: Message) -> None:
        self._awaiting_exec = None
        self._refusal = "the server refused to run the command"
        self._tell(_Lost())

    def _feed(self, message: Message) -> None:
        self._arrived(Data("stdout", message.get_binary()))

    def _feed_extended(self, message: Message) -> None:
        if message.get_int() == _EXTENDED_STDERR:
            self._arrived(Data("stderr", message.get_binary()))

    def _arrived(self, packet: Data) -> None:
        self._awaiting_exec = None
        if self._closed:
            return
        size = len(packet.data)
        self._arrived_bytes += size
        if self._arrived_bytes - self._taken_bytes > WINDOW + MAX_PACKET:
            raise SSHException("the server sent more than the window allows")
        self._tell(packet)

    def _window_adjust(self, message: Message) -> None:
        with self._window_lock:
            self._out_window += message.get_int()
            starved, self._starved = self._starved, False
        if starved:
            self._tell(Writable())

    def _handle_request(self, message: Message) -> None:
        kind = message.get_text()
        want_reply = message.get_boolean()
        if kind == "exit-status":
            self._tell(Exited(rc=message.get_int()))
        elif kind == "exit-signal":
            self._tell(Exited(signal=message.get_text().removeprefix("SIG")))
        if want_reply:
            self._link.answer(self._message(MSG_CHANNEL_FAILURE))

    def _handle_eof(self, message: Message) -> None:
        self._tell(EndOfOutput())

    def _handle_close(self, message: Message) -> None:
        # Ours is sent by `close`: the link's thread must not wait for the end of a key exchange.
        self._link._unlink_channel(self.chanid)
        self._closed = True
        self._news.set()

    def _unlink(self) -> None:
        if not self._closed:
            # In this order: who finds it closed has seen why, and who is woken finds it closed.
            self._inbox.append(_Lost())
            self._closed = True
            self._news.set()

    # -- words

    def _message(self, kind: int) -> Message:
        message = _message(kind)
        message.add_int(self._remote)
        return message

    def _request(self, kind: str, *, want_reply: bool) -> Message:
        message = self._message(MSG_CHANNEL_REQUEST)
        message.add_string(kind)
        message.add_boolean(want_reply)
        return message

    def _failed(self, phase: str, message: str) -> ConnectionFailed:
        return ConnectionFailed(message, host=self._host, phase=phase)


def _message(kind: int) -> Message:
    message = Message()
    message.add_byte(byte_chr(kind))
    return message
