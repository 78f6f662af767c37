"""Where all of it meets paramiko.SSHClient: connect, check the host, log in, run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import paramiko

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, HostError
from opsrun.remote.connection import USUAL, Manner
from opsrun.remote.deadline import Deadline, Timeouts
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.hostkeys.verify import WrongKeyType
from opsrun.transports.ssh.auth import Authenticator, PassphraseWanted
from opsrun.transports.ssh.channel import NoCommands, NoRoom, SessionChannel
from opsrun.transports.ssh.dial import DirectRoute, Resolver, Route, system_resolver
from opsrun.transports.ssh.jump import Bastions, JumpRoute
from opsrun.transports.ssh.link import Link, Trace
from opsrun.transports.ssh.pacing import Pacer, Turn
from opsrun.transports.ssh.sessions import Claim
from opsrun.transports.ssh.tunnel import Tunnel
from opsrun.transports.ssh.wire import WINDOW
from opsrun.transports.targets.target import SSHTarget


@dataclass(frozen=True, slots=True)
class SSHShared:
    """What all SSH connections of a run share."""

    engine: Engine
    credentials: Callable[[SSHTarget], Iterable[Credential]]
    """What to offer to a target, in order."""
    verify: Callable[[SSHTarget, str, bytes], str | None]
    """Called with key type and key blob; raises `HostKeyError` for a host that is not the one.
    What it gives is for the story."""
    known_key_types: Callable[[SSHTarget], Sequence[str]]
    """Types of host key that are on record for a target."""
    unlock: Callable[[Credential, Callable[[], bool]], bool] = lambda credential, given_up: False
    """Have an encrypted key decrypted, as long as it is not given up; whether it is."""
    resolver: Resolver = system_resolver
    trace: Callable[[str, str], None] | None = None
    """Takes a host's name and a line of its connection's story."""
    log: bool = False
    """Whether paramiko's log is part of the story."""
    window: int = WINDOW
    """Bytes of each channel's window; see `window_for`."""
    pacer: Pacer | None = None
    """Bounds handshakes; None lets each one through."""

    def turn(self, host: str) -> Turn:
        """What bounds one transport's handshakes."""
        pacer = self.pacer if self.pacer is not None else Pacer(self.engine)
        return Turn(pacer, host, self.teller(host))

    def teller(self, host: str) -> Callable[[str], None]:
        """What takes the lines of one host's story."""
        return partial(self.trace, host) if self.trace is not None else _untold


def _untold(words: str) -> None:
    """Nobody listens to the story."""


class _NoHostKeys(paramiko.HostKeys):
    """Knows nobody, so that paramiko asks the policy for every host."""

    def get(self, hostname: str, default: Any = None) -> Any:
        """Nothing."""
        return default


_NO_HOST_KEYS = _NoHostKeys()


class _HostKeyCheck(paramiko.MissingHostKeyPolicy):
    """paramiko is given no known hosts, so it asks this for every one of them."""

    def __init__(self, target: SSHTarget, shared: SSHShared) -> None:
        self._target = target
        self._shared = shared

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        """Raise `HostKeyError` unless the key is the host's. Nothing secret was sent so far."""
        words = self._shared.verify(self._target, key.get_name(), key.asbytes())
        if words:
            self._shared.teller(self._target.host)(f"hostkey: {words}")


