"""The transport thread: paramiko's, with a deadline for every phase and no poll to wait for it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from paramiko.common import (
    CONNECTION_FAILED_CODE,
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_GLOBAL_REQUEST,
    MSG_SERVICE_REQUEST,
    byte_chr,
)
from paramiko.message import Message
from paramiko.ssh_exception import IncompatiblePeer, SSHException

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.algorithms import disagreements
from opsrun.transports.ssh.channel import SessionChannel
from opsrun.transports.ssh.drops import TooManyConnections, add_drop, said
from opsrun.transports.ssh.endings import SETTLED, explain
from opsrun.transports.ssh.packets import Packetizer
from opsrun.transports.ssh.paramiko_seam import TransportBase
from opsrun.transports.ssh.sessions import Claim, Sessions
from opsrun.transports.ssh.tunnel import Tunnel
from opsrun.transports.ssh.wire import WINDOW, Channel, message_of
from opsrun.transports.targets.target import SSHTarget

_WAKE_UP = 2.0
"""Seconds after which an idle transport looks around. paramiko's ten times a second cost 1.5 ms of
CPU a host and second under gevent; closing wakes it at once either way."""

Trace = Callable[[str], None]

C = TypeVar("C", bound=Channel)


class _Silence(SSHException):
    """The peer answered none of our questions for a sign of life."""


class Link(TransportBase):
    """An SSH connection of one host.

    Authenticated encryption first: AES-GCM moves 1.2 to 1.6 times the bytes of AES-CTR, because no
    MAC is computed in Python. CBC modes, SHA-1 and MD5 are not offered at all.
    """

    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    )
    _preferred_macs = (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    )
    # By name rather than by paramiko's functions: our channels are not its Channel's subclasses.
    _channel_handler_table = {  # noqa: RUF012 (paramiko's own attribute)
        MSG_CHANNEL_SUCCESS: lambda channel, m: channel._request_success(m),
        MSG_CHANNEL_FAILURE: lambda channel, m: channel._request_failed(m),
        MSG_CHANNEL_DATA: lambda channel, m: channel._feed(m),
        MSG_CHANNEL_EXTENDED_DATA: lambda channel, m: channel._feed_extended(m),
        MSG_CHANNEL_WINDOW_ADJUST: lambda channel, m: channel._window_adjust(m),
        MSG_CHANNEL_REQUEST: lambda channel, m: channel._handle_request(m),
        MSG_CHANNEL_EOF: lambda channel, m: channel._handle_eof(m),
        MSG_CHANNEL_CLOSE: lambda channel, m: channel._handle_close(m),
    }

    def __init__(
        self,
        sock: socket.socket,
        target: SSHTarget,
        engine: Engine,
        key_types: Sequence[str] = (),
        trace: Trace | None = None,
        *,
        log: bool = False,
        window: int = WINDOW,
        **paramiko_options: Any,
    ) -> None:
        self._trace = trace
        self.window = window
        """Bytes of each channel's window."""
        self._logs = log and trace is not None
        # Not `_target`: that is a thread's own, and paramiko's transport is a thread.
        self._peer = target
        self._engine = engine
        interval = target.timeouts.keepalive
        self.sessions = Sessions(engine)
        self._active_check_timeout = min(_WAKE_UP, interval) if interval > 0 else _WAKE_UP
        super().__init__(sock, packetizer_class=Packetizer, **paramiko_options)
        # Types of which a key is on record go first, so that the key on record is the one sent.
        first = tuple(kind for kind in self._preferred_keys if kind in key_types)
        self._preferred_keys = tuple(dict.fromkeys(first + self._preferred_keys))
        self.banner_seen = False
        self._exchange = "?"
        self.progress = engine.event()
        """Set whenever something happened that `wait_until` may be waiting for."""
        self.now = engine.now
        self._death: BaseException | None = None
        self._asked = 0
        self._asked_at = 0.0
        self._handler_table[MSG_CHANNEL_OPEN_FAILURE] = self._channel_refused
        self._handler_table[MSG_CHANNEL_OPEN_SUCCESS] = self._channel_opened
        self.packetizer.on_silence = self._on_silence
        self.packetizer.max_write_stall = max(60.0, interval * target.timeouts.keepalive_count)

    def _log(self, level: int, msg: Any, *args: Any) -> None:
        if self._logs:
            for line in msg if isinstance(msg, list) else [msg]:
                self.tell(str(line) % args if args else str(line))

    def tell(self, words: str) -> None:
        """A line of the connection's story, for -vv; never a secret."""
        if self._trace is not None:
            self._trace(words)

    # -- phases

    def start_client(self, event: Any = None, timeout: float | None = None) -> None:
        """Exchange banners and keys.

        ``event`` and ``timeout`` are paramiko's and not used: each phase has its own deadline.

        Raises:
            ConnectionFailed: phase banner or kex.
        """
        self.active = True
        self.completion_event = self.progress
        self.start()
        timeouts = self._peer.timeouts
        self.wait_until(lambda: self.banner_seen, Deadline("banner", timeouts.banner, self.now))
        self.wait_until(lambda: self.initial_kex_done, Deadline("kex", timeouts.kex, self.now))
        mac = "" if "gcm" in self.local_cipher else f", {self.local_mac}"
        self.tell(f"kex: {self._exchange}, {self.host_key_type}, {self.local_cipher}{mac}")

    def _check_banner(self) -> None:
        try:
            super()._check_banner()
        except SSHException as error:
            # paramiko wraps whatever happened while reading into one sentence; undo that.
            if isinstance(error.__context__, (EOFError, OSError, SSHException)):
                raise error.__context__ from None
            raise
        self.tell(f"banner: {self.remote_version}")
        self.banner_seen = True
        self.progress.set()

    def _parse_kex_init(self, m: Message) -> None:
        try:
            super()._parse_kex_init(m)
        except IncompatiblePeer as error:
            # paramiko says of what there is none in common, and not what there is.
            kinds = ("kex", "keys", "ciphers", "macs")
            ours = [getattr(self, f"_preferred_{kind}") for kind in kinds]
            raise IncompatiblePeer(disagreements(m, *ours) or str(error)) from None
        kind = type(self.kex_engine)
        names = (name for name in self._preferred_kex if self._kex_info[name] is kind)
        self._exchange = next(names, "?")

    def wait_until(self, ready: Callable[[], bool], deadline: Deadline) -> None:
        """Wait for the transport thread to get there.

        Raises:
            ConnectionFailed: the connection ended, or the deadline passed; in the deadline's phase.
        """
        while not ready():
            self.progress.clear()
            if ready():
                return
            if not self.active:
                raise self.failure(deadline.phase, deadline)
            if not self.progress.wait(deadline.remaining()) and not ready():
                raise self._late(deadline)

    def _late(self, deadline: Deadline) -> ConnectionFailed:
        preface = self.packetizer.preface if deadline.phase == "banner" else ()
        return ConnectionFailed(
            f"{self.where()}: nothing within {deadline.seconds:g} s{said(preface)}",
            host=self._peer.host,
            phase=deadline.phase,
            hint="the server is overloaded, or no SSH server",
        )

    def where(self) -> str:
        """Address and port, and what lies between, for messages."""
        return self._peer.place

    def failure(self, phase: str, since: Deadline | None = None) -> ConnectionFailed:
        """Why the transport thread ended, as the error of ``phase``; ``since`` it began."""
        error = self._cause()
        words, hint = explain(error)
        if since is not None:
            words += "; given up" * isinstance(error, IncompatiblePeer) + f" {since.after()}"
        preface = self.packetizer.preface if phase == "banner" else ()
        failed = ConnectionFailed(
            f"{self.where()}: {words}{said(preface)}",
            host=self._peer.host,
            phase=phase,
            hint=hint,
        )
        failed.transient = not isinstance(error, SETTLED)
        if phase in ("banner", "kex"):
            add_drop(failed, error, preface)
        failed.__cause__ = error
        return failed

    def _cause(self) -> BaseException | None:
        # paramiko's accessor forgets the error as it gives it away; several waiters may ask.
        self._death = self._death or self.get_exception()
        return self._death

    def obituary(self) -> str:
        """Address, and how an established connection ended."""
        return f"{self.where()}: {self.epitaph()}"

    def epitaph(self) -> str:
        """How an established connection ended, in words."""
        return explain(self._cause())[0]

    def request_service(self, name: str) -> None:
        """Ask for a service (RFC 4253 section 10)."""
        request = Message()
        request.add_byte(byte_chr(MSG_SERVICE_REQUEST))
        request.add_string(name)
        self._send_message(request)

    def _parse_disconnect(self, m: Message) -> None:
        # What the server said as it hung up is worth more than that it did.
        code = m.get_int()
        words = f"the server hung up: {m.get_text()} (code {code})"
        kind = TooManyConnections if code == TooManyConnections.code else SSHException
        self.saved_exception = kind(words)

    def _filter_algorithm(self, type_: str) -> tuple[str, ...]:
        # paramiko sieves the same list sixteen times a login for what was disabled: nothing.
        chosen: tuple[str, ...] = getattr(self, f"_preferred_{type_}")
        return chosen

    def _parse_debug(self, m: Message) -> None:
        # sshd sends two; paramiko makes them printable first, whether its log is on or off.
        if self._logs:
            super()._parse_debug(m)

    # -- channels

    def session(self, claim: Claim) -> SessionChannel:
        """A session channel, registered but not yet opened, for who was granted one by `sessions`.

        Raises:
            ConnectionFailed: the connection has ended meanwhile.
        """
        try:
            channel = self._register(
                lambda number: SessionChannel(self, number, self._engine, self._peer.host)
            )
        except BaseException:
            self.sessions.withdraw(claim)
            raise
        self.sessions.ask(claim, channel.chanid)
        return channel

    def tunnel(self, target: SSHTarget) -> Tunnel:
        """A channel to another host, registered but not yet opened.

        Raises:
            ConnectionFailed: the connection has ended meanwhile.
        """
        return self._register(lambda number: Tunnel(self, number, self._engine, target))

    def _register(self, make: Callable[[int], C]) -> C:
        with self.lock:
            channel = make(self._next_channel())
            self._channels.put(channel.chanid, channel)
            self.channels_seen[channel.chanid] = True
        if not self.active:
            raise self.failure("open")
        return channel

    def _channel_refused(self, message: Message) -> None:
        chanid, reason = message.get_int(), message.get_int()
        words = message.get_text() or CONNECTION_FAILED_CODE.get(reason, f"reason {reason}")
        channel = self._channels.get(chanid)
        self._unlink_channel(chanid)
        queued = self.sessions.refused(chanid)
        if channel is not None:
            channel._open_refused(reason, words, queued=queued)

    def _channel_opened(self, message: Message) -> None:
        chanid = message.get_int()
        channel = self._channels.get(chanid)
        number, window, max_packet = message.get_int(), message.get_int(), message.get_int()
        self.sessions.opened(chanid)
        if channel is not None:
            channel._set_remote_channel(number, window, max_packet)
            if not channel.given_up or not channel.take_close():
                return
        # Nobody waits for it any more, and else it would stay open as long as the connection.
        closing = message_of(MSG_CHANNEL_CLOSE)
        closing.add_int(number)
        self.answer(closing)
        self.sessions.close(chanid)

    def answer(self, message: Message) -> None:
        """Send from the transport thread, which must never wait for a key exchange to end."""
        if not self.in_kex:
            self._send_message(message)

    # -- signs of life

    def _on_silence(self, seconds: float) -> None:
        # Runs on the transport thread, whenever a read found nothing for a while.
        interval = self._peer.timeouts.keepalive
        if interval <= 0 or not self.authenticated_once():
            return
        if self.packetizer.last_heard > self._asked_at:
            self._asked = 0
        if seconds < interval * (self._asked + 1):
            return
        if self._asked >= self._peer.timeouts.keepalive_count:
            raise _Silence(f"no sign of life for {seconds:.3g} s")
        self._asked += 1
        self._asked_at = self.now()
        self.answer(_sign_of_life())

    def authenticated_once(self) -> bool:
        """Whether the server has let us in."""
        return self.auth_handler is not None and self.auth_handler.is_authenticated()

    def _parse_request_success(self, m: Message) -> None:
        """A keepalive's answer; that it came is all it says."""

    def _parse_request_failure(self, m: Message) -> None:
        """A keepalive's answer; servers refuse the request, which proves them alive."""

    # -- the end

    def run(self) -> None:
        """The transport thread's body."""
        try:
            super().run()
        finally:
            self.active = False
            # Once more: one may have been added after paramiko told those that there were.
            for channel in self._channels.values():
                channel._unlink()
            self.sessions.end()
            self.progress.set()

    def give_up(self, error: BaseException) -> None:
        """End the connection because of an error that only a sender can see."""
        self._death = self._death or error
        self.stop_thread()

    def stop_thread(self) -> None:
        """End the transport thread; wakes whoever waits for a phase."""
        self.active = False
        self.packetizer.close()
        self.sessions.end()
        self.progress.set()

    def close(self) -> None:
        """Close the connection and all its channels; safe from any task, and again."""
        self.stop_thread()
        for channel in list(self._channels.values()):
            channel._unlink()
        self.sock.close()


def _sign_of_life() -> Message:
    message = Message()
    message.add_byte(byte_chr(MSG_GLOBAL_REQUEST))
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)
    return message
