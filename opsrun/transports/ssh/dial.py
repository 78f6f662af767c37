"""From a host's address to a connected socket, dialled by ourselves and within deadlines."""

from __future__ import annotations

import _socket
import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.pacing import Turn, at_address
from opsrun.transports.ssh.racing import AddressInfo, GivenUp, Race, shut
from opsrun.transports.targets.target import SSHTarget

Resolver = Callable[[str, int], Sequence[AddressInfo]]

BETWEEN_ATTEMPTS = 1.0
"""Seconds from one attempt to the next (ConnectionAttempts in ssh_config(5))."""

_FAMILIES = {"any": None, "inet": int(socket.AF_INET), "inet6": int(socket.AF_INET6)}


def system_resolver(name: str, port: int) -> list[AddressInfo]:
    """Ask the system's resolver (getaddrinfo(3)).

    The C module's function: the one in `socket` may have been made cooperative, and this call
    runs on a native thread.
    """
    found = _socket.getaddrinfo(name, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), sockaddr) for family, _, _, _, sockaddr in found))


def resolve(target: SSHTarget, engine: Engine, resolver: Resolver) -> Sequence[AddressInfo]:
    """Addresses to dial, in the resolver's order; a literal address asks nobody.

    Raises:
        ConnectionFailed: phase dns.
    """
    try:
        literal = _literal(target.address, target.port)
    except (OSError, ValueError) as error:
        words = f"{target.address}: no such interface on this machine"
        raise _failed(target, "dns", words, "check what follows the %") from error
    if literal is not None:
        return [literal]
    deadline = Deadline("dns", target.timeouts.dns, engine.now)
    try:
        found = engine.offload(resolver, target.address, target.port, timeout=target.timeouts.dns)
    except TimeoutError:
        words = f"no answer for {target.address} within {target.timeouts.dns:g} s"
        raise _failed(target, "dns", words, "the resolver is slow, or out of reach") from None
    except UnicodeError as error:
        words = f"{target.address}: a part of the name is empty, or longer than 63 characters"
        words = f"{words} {deadline.after()}"
        failed = _failed(target, "dns", words, "check the name, or set ansible_host")
        failed.transient = False  # RFC 1035, 2.3.4: no resolver will ever know it
        raise failed from error
    except OSError as error:
        words = f"{target.address}: {error.strerror or error} {deadline.after()}"
        raise _failed(target, "dns", words, "check the name, or set ansible_host") from error
    family = _FAMILIES[target.address_family]
    wanted = [address for address in found if family in (None, address[0])]
    if not wanted:
        kind = "" if family is None else f" {target.address_family}"
        words = f"{target.address} has no{kind} address, says the resolver {deadline.after()}"
        raise _failed(target, "dns", words, "set ansible_host")
    return wanted


def _literal(address: str, port: int) -> AddressInfo | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if parsed.version == 4:
        return socket.AF_INET, (address, port)
    zone = address.partition("%")[2]
    scope = socket.if_nametoindex(zone) if zone and not zone.isdigit() else int(zone or 0)
    return socket.AF_INET6, (address.partition("%")[0], port, 0, scope)


class Route(Protocol):
    """A way to one host's SSH server, whatever lies between."""

    def open(self) -> Any:
        """Something with a socket's ``recv send settimeout shutdown close``, connected.

        Raises:
            ConnectionFailed: with the phase that did not end well.
        """

    def hang_up(self) -> None:
        """Close what was opened most recently; whoever waits for it wakes up."""

    def abort(self) -> None:
        """Give up, also in the middle of `open`; safe from any other task."""


class DirectRoute:
    """Resolves the name, and dials; see `Route`."""

    def __init__(
        self,
        target: SSHTarget,
        engine: Engine,
        resolver: Resolver,
        turn: Turn | None = None,
        tell: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._target = target
        self._tell = tell
        self._engine = engine
        self._resolver = resolver
        self._turn = turn
        self._dialler = Dialler(target, engine, tell)
        self.hang_up = self._dialler.hang_up
        self.abort = self._dialler.abort

    def open(self) -> socket.socket:
        """See `Route.open`."""
        addresses = resolve(self._target, self._engine, self._resolver)
        listed = ", ".join(str(each[1][0]) for each in addresses)
        self._tell(f"dns: {self._target.address} is {listed}")
        if self._turn is not None:
            self._turn.take(at_address([each[1][0] for each in addresses], self._target.port))
        return self._dialler.dial(addresses)


class Dialler:
    """Connects one socket; `abort` wakes it from any other task."""

    def __init__(
        self,
        target: SSHTarget,
        engine: Engine,
        tell: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._target = target
        self._tell = tell
        self._engine = engine
        self._socket: socket.socket | None = None
        self._race: Race | None = None
        self._aborted = engine.event()

    def abort(self) -> None:
        """Give up, also in the middle of a connect."""
        self._aborted.set()
        if self._race is not None:
            self._race.abort()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the socket that was connected, if there is one."""
        if self._socket is not None:
            hang_up(self._socket)

    def dial(self, addresses: Sequence[AddressInfo]) -> socket.socket:
        """A socket that is connected to the first address that answers.

        They are tried side by side, see `Race`: a black-holed one costs those behind it a moment.

        Raises:
            ConnectionFailed: phase tcp; says what became of every address.
        """
        deadline = Deadline("tcp", self._target.timeouts.tcp, self._engine.now)
        left = self._target.connection_attempts
        while True:
            left -= 1
            try:
                return self._tuned(self._attempt(addresses, deadline))
            except ConnectionFailed as error:
                if left <= 0 or not self._rest(deadline, error):
                    raise

    def _rest(self, deadline: Deadline, error: ConnectionFailed) -> bool:
        """Wait for the next attempt's time; whether it is to be made."""
        if (deadline.remaining() or 0.0) <= BETWEEN_ATTEMPTS or self._aborted.is_set():
            return False
        self._tell(f"tcp: {error.message}; dialling again in {BETWEEN_ATTEMPTS:g} s")
        return not self._aborted.wait(BETWEEN_ATTEMPTS)

    def _attempt(self, addresses: Sequence[AddressInfo], deadline: Deadline) -> socket.socket:
        race = self._race = Race(addresses, deadline)
        try:
            if self._aborted.is_set():
                raise GivenUp
            sock = self._socket = race.run()
            self._tell(f"tcp: connected to {_peer(sock)}{race.setbacks()}")
            return sock
        except GivenUp:
            words = f"{self._target.place}: given up after {deadline.elapsed():.1f} s"
            raise _failed(self._target, "tcp", words, "") from None
        except OSError as error:
            raise race.failure(error, self._target.host) from error
        finally:
            self._race = None

    def _tuned(self, sock: socket.socket) -> socket.socket:
        try:
            sock.settimeout(self._target.timeouts.tcp)
            # Worth 10 to 20 % on short commands: SSH writes small packets.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            # Given up, or reset, in this very moment: whoever uses it next will see.
            pass
        if self._aborted.is_set():
            hang_up(sock)
        return sock


def hang_up(sock: socket.socket) -> None:
    """Close a socket so that whoever waits for it, in any thread, wakes up."""
    # close() alone leaves a thread in recv() where it is.
    shut(sock)
    sock.close()


def _peer(sock: socket.socket) -> str:
    try:
        address = sock.getpeername()
    except OSError:
        return "nobody any more"
    return f"{address[0]} port {address[1]}"


def _failed(target: SSHTarget, phase: str, message: str, hint: str) -> ConnectionFailed:
    return ConnectionFailed(message, host=target.host, phase=phase, hint=hint)