class SSHTransport:
    """Reaches one host over SSH; wraps one `paramiko.SSHClient`."""

    def __init__(
        self, target: SSHTarget, shared: SSHShared, bastions: Bastions | None = None
    ) -> None:
        self._target = target
        self._shared = shared
        self._turn = shared.turn(target.host)
        self._route = route_to(target, shared, bastions, self._turn)
        self._client = self._new_client()
        self._closed = False

    def _new_client(self) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        # Two look-ups a login in a store that is empty, each of which would make a class.
        client._system_host_keys = client._host_keys = _NO_HOST_KEYS  # type: ignore[attr-defined]
        client.set_missing_host_key_policy(_HostKeyCheck(self._target, self._shared))
        return client

    def connect(self) -> SSHConnection:
        """See `Transport.connect`."""
        while True:
            try:
                return self._connect_by_known_key()
            except PassphraseWanted as wanted:
                # Without a connection: a server doesn't wait as long as somebody may have to think.
                if not self._shared.unlock(wanted.credential, lambda: self._closed):
                    raise wanted.failure from wanted
                self._client = self._new_client()

    def _connect_by_known_key(self) -> SSHConnection:
        try:
            return self._connect()
        except WrongKeyType:
            # Now that the host's lines have been searched, the types on record go first.
            if self._closed:
                raise
            self._client = self._new_client()
            return self._connect()

    def _connect(self) -> SSHConnection:
        with self._turn.handshake():
            return self._shake_hands()

    def _shake_hands(self) -> SSHConnection:
        if self._target.via:
            self._shared.teller(self._target.host)(f"tcp: going{self._target.via}")
        sock = self._route.open()
        try:
            self._log_in(sock)
        except HostError:
            self._hang_up()
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._hang_up()
            raise ConnectionFailed(
                str(error) or type(error).__name__, host=self._target.host, phase="kex"
            ) from error
        except BaseException:
            self._hang_up()
            raise
        link: Any = self._client.get_transport()
        if self._closed or link is None:
            self._hang_up()
            raise ConnectionFailed("given up", host=self._target.host, phase="auth")
        return SSHConnection(self._client, link, self._target)

    def _log_in(self, sock: Any) -> None:
        credentials = self._shared.credentials(self._target)
        self._client.connect(
            self._target.address,
            self._target.port,
            self._target.user,
            sock=sock,
            transport_factory=self._link,
            auth_strategy=Authenticator(self._target, credentials),  # type: ignore[arg-type]
        )

    def _link(self, sock: Any, **options: Any) -> Any:
        return Link(
            sock,
            self._target,
            self._shared.engine,
            self._shared.known_key_types(self._target),
            self._trace(),
            log=self._shared.log,
            window=self._shared.window,
            **options,
        )

    def _trace(self) -> Trace | None:
        if self._shared.trace is None:
            return None
        return partial(self._shared.trace, self._target.host)

    def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        self._turn.abort()
        self._hang_up()

    def _hang_up(self) -> None:
        # The link first: it tells those who wait for it; then the bare socket, if it got no link.
        self._client.close()
        self._route.hang_up()
        if self._closed:
            self._route.abort()


def route_to(target: SSHTarget, shared: SSHShared, bastions: Bastions | None, turn: Turn) -> Route:
    """The way to a host: direct, through its jump host, or through its ProxyCommand.

    ``turn`` is taken as soon as it is known where, and before anything is sent there.
    """
    if target.proxy_command is not None:
        from opsrun.transports.ssh.proxy import CommandRoute

        return CommandRoute(target, shared.engine, turn)
    if target.jump is None:
        return DirectRoute(target, shared.engine, shared.resolver, turn, shared.teller(target.host))
    assert bastions is not None
    return JumpRoute(target, shared.engine, bastions, turn)


class SSHConnection:
    """A host that let us in. Each script gets a channel of its own."""

    def __init__(self, client: paramiko.SSHClient, link: Link, target: SSHTarget) -> None:
        self.client = client
        """The wrapped client, for what has no method here."""
        self._link = link
        self._target = target

    def start(self, script: str, manner: Manner = USUAL) -> SessionChannel:
        """See `Connection.start`; waits while the server allows no further channel."""
        try:
            channel = self._start(script, manner, SessionChannel.start)
        except NoCommands:
            # Many a switch is like that: no commands, but somebody may sit down and type.
            channel = self._start(script, manner, SessionChannel.start_shell)
        self._link.tell(f"exec: a command is under way on channel {channel.chanid}")
        return channel

    def _start(
        self,
        script: str,
        manner: Manner,
        start: Callable[[SessionChannel, str, Timeouts, Manner], None],
    ) -> SessionChannel:
        claim = self._link.sessions.claim()
        # Others may rightly use theirs for hours: only who asks for it has a limit.
        waiting = Deadline("open", manner.patience, self._link.now)
        while True:
            self._await_turn(claim, waiting)
            channel = self._link.session(claim)
            if manner.patience is not None:
                manner = replace(manner, patience=waiting.remaining())
            try:
                start(channel, script, self._target.timeouts, manner)
                return channel
            except NoRoom:
                channel.close()
            except BaseException:
                channel.close()
                # Refused just before it was given up, it would be in the queue again.
                self._link.sessions.withdraw(claim)
                raise

    def _await_turn(self, claim: Claim, waiting: Deadline) -> None:
        link = self._link
        if not claim.granted:
            link.tell(f"{link.where()}: {link.sessions.open} channels are open; waiting for one")
        if link.sessions.wait(claim, waiting):
            return
        if link.sessions.over:
            raise link.failure("open")
        raise ConnectionFailed(
            f"{link.where()}: all {link.sessions.open} channels that the server allows are in use, "
            f"and none was closed within {waiting.seconds:g} s",
            host=self._target.host,
            phase="open",
            hint="MaxSessions in sshd_config",
        )

    def tunnel(self, target: SSHTarget) -> Tunnel:
        """A channel to another host, for `Tunnel.connect`.

        Raises:
            ConnectionFailed: this connection has ended.
        """
        return self._link.tunnel(target)

    @property
    def is_alive(self) -> bool:
        """Whether new channels can be asked for."""
        return self._link.active

    def close(self) -> None:
        """See `Connection.close`."""
        self.client.close()
