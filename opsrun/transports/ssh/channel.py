"""One command on a channel of its own: a `Process` with nothing between packet and reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paramiko.message import Message

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, ConnectionLost
from opsrun.remote.connection import (
    TAG,
    USUAL,
    Closed,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Packet,
    Terminal,
    Victim,
    Writable,
)
from opsrun.remote.deadline import Deadline, Timeouts
from opsrun.transports.ssh.wire import Channel

if TYPE_CHECKING:
    from opsrun.transports.ssh.link import Link

_WRITE_BURST = 8
"""Packets sent by one write before the reader gets its turn."""

_EXTENDED_STDERR = 1

_SMALL = 1024
"""Bytes below which unread packets are put together."""


_END_OF_FILE = 4
"""What a terminal takes for the end of file: Ctrl-D."""

_ECHO, _ONLCR = 53, 72
"""RFC 4254 section 8: whether the terminal repeats what is typed, and adds carriage returns."""


def _modes(terminal: Terminal) -> bytes:
    values = {_ECHO: 0, _ONLCR: int(terminal.returns)}
    each = (opcode.to_bytes() + value.to_bytes(4) for opcode, value in values.items())
    return b"".join(each) + bytes(1)


class NoCommands(ConnectionFailed):
    """The server refused to run a command; it may still have a shell."""


class NoRoom(ConnectionFailed):
    """The server refused a channel beside those that were open: there is one when they close."""


class _Wake:
    """Put into the inbox to end a wait early."""


class _Lost:
    """Put into the inbox when the connection is gone."""


class SessionChannel(Channel):
    """A session channel (RFC 4254 section 6) that runs one script."""

    victim: Victim | None = None
    """See `Process.victim`; sshd tells nothing of it."""

    def __init__(self, link: Link, chanid: int, engine: Engine, host: str) -> None:
        super().__init__(link, chanid, engine, host)
        self._awaiting_exec: Deadline | None = None
        self._started = Deadline("run", None, engine.now)
        self._asked_for = "to run the command"
        self._asking = False
        self._granted: bool | None = None
        self._last_typed: int | None = None
        self._end_to_type: bytes | None = None

    # -- asked by the consumer

    @property
    def place(self) -> str:
        """See `Process.place`."""
        return self._link.where()

    def start(self, script: str, timeouts: Timeouts, manner: Manner = USUAL) -> None:
        """Open the channel and have ``script`` run.

        Doesn't wait for the answer to the latter, unless it is sent raw.

        Raises:
            NoCommands: the server refused a command that was sent raw.
            ConnectionFailed: the server refused the channel or the terminal, or did not answer in
                time.
        """
        self._prepare(timeouts, manner)
        waiting = self._awaiting_exec = Deadline("exec", timeouts.exec, self._now)
        self._started = waiting
        request = self._what_to_start(script, manner)
        if not manner.raw:
            self._send(request)
        elif self._answer_to(request, waiting) is False:
            words = f"{self._link.where()}: the server refused to run a command {waiting.after()}"
            raise NoCommands(words, host=self._host, phase="exec")

    def _what_to_start(self, script: str, manner: Manner) -> Message:
        if manner.subsystem is not None:
            self._asked_for = f"to start its subsystem {manner.subsystem}"
        kind = "exec" if manner.subsystem is None else "subsystem"
        request = self._request(kind, want_reply=True)
        request.add_string(_encoded(manner.subsystem or script))
        return request

    def start_shell(self, script: str, timeouts: Timeouts, manner: Manner) -> None:
        """Open the channel, ask for a shell, and type ``script``.

        Raises:
            ConnectionFailed: as `start`; or there is no shell either.
            ConnectionLost: the shell takes no input.
        """
        self._prepare(timeouts, manner)
        deadline = self._started = Deadline("exec", timeouts.exec, self._now)
        if not self._answer_to(self._request("shell", want_reply=True), deadline):
            words = f"the server takes neither a command nor a shell {deadline.after()}"
            raise self._failed("exec", words)
        self._type(_encoded(script) + b"\n", deadline)

    def _prepare(self, timeouts: Timeouts, manner: Manner) -> None:
        patience = timeouts.open if manner.patience is None else manner.patience
        self._open(Deadline("open", min(timeouts.open, patience), self._now))
        if manner.terminal is not None:
            self._ask_terminal(manner.terminal, Deadline("exec", timeouts.exec, self._now))
            # Without a shell of ours behind it, what a Ctrl-D means there is not known.
            self._end_to_type = None if manner.raw else b""
        if manner.tag:
            self._send_variable(TAG, manner.tag)

    def _send_variable(self, name: str, value: str) -> None:
        """RFC 4254 section 6.4; servers pass over what they are not told to accept."""
        request = self._request("env", want_reply=False)
        request.add_string(name)
        request.add_string(value)
        self._send(request)

    def _ask_terminal(self, terminal: Terminal, deadline: Deadline) -> None:
        request = self._request("pty-req", want_reply=True)
        request.add_string(_encoded(terminal.kind))
        for size in (terminal.columns, terminal.rows, 0, 0):
            request.add_int(size)
        request.add_string(_modes(terminal))
        if not self._answer_to(request, deadline):
            answer = "the server refused"
            if self._granted is None:
                answer = "the server hung up" if self._closed else "no answer"
            failed = self._failed("exec", f"no terminal: {answer} {deadline.after()}")
            failed.hint = "PermitTTY in sshd_config, or no-pty in authorized_keys?"
            raise failed

    def _answer_to(self, request: Message, deadline: Deadline) -> bool | None:
        """Send a request and wait for its answer; None where none came in time."""
        self._granted, self._asking = None, True
        self._send(request)
        while self._asking and not self._closed:
            if not self._news.wait(deadline.remaining()):
                break
            self._news.clear()
        self._asking = False
        # What came with the answer may have been cleared along with it.
        self._news.set()
        return self._granted

    def _type(self, data: bytes, deadline: Deadline) -> None:
        rest = memoryview(data)
        while rest and not self._closed:
            rest = rest[self._send_data(rest) :]
            if rest and not self._news.wait(deadline.remaining()):
                words = f"the shell did not take what is typed within {deadline.seconds:g} s"
                raise self._lost("exec", f"{self._link.where()}: {words}")
            self._news.clear()
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
            raise self._lost(
                "exec",
                f"{self._link.where()}: the server did not answer the request {self._asked_for} "
                f"within {waited.seconds:g} s",
            )

    def _take(self, packet: Packet | _Wake | _Lost) -> Packet | None:
        if isinstance(packet, Data):
            self._acknowledge(len(packet.data))
        elif isinstance(packet, _Wake):
            return None
        elif isinstance(packet, _Lost):
            if self._refusal is not None:
                raise self._failed("exec", self._refusal)
            raise self._lost("run", f"{self._link.obituary()} {self._started.after()}")
        return packet

    def write(self, data: bytes | memoryview) -> int:
        """See `Process.write`."""
        done = self._send_data(data, _WRITE_BURST)
        if done == _WRITE_BURST * self._out_packet:
            # There may be room for more, and nobody else will say so.
            self._tell(Writable())
        if done:
            self._last_typed = data[done - 1]
        return done

    def close_stdin(self) -> None:
        """See `Process.close_stdin`. A terminal's end of file is typed, once there is room."""
        if self._end_to_type is not None and not self._eof_sent:
            # The first one only ends a line that was begun.
            begun = self._last_typed not in (None, 0x0A, _END_OF_FILE)
            self._end_to_type = self._end_to_type or bytes([_END_OF_FILE] * (1 + begun))
            self._end_to_type = self._end_to_type[self._send_data(self._end_to_type) :]
            if self._end_to_type:
                return
        self._send_eof()

    def signal(self, name: str) -> None:
        """See `Process.signal`; RFC 4254 section 6.9, which OpenSSH honours since 7.9."""
        if not self._closed:
            request = self._request("signal", want_reply=False)
            request.add_string(name)
            self._send(request)

    def wake(self) -> None:
        """See `Process.wake`."""
        self._tell(_Wake())

    def _refused(self, code: int, reason: str) -> ConnectionFailed:
        failed = super()._refused(code, reason)
        return NoRoom(failed.message, host=self._host, phase="open") if self._queued else failed

    def _lost(self, phase: str, words: str) -> ConnectionLost:
        hint = "it may or may not have run" if phase == "exec" else "what it did is not known"
        return ConnectionLost(words, host=self._host, phase=phase, hint=hint)

    # -- told by the link's thread

    def _on_writable(self) -> None:
        self._tell(Writable())

    def _request_success(self, message: Message) -> None:
        self._awaiting_exec = None
        self._answered(granted=True)

    def _answered(self, *, granted: bool) -> bool:
        asked, self._asking = self._asking, False
        if asked:
            self._granted = granted
            self._news.set()
        return asked

    def _request_failed(self, message: Message) -> None:
        self._awaiting_exec = None
        if self._answered(granted=False):
            return
        self._refusal = f"the server refused {self._asked_for} {self._started.after()}"
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
        self._count_arrived(len(packet.data))
        self._tell(self._merged(packet))

    def _merged(self, packet: Data) -> Data:
        """``packet`` behind what came just before it and was not read, while both are small.

        A command that writes byte by byte would otherwise fill the window with two million objects.
        Each operation on the deque is atomic, so the consumer takes an item or we do, never both.
        """
        if len(packet.data) >= _SMALL or not self._inbox:
            return packet
        try:
            last = self._inbox.pop()
        except IndexError:
            return packet
        if isinstance(last, Data) and last.stream == packet.stream and len(last.data) < _SMALL:
            return Data(packet.stream, last.data + packet.data)
        self._inbox.append(last)
        return packet

    def _handle_request(self, message: Message) -> None:
        kind = message.get_text()
        want_reply = message.get_boolean()
        if kind == "exit-status":
            # 32 bits on the wire; what no shell can tell must not come out as success.
            self._tell(Exited(rc=min(message.get_int(), 255)))
        elif kind == "exit-signal":
            self._tell(Exited(signal=message.get_text().removeprefix("SIG")))
        self._answer(want_reply)

    def _handle_eof(self, message: Message) -> None:
        self._tell(EndOfOutput())

    def _unlink(self) -> None:
        if not self._closed:
            # In this order: who finds it closed has seen why, and who is woken finds it closed.
            self._inbox.append(_Lost())
            super()._unlink()


def _encoded(words: str) -> bytes:
    return words.encode("utf-8", "surrogateescape")
