"""A playbook's connections: one login a host, a persistent shell for each identity on it.

A shell has one user at a time. Tasks of several hosts that are delegated to one get a login each,
as long as they overlap; what is idle is used again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.lines import Line, Shell
from opsrun.composition.watchers import Watchers
from opsrun.composition.ways import Way, login_user
from opsrun.engine.stop import Stop
from opsrun.errors import Cancelled, ConnectionFailed, HostError
from opsrun.playbook.interfaces import Wish
from opsrun.playbook.messages import Wait
from opsrun.remote.become import BecomeSpec
from opsrun.remote.capture import MemoryBudget
from opsrun.remote.connection import Connection, Transport
from opsrun.remote.perseverance import Perseverance
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.targets.become import Become, become_spec, checked_method
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import Target


class FleetReach:
    """See `opsrun.playbook.interfaces.Reach`.

    Args:
        fleetway: how hosts are reached.
        defaults: what holds for all of them.
        stop: ends what is under way.
        at_once: hosts that are worked on at the same time.
        retries: further logins where one failed.
        spare: connections that may stay open while nobody uses them; what is beyond is closed when
            its task ends, and its host is logged in to again.
        watchers: wait for checks; None where nobody does.
    """

    def __init__(
        self,
        fleetway: Fleetway,
        defaults: ConnectionDefaults,
        stop: Stop,
        at_once: int,
        retries: int = 0,
        spare: int = 1 << 20,
        watchers: Watchers | None = None,
    ) -> None:
        self._fleetway = fleetway
        self._defaults = defaults
        self._config: SSHConfig | None = None
        self.stop = stop
        self.now = fleetway.engine.now
        self.budget = MemoryBudget(1 << 29, fleetway.engine.lock())
        self._at_once = at_once
        self._retries = retries
        self._spare = spare
        self._watchers = watchers
        self._resting: set[Line] = set()
        """Open, and used by nobody."""
        self._lock = fleetway.engine.lock()
        self._admitting = fleetway.engine.lock()
        """What all connections share is made by the first of them alone."""
        self._idle: dict[Target, list[Line]] = {}
        self._every: set[Line] = set()
        self._known: dict[Any, tuple[Target, BecomeSpec | None]] = {}

    @contextmanager
    def lease(self, wish: Wish) -> Iterator[Shell]:
        """See `Reach.lease`."""
        target, become = self._resolved(wish)
        line = self._take(Way(wish.host, target), become)
        shell = line.shell(become)
        try:
            with self.stop.closing(shell.interrupt):
                yield shell
        except HostError as error:
            if not isinstance(error, Cancelled) and not line.usable:
                line.forget()
            raise
        finally:
            self._give_back(target, line)

    def watch(self, wish: Wish, wait: Wait) -> None:
        """See `Reach.watch`."""
        assert self._watchers is not None
        self._watchers.watch(self.way(wish), wait, self.way)

    def way(self, wish: Wish) -> Way:
        """How a host is reached as this wish has it. UsageError."""
        return Way(wish.host, *self._resolved(wish))

    def _give_back(self, target: Target, line: Line) -> None:
        with self._lock:
            stays = len(self._resting) < self._spare
            if stays:
                self._resting.add(line)
        if not stays:
            # Before anybody else can take it.
            line.rest()
        with self._lock:
            self._idle.setdefault(target, []).append(line)

    def _resolved(self, wish: Wish) -> tuple[Target, BecomeSpec | None]:
        variables = _as_variables(wish)
        pairs = tuple(sorted((name, repr(value)) for name, value in variables.items()))
        key = wish.host, wish.become, pairs
        found = self._known.get(key)
        if found is None:
            if self._config is None:
                self._config = self._defaults.read_ssh_config()
            target = build_target(wish.host, variables, self._defaults, self._config)
            spec = become_spec(wish.host, variables, self._become(wish), login_user(target))
            with self._admitting:
                self._fleetway.admit(target, self._at_once)
            found = self._known[key] = target, spec
        return found

    def _become(self, wish: Wish) -> Become | None:
        """The command line's; keywords win over it, but for its password."""
        said = self._defaults.become
        wanted = wish.become
        if wanted is None or "ansible_become" in wish.variables:
            base = said or Become(everywhere=False)
        else:
            base = replace(said or Become(), everywhere=True)
        if wanted is None:
            return base
        if wanted.method:
            checked_method(wanted.method, wanted.place or "become_method")
        return replace(
            base,
            user=wanted.user or base.user,
            method=wanted.method or base.method,
            flags=wanted.flags or base.flags,
            exe=wanted.exe or base.exe,
        )

    def _take(self, way: Way, become: BecomeSpec | None) -> Line:
        with self._lock:
            idle = self._idle.get(way.target, [])
            chosen = next((line for line in idle if line.has(become)), None)
            chosen = chosen or (idle[-1] if idle else None)
            if chosen is not None:
                idle.remove(chosen)
                self._resting.discard(chosen)
                return chosen
        line = Line(self, way, self.transport(way))
        with self._lock:
            self._every.add(line)
        return line

    def transport(self, way: Way) -> Transport:
        """A way to a host, as its login user."""
        return self._fleetway.transport(way)

    def let_go(self, target: Target) -> None:
        """Keep no connection to a host for later that nobody uses now."""
        self._fleetway.let_go(target)

    def connect(self, transport: Transport, host: str) -> Connection:
        """Log in; tried again where that is worth it, see `Perseverance`."""
        patience = Perseverance(self._retries)
        while True:
            try:
                with self.stop.closing(transport.close):
                    connection = transport.connect()
                break
            except ConnectionFailed as error:
                pause = None if self.stop.cancelled else patience.pause(error)
                if pause is None or self.stop.wait(pause):
                    raise self._cancelled(error, host) from error
        if self.stop.cancelled:
            raise Cancelled(self.stop.reason, host=host, phase="open")
        return connection

    def _cancelled(self, error: ConnectionFailed, host: str) -> HostError:
        if self.stop.cancelled:
            return Cancelled(self.stop.reason, host=host, phase=error.phase)
        return error

    def close(self) -> None:
        """See `Reach.close`."""
        with self._lock:
            every, self._every = self._every, set()
            self._idle.clear()
            self._resting.clear()
        for line in every:
            line.rest()


def _as_variables(wish: Wish) -> dict[str, Any]:
    """The wish's variables, and its keywords where no variable says otherwise."""
    found = dict(wish.variables)
    if wish.connection is not None and "ansible_connection" not in found:
        found["ansible_connection"] = wish.connection
    if wish.remote_user is not None and not {"ansible_user", "ansible_ssh_user"} & found.keys():
        found["ansible_user"] = wish.remote_user
    if wish.port is not None and not {"ansible_port", "ansible_ssh_port"} & found.keys():
        found["ansible_port"] = wish.port
    return found
