"""Jump hosts: one login each, shared by all hosts behind it (ProxyJump in ssh_config(5))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opsrun.engine.base import Engine, Event
from opsrun.errors import AuthenticationFailed, ConnectionFailed, HostKeyError
from opsrun.remote.perseverance import Perseverance
from opsrun.transports.ssh.pacing import Turn, behind
from opsrun.transports.ssh.tunnel import Tunnel
from opsrun.transports.targets.target import SSHTarget

if TYPE_CHECKING:
    from opsrun.transports.ssh.client import SSHConnection, SSHTransport

_HOLDS_AT_LEAST = 1.0
"""Seconds for which a failed login also fails hosts that come after it."""


class _Login:
    """One login to a jump host, and all who wait for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = engine.lock()
        self._started = engine.now()
        self._settled_at = 0.0
        self._waiters: set[Event] = set()
        self._told: set[str] = set()
        self.settled = False
        self.connection: SSHConnection | None = None
        self.failure: ConnectionFailed | None = None

    def serves(self, host: str) -> bool:
        """Whether ``host`` is to share this login's outcome, rather than have another one made.

        A failure is news for each host once: who comes again is trying again. It holds as long as
        it took to find out, so that a thousand hosts don't each wait for the same dead jump host.
        """
        with self._lock:
            if not self.settled:
                return True
            if self.failure is None:
                return self.connection is not None and self.connection.is_alive
            if not self.failure.transient:
                return True
            holds = max(_HOLDS_AT_LEAST, self._settled_at - self._started)
            return host not in self._told and self._engine.now() < self._settled_at + holds

    def settle(self, outcome: SSHConnection | ConnectionFailed) -> None:
        """Tell all who wait."""
        with self._lock:
            if isinstance(outcome, ConnectionFailed):
                self.failure = outcome
            else:
                self.connection = outcome
            self._settled_at = self._engine.now()
            self.settled = True
            waiters = list(self._waiters)
        for waiter in waiters:
            waiter.set()

    def wait(self, host: str, waiter: Event, given_up: Callable[[], bool]) -> None:
        """Wait for the outcome, or until somebody sets ``waiter`` because ``host`` was given up."""
        with self._lock:
            self._told.add(host)
            self._waiters.add(waiter)
        try:
            # Bounded: each phase of a login has its own deadline, and its end is always told.
            while not self.settled and not given_up():
                waiter.wait()
                waiter.clear()
        finally:
            with self._lock:
                self._waiters.discard(waiter)


class Bastions:
    """The jump hosts of one run.

    Args:
        engine: logins run in tasks of their own, so that no host's end is a shared login's.
        make: makes a transport to a jump host.
        warn: takes a jump host's name and what there is to say of its login.
    """

    def __init__(
        self,
        engine: Engine,
        make: Callable[[SSHTarget], SSHTransport],
        warn: Callable[[str, str], None] = lambda host, words: None,
    ) -> None:
        self._engine = engine
        self._make = make
        self._warn = warn
        self._ended = engine.event()
        self._lock = engine.lock()
        self._logins: dict[SSHTarget, _Login] = {}
        self._transports: dict[SSHTransport, _Login] = {}
        self._closed = False

    def login(self, hop: SSHTarget, host: str) -> _Login:
        """The login to a jump host that ``host`` is to use; begun if there is none."""
        with self._lock:
            login = self._logins.get(hop)
            if login is not None and login.serves(host):
                return login
            login = self._logins[hop] = _Login(self._engine)
        try:
            self._engine.spawn(self._log_in, hop, login)
        except RuntimeError as error:
            login.settle(ConnectionFailed(str(error), host=hop.host, phase="dns"))
        return login

    def _log_in(self, hop: SSHTarget, login: _Login) -> None:
        outcome: SSHConnection | ConnectionFailed
        try:
            outcome = self._persevere(hop, login)
        except ConnectionFailed as error:
            outcome = error
        except BaseException as error:
            outcome = ConnectionFailed(f"internal error: {error!r}", host=hop.host, phase="kex")
            outcome.transient = False
        login.settle(outcome)

    def _persevere(self, hop: SSHTarget, login: _Login) -> SSHConnection:
        patience = Perseverance()
        while True:
            try:
                return self._connect(hop, login)
            except ConnectionFailed as error:
                delay = patience.pause(error)
                if delay is None or self._rest(hop, delay, error):
                    raise

    def _connect(self, hop: SSHTarget, login: _Login) -> SSHConnection:
        transport = self._make(hop)
        with self._lock:
            # Those of an earlier login that has ended meanwhile are closed again below: harmless.
            self._transports[transport] = login
            closed = self._closed
        if closed:
            raise ConnectionFailed("the run has ended", host=hop.host, phase="dns")
        try:
            return transport.connect()
        except BaseException:
            with self._lock:
                self._transports.pop(transport, None)
            transport.close()
            raise

    def forget_failures(self) -> None:
        """Try jump hosts again that could not be reached: somebody asks anew."""
        with self._lock:
            self._logins = {hop: one for hop, one in self._logins.items() if one.failure is None}

    def _rest(self, hop: SSHTarget, delay: float, error: ConnectionFailed) -> bool:
        """Pause before another login; whether the run has ended meanwhile."""
        self._warn(hop.host, f"{error.phase}: {error.message}; logging in again in {delay:.1f} s")
        return self._ended.wait(delay)

    def close(self) -> None:
        """End all connections to jump hosts, and with them what goes through."""
        self._ended.set()
        with self._lock:
            self._closed = True
            transports = list(self._transports)
            self._transports.clear()
        for transport in transports:
            transport.close()


class JumpRoute:
    """The way to one host through its jump host; see `Route`."""

    def __init__(
        self, target: SSHTarget, engine: Engine, bastions: Bastions, turn: Turn | None = None
    ) -> None:
        self._target = target
        self._bastions = bastions
        self._turn = turn
        self._waiter = engine.event()
        self._tunnel: Tunnel | None = None
        self._aborted = False

    def open(self) -> Tunnel:
        """See `Route.open`."""
        hop = self._target.jump
        assert hop is not None
        login = self._bastions.login(hop, self._target.host)
        login.wait(self._target.host, self._waiter, self._given_up)
        if self._given_up():
            raise ConnectionFailed("given up", host=self._target.host, phase="open")
        if login.failure is not None:
            raise blamed(login.failure, hop, self._target.host)
        assert login.connection is not None
        if self._turn is not None:
            self._turn.take(*behind(self._target))
        try:
            self._tunnel = login.connection.tunnel(self._target)
        except ConnectionFailed as error:
            raise blamed(error, hop, self._target.host) from error
        if self._given_up():
            self._tunnel.close()
        self._tunnel.connect(self._target.timeouts.tcp)
        return self._tunnel

    def _given_up(self) -> bool:
        return self._aborted

    def hang_up(self) -> None:
        """See `Route.hang_up`."""
        if self._tunnel is not None:
            self._tunnel.close()

    def abort(self) -> None:
        """See `Route.abort`."""
        self._aborted = True
        self._waiter.set()
        self.hang_up()


def blamed(error: ConnectionFailed, hop: SSHTarget, host: str) -> ConnectionFailed:
    """A jump host's failure as that of a host behind it; it names both, and keeps the phase."""
    kinds = (HostKeyError, AuthenticationFailed, ConnectionFailed)
    kind = next(one for one in kinds if isinstance(error, one))
    failed = kind(f"jump host {hop.host}: {error.message}", host=host, phase=error.phase)
    failed.hint = error.hint
    failed.transient = error.transient
    if error.drop is not None and error.drop.hop:
        # Of the way through it; what became of its own login is settled.
        failed.drop = error.drop
    failed.__cause__ = error
    return failed
